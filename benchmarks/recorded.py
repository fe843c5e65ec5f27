"""The recorded numbers of the studies, as the pages tell them: which rows, and in which order."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from workbench.comparison.tables import read_csv
from workbench.studies import load_study

RESULTS = Path(__file__).parent / "results"
ORDER = ("input", "vanilla", "vanilla + best blur", "vanilla-", "awgn-as-target", "", "adapted", "guarded", "oracle")
"""Beginnings of the names of rows, in the order in which every table has them; the empty one stands for all others."""


def file_of(study: str) -> Path:
    """The CSV file of a study."""
    return RESULTS / f"{study}.csv"


def place_of(cell: str) -> int:
    """Where a row stands in a table, by `ORDER`."""
    if cell in ORDER:
        return ORDER.index(cell)
    fitting = [place for place, start in enumerate(ORDER) if start and place > 2 and cell.startswith(start)]
    return fitting[0] if fitting else ORDER.index("")


def read(study: str) -> pd.DataFrame:
    """A study's rows, those of rivals and controls in the order of their study."""
    rows = read_csv(file_of(study))
    if not study.startswith(("rivals-", "controls-")):
        return rows
    declared = load_study(study)
    order = ["input", *declared.restorers, *declared.cells]
    return rows.sort_values(
        "cell", key=lambda names: names.map(lambda name: order.index(name.split(" + ")[0])), kind="stable"
    )
