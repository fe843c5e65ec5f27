"""What ``workbench study`` does with its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from workbench.comparison import Failure, table
from workbench.comparison.command import numbered
from workbench.comparison.tables import read_csv
from workbench.devices import trainings_at_once
from workbench.studies.declared import Study, load_study, study_names
from workbench.studies.rows import pictures_path
from workbench.studies.running import run_study
from workbench.tabular import as_text


def list_studies() -> str:
    """The packaged studies as a table."""
    lines: dict[str, list[str]] = {}
    for study in map(load_study, study_names()):
        if study.title not in lines:
            lines[study.title] = [study.name, "", study.title]
        else:
            lines[study.title][1] += f" -{study.domain}"
    return as_text([["study", "its domains", "what it asks"], *lines.values()], right=())


def study_command(
    name: str,
    runs: Path | None,
    output: Path | None,
    cells: str | None,
    seeds: str | None,
    settings: Sequence[str],
    train: bool,
    processes: int | None,
) -> tuple[str, list[Failure]]:
    """Run a study.

    Parameters
    ----------
    name : str
        A packaged study or a YAML file.
    runs : Path, optional
        By default ``runs/NAME``.
    output : Path, optional
        The CSV file, by default ``NAME.csv`` in ``runs``.
    cells, seeds : str, optional
        Only these, joined by commas.
    settings : sequence of str
        ``KEY=VALUE``, after the study's.
    train : bool
    processes : int, optional
        By default one a core, or one on a GPU.

    Returns
    -------
    printed : str
        The tables of the test sets, where they are what the study records, and the CSV file's name.
    failures : list of Failure

    Raises
    ------
    WorkbenchError
        There is no such study, cell or data set.
    Interrupted
        After SIGINT or SIGTERM, once the runs have written their checkpoints.
    """
    study = load_study(name).only(
        None if cells is None else [cell.strip() for cell in cells.split(",")],
        None if seeds is None else numbered(seeds.split(",")),
    )
    runs = Path("runs") / study.name if runs is None else runs
    path = runs / f"{study.name}.csv" if output is None else output
    grid = study.grid(runs, tuple(settings))
    failures = run_study(study, grid, path, processes or trainings_at_once(), train)
    tables = study_tables(study, path) if study.record == "tests" else []
    return "\n\n".join([*tables, str(path)]), failures


def study_tables(study: Study, path: Path) -> list[str]:
    """A table for each test set that has rows: the inputs, restorers without training, cells, in the study's order.

    Parameters
    ----------
    study : Study
    path : Path
        Its CSV file; rows of other cells are left out.
    """
    if not path.exists():
        return []
    rows = read_csv(path)
    order = ["input", *study.restorers, *study.cells]

    def place_of(name: str) -> int:
        # What else is measured of a cell has the cell's name and a space in front
        named = [cell for cell in order if f"{name} ".startswith(f"{cell} ")]
        return order.index(max(named, key=len)) if named else -1

    rows = rows.assign(place=rows.cell.map(place_of)).query("place >= 0").sort_values("place", kind="stable")
    pictures = pictures_path(path)
    scores = pd.read_csv(pictures, dtype={"picture": str}) if pictures.exists() else None
    return [
        f"{test}, {of_test.images.iloc[0]} pictures\n{as_text(table(rows, test, scores))}"
        for test in study.tests
        if not (of_test := rows[rows.test == test]).empty
    ]
