"""What the scripts here share, and the command line of a study that is declared in Python (desk.py).

The other studies are data: see `workbench study --list`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from workbench.comparison import Cell
from workbench.studies import Study, run_study

RESULTS = Path(__file__).parent / "results"


def main(
    name: str,
    recipe: str,
    cells: Iterable[Cell],
    settings: Callable[[argparse.Namespace], list[str]],
    tests: Callable[[argparse.Namespace], dict[str, str]],
    options: Callable[[argparse.ArgumentParser], None],
    filters: Iterable[str] = (),
) -> None:
    """Command line of a study; writes ``results/NAME.csv``.

    Parameters
    ----------
    name, recipe, cells
        As of `workbench.studies.Study`.
    settings, tests : callable
        The same from the parsed arguments.
    options : callable
        Adds the study's own arguments.
    filters : iterable of str
        Packaged restorers that need no training: rows beside the cells.
    """
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs") / name)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--cells", nargs="+", help="only these")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--measure-only", action="store_true", help="train nothing, measure the runs that are there")
    options(parser)
    given = parser.parse_args()
    wanted = given.cells or [*(cell.name for cell in cells), *filters]
    declared = {cell.name: {"method": cell.method, "settings": cell.settings, "seeds": cell.seeds} for cell in cells}
    study = Study(
        name=name, title=name, recipe=recipe, seeds=given.seeds, settings=settings(given), tests=tests(given),
        restorers=[each for each in filters if each in wanted],
        cells={cell: facts for cell, facts in declared.items() if cell in wanted},
    )  # fmt: skip
    grid = study.grid(given.runs)
    failures = run_study(study, grid, RESULTS / f"{name}.csv", given.processes, not given.measure_only)
    for failure in failures:
        print(f"{failure.name}: {failure.reason}", file=sys.stderr)
    sys.exit(bool(failures))
