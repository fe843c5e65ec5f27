"""Train and measure a grid of runs: cells x seeds; finished runs are reused, so a study goes on where it stopped.

A study is a Python file beside this one that calls `main` with its cells; every row of its CSV names method, settings,
seed, commit and the weights' steps, so that each number can be made again. Training and measuring are those of
`workbench compare` (workbench.comparison).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from workbench import comparison
from workbench.comparison.command import methods_for
from workbench.comparison.tables import COLUMNS, read_csv, write_csv
from workbench.evaluation.sets import EvaluationSet, open_set
from workbench.methods import METHODS
from workbench.recipes import VARIANTS, Recipe
from workbench.restore import restore_array
from workbench.restorers import load_restorer
from workbench.runs.provenance import provenance

RESULTS = Path(__file__).parent / "results"
BLURS = (0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.3, 1.6)


@dataclass(frozen=True)
class Cell(comparison.Cell):
    """One kind of run: a method and what it changes in the study's recipe."""

    blur_control: bool = field(default=False, metadata={"help": "also measure the best Gaussian blur of its output"})


GUARDED = VARIANTS["guarded"].settings


def alone(steps: int) -> tuple[str, ...]:
    """Settings of restoration alone, as in the warm start of ``denoise-pocket`` but stopped after so many steps."""
    numbers = {"max_steps": steps, "batch_size": 8, "patch_size": 48, "learning_rate": 0.002}
    return tuple(f"training.{key}={value}" for key, value in numbers.items())


def rivals(recipe: Recipe, *settings: str) -> list[Cell]:
    """A cell for each method of this package, with its defaults, but the controls and noise-space adaptation."""
    own = [name for name in methods_for(recipe) if METHODS[name].__module__.startswith("workbench.")]
    return [Cell(method, method, settings) for method in own if method != "noise-space"]


def own_arguments(options: Callable[[argparse.ArgumentParser], None]) -> argparse.Namespace:
    """The study's own arguments, read before `main` reads all: where they decide its name and cells."""
    parser = argparse.ArgumentParser(add_help=False)
    options(parser)
    return parser.parse_known_args()[0]


def main(
    name: str,
    recipe: str,
    cells: Iterable[Cell],
    settings: Callable[[argparse.Namespace], list[str]],
    tests: Callable[[argparse.Namespace], dict[str, str]],
    options: Callable[[argparse.ArgumentParser], None] = lambda parser: None,
    filters: Iterable[str] = (),
) -> None:
    """Command line of a study.

    Parameters
    ----------
    name : str
        Name of the study and of ``results/NAME.csv``.
    recipe : str
        The recipe every cell starts from.
    cells : iterable of Cell
    settings : callable
        From the parsed arguments, ``KEY=VALUE`` settings that all cells share.
    tests : callable
        From the parsed arguments, ``{test set: its place, as of workbench.evaluation.sets.open_set}``.
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
    arguments = parser.parse_args()
    chosen = tuple(cell for cell in cells if not arguments.cells or cell.name in arguments.cells)
    grid = comparison.Grid(
        recipe, chosen, tuple(arguments.seeds), tests(arguments), arguments.runs, tuple(settings(arguments))
    )
    path = RESULTS / f"{name}.csv"
    failures = comparison.run_grid(
        grid, arguments.processes, title=name, train=not arguments.measure_only, after_each=lambda: _record(grid, path)
    )
    _record(grid, path)
    _record_blurs(grid, path)
    for name in filters:
        if not arguments.cells or name in arguments.cells:
            _record_filter(grid, path, name)
    for failure in failures:
        print(f"{failure.name}: {failure.reason}", file=sys.stderr)
    sys.exit(bool(failures))


def _record(grid: comparison.Grid, path: Path) -> None:
    """Bring the study's CSV up to date; rows of runs that are not here stay as they are."""
    _write(path, comparison.grid_rows(grid))


def _write(path: Path, new: list[dict[str, str]]) -> None:
    old = pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records") if path.exists() else []

    def key(row: dict[str, str]) -> tuple[str, ...]:
        return row["cell"], row["seed"], row["test"]

    rows = {key(row): row for row in old} | {key(row): row for row in new}
    path.parent.mkdir(exist_ok=True)
    path.write_text(write_csv(rows.values()))


def _record_blurs(grid: comparison.Grid, path: Path) -> None:
    """Add the control of the cells that ask for it: the Gaussian blur that suits their output best."""
    recorded = read_csv(path)
    for job in grid.jobs():
        if not (job.cell.blur_control and job.trained):
            continue
        restorer, facts = job.run.restorer(), recorded[(recorded.cell == job.cell.name) & (recorded.seed == job.seed)]
        for test, place in grid.tests.items():
            name = f"{job.cell.name} + best blur"
            own = facts[facts.test == test]
            done = recorded[(recorded.cell == name) & (recorded.seed == job.seed) & (recorded.test == test)]
            same = ["commit", "seconds"]
            if own.empty or done[same].reset_index(drop=True).equals(own[same].reset_index(drop=True)):
                continue
            sigma, report = _best_blur(open_set(place, job.run.folder), lambda image: restore_array(restorer, image))  # noqa: B023
            row = next(row for row in comparison.grid_rows(grid) if _is(row, job, test))
            numbers = {metric: f"{value:.4f}" for metric, value in report["mean"].items() if value is not None}
            _write(path, [row | {"cell": name, "settings": f"blur sigma {sigma}"} | numbers])


def _record_filter(grid: comparison.Grid, path: Path, cell: str) -> None:
    """Add the rows of a packaged restorer that needs no training, unless they are there."""
    restorer, _ = load_restorer(cell)
    recorded = read_csv(path) if path.exists() else pd.DataFrame(columns=["cell", "test"])
    for test, place in grid.tests.items():
        if ((recorded.cell == cell) & (recorded.test == test)).any():
            continue
        report = open_set(place).evaluate(lambda image: restore_array(restorer, image))
        facts = {"cell": cell, "test": test, "images": str(len(report["images"])), "commit": provenance()["commit"]}
        took = {"seconds_per_megapixel": f"{report['seconds_per_megapixel']:.4g}"}
        numbers = {metric: f"{value:.4f}" for metric, value in report["mean"].items() if value is not None}
        _write(path, [dict.fromkeys(COLUMNS, "") | facts | took | numbers])


def _is(row: dict[str, str], job: comparison.Job, test: str) -> bool:
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
