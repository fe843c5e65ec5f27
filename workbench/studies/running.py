"""Train and measure a study; finished runs are reused, so a study goes on where it stopped."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from workbench.comparison import COLUMNS, Failure, Grid, Job, grid_rows, run_grid
from workbench.comparison.tables import read_csv
from workbench.evaluation.sets import EvaluationSet, open_set
from workbench.files import write_text
from workbench.restore import restore_array
from workbench.restorers import load_restorer
from workbench.runs.provenance import provenance
from workbench.studies.declared import Study

BLURS = (0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.3, 1.6)
"""Standard deviations in pixels."""
Row = dict[str, str]


def run_study(study: Study, grid: Grid, path: Path, processes: int, train: bool = True) -> list[Failure]:
    """Train what is missing, measure all, and bring the study's CSV file up to date after each run.

    Every row names method, settings, seed, commit and steps, so that each number can be made again; rows of runs that
    are not here stay as they are.

    Parameters
    ----------
    study : Study
    grid : Grid
        As of `Study.grid`.
    path : Path
        The CSV file.
    processes : int
        How many runs go on at the same time.
    train : bool
        False measures the runs that are there.

    Raises
    ------
    KeyboardInterrupt
        When interrupted, once the children have ended.
    WorkbenchError
        The file cannot be written.
    """
    if study.record == "validation":
        record = partial(record_validation, grid, study.domain, path)
    else:
        record = partial(record_tests, grid, path)
    failures = run_grid(grid, processes, title=study.name, train=train, after_each=record)
    record()
    if study.record == "tests":
        record_blurs(grid, path, {name for name, cell in study.cells.items() if cell.best_blur})
        record_sampled(grid, path, {name: cell.sampled for name, cell in study.cells.items()})
        for name in study.restorers:
            record_restorer(grid, path, name)
    return failures


def record_tests(grid: Grid, path: Path) -> None:
    """A row for each run and test set (`workbench.comparison.COLUMNS`)."""
    _write(path, grid_rows(grid), ("cell", "seed", "test"))


def record_validation(grid: Grid, domain: str, path: Path) -> None:
    """A row for each finished run, with the PSNR of the pictures that training is validated on."""
    rows = []
    for job in grid.jobs():
        if not job.trained:
            continue
        summary = job.run.summary
        measured = {name: f"{summary['validation'][name]:.3f}" for name in ("target_psnr", "source_psnr")}
        rows.append(
            {"domain": domain, "cell": job.cell.name, "seed": str(job.seed)}
            | measured
            | {"steps": str(summary["steps"]), "settings": " ".join(job.cell.settings)}
            | {"commit": summary["provenance"]["commit"] or ""}
        )
    _write(path, rows, ("domain", "cell", "seed"))


def record_blurs(grid: Grid, path: Path, cells: Collection[str]) -> None:
    """The control of some cells: the Gaussian blur that suits their output best."""
    for job in grid.jobs():
        if job.cell.name in cells and job.trained:
            for place, own in _unmeasured(grid, path, job, f"{job.cell.name} + best blur"):
                sigma, report = _best_blur(open_set(place, job.run.folder), partial(restore_array, job.run.restorer()))
                changed = {"settings": f"blur sigma {sigma}"} | _numbers(report)
                _write(path, [own | changed], ("cell", "seed", "test"))


def record_sampled(grid: Grid, path: Path, cells: Mapping[str, Mapping[str, Mapping]]) -> None:
    """The restorers of some cells with other options, such as more steps of their sampling.

    Parameters
    ----------
    grid : Grid
    path : Path
    cells : mapping
        Options by the name that follows the cell's, by cell.
    """
    for job in grid.jobs():
        for suffix, options in cells[job.cell.name].items() if job.trained else ():
            for place, own in _unmeasured(grid, path, job, f"{job.cell.name} {suffix}"):
                restorer = job.run.restorer().with_options(options)
                report = open_set(place, job.run.folder).evaluate(partial(restore_array, restorer))
                said = " ".join([own["settings"], *(f"{key}={value}" for key, value in options.items())]).strip()
                took = {"seconds_per_megapixel": f"{report['seconds_per_megapixel']:.4g}"}
                _write(path, [own | {"settings": said} | took | _numbers(report)], ("cell", "seed", "test"))


def _unmeasured(grid: Grid, path: Path, job: Job, name: str) -> Iterator[tuple[str, Row]]:
    """The places of the tests of which a further row of a run is not there, or of an earlier training of it.

    With each comes the run's own row under the further one's name.
    """
    recorded, same = read_csv(path), ["commit", "seconds"]
    for test, place in grid.tests.items():
        of_test = recorded[(recorded.seed == job.seed) & (recorded.test == test)]
        own, done = (of_test[of_test.cell == cell][same].reset_index(drop=True) for cell in (job.cell.name, name))
        if not own.empty and not done.equals(own):
            row = next(row for row in grid_rows(grid) if _is(row, job, test))
            yield place, row | {"cell": name}


def record_restorer(grid: Grid, path: Path, name: str) -> None:
    """The rows of a packaged restorer that needs no training, unless they are there."""
    restorer, _ = load_restorer(name)
    recorded = read_csv(path) if path.exists() else pd.DataFrame(columns=["cell", "test"])
    for test, place in grid.tests.items():
        if ((recorded.cell == name) & (recorded.test == test)).any():
            continue
        report = open_set(place).evaluate(partial(restore_array, restorer))
        facts = {"cell": name, "test": test, "images": str(len(report["images"])), "commit": provenance()["commit"]}
        took = {"seconds_per_megapixel": f"{report['seconds_per_megapixel']:.4g}"}
        _write(path, [dict.fromkeys(COLUMNS, "") | facts | took | _numbers(report)], ("cell", "seed", "test"))


def _write(path: Path, new: Sequence[Row], key: tuple[str, ...]) -> None:
    """Add rows to a CSV file, or renew them."""
    old = pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records") if path.exists() else []
    rows = {tuple(row[name] for name in key): row for row in (*old, *new)}
    if rows:
        write_text(path, pd.DataFrame(rows.values()).to_csv(index=False))


def _numbers(report: dict) -> Row:
    return {metric: f"{value:.4f}" for metric, value in report["mean"].items() if value is not None}


def _is(row: Row, job: Job, test: str) -> bool:
    return (row["cell"], row["seed"], row["test"]) == (job.cell.name, str(job.seed), test)


def _best_blur(test_set: EvaluationSet, restore: Callable[[np.ndarray], np.ndarray]) -> tuple[float, dict]:
    """The Gaussian blur of the restored pictures that gives the highest mean PSNR, chosen with the references.

    Returns
    -------
    sigma : float
        0 if no blur is better.
    report : dict
        Its evaluation.
    """
    restored: dict[bytes, np.ndarray] = {}

    def blurred(image: np.ndarray, sigma: float) -> np.ndarray:
        key = image.tobytes()
        if key not in restored:
            restored[key] = restore(image)
        return gaussian_filter(restored[key], (sigma, sigma, 0))

    def mean_psnr(sigma: float) -> float:
        return test_set.evaluate(lambda image: blurred(image, sigma), lpips=False)["mean"]["psnr"]

    best = max((0.0, *BLURS), key=mean_psnr)
    return best, test_set.evaluate(lambda image: blurred(image, best))
