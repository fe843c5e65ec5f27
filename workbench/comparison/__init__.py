"""Comparing methods on equal terms: a grid of runs, measured on the same test sets, and its table."""

from workbench.comparison.grid import Cell, Grid, Job, controls, early_stopped
from workbench.comparison.running import Failure, run_grid
from workbench.comparison.tables import COLUMNS, grid_rows, spread, table, write_tables

__all__ = [
    "COLUMNS",
    "Cell",
    "Failure",
    "Grid",
    "Job",
    "controls",
    "early_stopped",
    "grid_rows",
    "run_grid",
    "spread",
    "table",
    "write_tables",
]
