"""Train and measure a study; finished runs are reused, so a study goes on where it stopped."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from workbench.comparison import Failure, Grid, run_grid
from workbench.runs.planned import write_plan
from workbench.studies import rows
from workbench.studies.declared import Study


def run_study(study: Study, grid: Grid, path: Path, processes: int, train: bool = True) -> list[Failure]:
    """Train what is missing, measure all, and bring the study's CSV file up to date after each run.

    Every row names method, settings, seed, commit and steps, so that each number can be made again; rows of runs that
    are not here stay as they are. What it means to train is noted beside the runs (`workbench.runs.planned`).

    Parameters
    ----------
    study : Study
    grid : Grid
        As of `Study.grid`.
    path : Path
        The CSV file.
    processes : int
        How many runs go on at the same time; where times are recorded always one.
    train : bool
        False measures the runs that are there.

    Raises
    ------
    Interrupted
        After SIGINT or SIGTERM, once the children have ended.
    WorkbenchError
        The file cannot be written.
    """
    record = {
        "tests": partial(rows.record_tests, grid),
        "validation": partial(rows.record_validation, grid, study.domain),
        "times": partial(rows.record_times, grid, study.domain),
        "snapshots": partial(rows.record_snapshots, grid, study.domain),
    }[study.record]
    alone = 1 if study.record == "times" else processes
    if train:
        write_plan(grid.runs, study.name, study.title, [job.name for job in grid.jobs()])
    failures = run_grid(grid, alone, title=study.name, train=train, after_each=partial(record, path))
    record(path)
    if study.record == "tests":
        rows.record_blurs(grid, path, {name for name, cell in study.cells.items() if cell.best_blur})
        rows.record_sampled(grid, path, {name: cell.sampled for name, cell in study.cells.items()})
        for name, ready in study.restorers.items():
            rows.record_ready(grid, path, name, ready)
    return failures
