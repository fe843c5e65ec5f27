"""From the runs of a study to the rows of its CSV file: one function a kind of record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from workbench.comparison import COLUMNS, Grid, Job, grid_rows
from workbench.comparison.tables import grid_scores, read_csv, run_facts, score_rows
from workbench.evaluation.sets import EvaluationSet, open_set
from workbench.files import write_text
from workbench.recipes import load_recipe
from workbench.restore import restore_array
from workbench.restorers import load_restorer
from workbench.runs.folder import Run
from workbench.runs.provenance import provenance
from workbench.studies.declared import Ready

BLURS = (0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.3, 1.6)
"""Standard deviations in pixels."""
TIMES = (
    "domain", "cell", "steps", "head_start_seconds_per_step", "seconds_per_step", "peak_mib", "settings", "commit"
)  # fmt: skip
RUN = ("cell", "seed", "test")
"""What tells the rows of runs apart."""
PICTURE = (*RUN, "picture")
Row = dict[str, str]


def renew(path: Path, new: Sequence[Row], key: tuple[str, ...]) -> None:
    """Add rows to a CSV file, or put them in the place of those with the same key; the others stay as they are."""
    old = pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records") if path.exists() else []
    rows = {tuple(row[name] for name in key): row for row in (*old, *new)}
    if rows:
        write_text(path, pd.DataFrame(rows.values()).to_csv(index=False))


def pictures_path(path: Path) -> Path:
    """The CSV file of the scores by picture (`workbench.comparison.tables.SCORES`) beside that of a study."""
    return path.with_name(f"{path.stem}-pictures.csv")


def record_tests(grid: Grid, path: Path) -> None:
    """A row for each run and test set (`workbench.comparison.COLUMNS`), and one for each picture."""
    renew(path, grid_rows(grid), RUN)
    renew(pictures_path(path), grid_scores(grid), PICTURE)


def record_validation(grid: Grid, domain: str, path: Path) -> None:
    """A row for each finished run, with the PSNR of the pictures that training is validated on."""
    rows = []
    for job in _trained(grid):
        summary = job.run.summary
        measured = {name: f"{summary['validation'][name]:.3f}" for name in ("target_psnr", "source_psnr")}
        rows.append(
            {"domain": domain, "cell": job.cell.name, "seed": str(job.seed)}
            | measured
            | {"steps": str(summary["steps"]), "settings": " ".join(job.cell.settings)}
            | {"commit": summary["provenance"]["commit"] or ""}
        )
    renew(path, rows, ("domain", "cell", "seed"))


def record_times(grid: Grid, domain: str, path: Path) -> None:
    """A row for each finished run, with the median time of its steps and its peak memory (`TIMES`)."""
    rows = []
    for job in _trained(grid):
        facts = {"domain": domain} | run_facts(job) | step_times(job.run)
        rows.append({name: facts[name] for name in TIMES})
    renew(path, rows, ("domain", "cell"))


def step_times(run: Run) -> dict[str, str]:
    """Median seconds of a step, before and after the restorer begins to train; empty where there are no such steps."""
    curve = run.scalars().query("tag == 'time/seconds_per_step'")
    before = curve.step <= run.method().head_start

    def median(values: pd.Series) -> str:
        return f"{values.median():.4f}" if len(values) else ""

    return {
        "head_start_seconds_per_step": median(curve[before].value),
        "seconds_per_step": median(curve[~before].value),
    }


def record_snapshots(grid: Grid, domain: str, path: Path) -> None:
    """A row for each snapshot of the finished runs that are not recorded yet (`workbench.studies.snapshots`)."""
    from workbench.studies.snapshots import measured  # the microscope: slow to import

    for job in _trained(grid):
        commit = job.run.summary["provenance"]["commit"] or ""
        run = {"domain": domain, "cell": job.cell.name, "seed": str(job.seed), "commit": commit}
        if path.exists():
            recorded = pd.read_csv(path, dtype=str, keep_default_na=False)
            if (recorded[list(run)] == pd.Series(run)).all(axis="columns").sum() == len(job.run.snapshots):
                continue
        rows = [
            {name: _short(value) for name, value in row.items()} | {"step": str(row["step"])} | run
            for row in measured(job)
        ]
        renew(path, rows, ("domain", "cell", "seed", "step"))


def record_blurs(grid: Grid, path: Path, cells: Collection[str]) -> None:
    """The control of some cells: the Gaussian blur that suits their output best."""
    for job in _trained(grid):
        if job.cell.name in cells:
            for location, own in _unmeasured(grid, path, job, f"{job.cell.name} + best blur"):
                restore = partial(restore_array, job.run.restorer())
                sigma, report = _best_blur(open_set(location, job.run.folder), restore)
                _record(path, own | {"settings": f"blur sigma {sigma}"}, report)


def record_sampled(grid: Grid, path: Path, cells: Mapping[str, Mapping[str, Mapping]]) -> None:
    """The restorers of some cells with other options, such as more steps of their sampling.

    Parameters
    ----------
    grid : Grid
    path : Path
    cells : mapping
        Options by the name that follows the cell's, by cell.
    """
    for job in _trained(grid):
        for suffix, options in cells[job.cell.name].items():
            for location, own in _unmeasured(grid, path, job, f"{job.cell.name} {suffix}"):
                restorer = job.run.restorer().with_options(options)
                report = open_set(location, job.run.folder).evaluate(partial(restore_array, restorer))
                changed = {"settings": f"{own['settings']} {_said(options)}".strip()}
                _record(path, own | changed | _took(report), report)


def _unmeasured(grid: Grid, path: Path, job: Job, name: str) -> Iterator[tuple[str, Row]]:
    """The locations of the tests of which a further row of a run is not there, or of an earlier training of it.

    With each comes the run's own row under the further one's name.
    """
    recorded, same = read_csv(path), ["commit", "seconds"]
    for test, location in grid.tests.items():
        of_test = recorded[(recorded.seed == job.seed) & (recorded.test == test)]
        own, done = (of_test[of_test.cell == cell][same].reset_index(drop=True) for cell in (job.cell.name, name))
        if not own.empty and not done.equals(own):
            row = next(row for row in grid_rows(grid) if _is(row, job, test))
            yield location, row | {"cell": name}


def record_ready(grid: Grid, path: Path, cell: str, ready: Ready) -> None:
    """The rows of a restorer that needs no training, and those of the inputs, unless they are there."""
    restorer = load_restorer(ready.restorer or cell)[0].with_options(ready.options)
    recorded = read_csv(path) if path.exists() else pd.DataFrame(columns=["cell", "test"])
    data = load_recipe(grid.recipe, grid.settings).data  # which says how strong a simulated camera is
    for test, location in grid.tests.items():
        there = set(recorded[recorded.test == test].cell)
        if cell in there:
            continue
        report = open_set(location, data=data).evaluate(partial(restore_array, restorer))
        of_all = dict.fromkeys(COLUMNS, "") | {"test": test, "images": str(len(report["images"]))}
        rows = [] if "input" in there else [of_all | {"cell": "input"} | _numbers(report["input_mean"])]
        facts = {"cell": cell, "settings": _said(ready.options), "commit": provenance()["commit"] or ""}
        renew(path, rows, RUN)
        _record(path, of_all | facts | _took(report), report)


def _record(path: Path, row: Row, report: Mapping) -> None:
    """Write what was measured into a row, and picture by picture into the file beside."""
    renew(path, [row | _numbers(report["mean"])], RUN)
    scores = {image["name"]: image for image in report["images"]}
    renew(pictures_path(path), score_rows({name: row[name] for name in RUN}, scores), PICTURE)


def _trained(grid: Grid) -> list[Job]:
    return [job for job in grid.jobs() if job.trained]


def _short(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.5g}"


def _numbers(mean: Mapping[str, float | None]) -> Row:
    return {metric: f"{value:.4f}" for metric, value in mean.items() if value is not None}


def _took(report: Mapping) -> Row:
    return {"seconds_per_megapixel": f"{report['seconds_per_megapixel']:.4g}"}


def _said(options: Mapping[str, object]) -> str:
    return " ".join(f"{key}={value}" for key, value in options.items())


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
        return test_set.evaluate(lambda image: blurred(image, sigma), metrics=("psnr",))["mean"]["psnr"]

    best = max((0.0, *BLURS), key=mean_psnr)
    return best, test_set.evaluate(lambda image: blurred(image, best))
