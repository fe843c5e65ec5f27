"""Train and measure a grid of runs: cells x seeds; finished runs are reused, so a study goes on where it stopped.

A study is a Python file beside this one that calls `main` with its cells; every row of its CSV names method, settings,
seed, commit and the weights' steps, so that each number can be made again.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter
from tqdm import tqdm

from workbench.images import to_float

RESULTS = Path(__file__).parent / "results"
BLURS = (0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.3, 1.6)


@dataclass(frozen=True)
class Cell:
    """One kind of run: a method and what it changes in the study's recipe."""

    name: str
    method: str
    settings: tuple[str, ...] = ()
    seeds: tuple[int, ...] | None = None
    blur_control: bool = field(default=False, metadata={"help": "also measure the best Gaussian blur of its output"})


def alone(steps: int) -> tuple[str, ...]:
    """Settings of restoration alone, as in the warm start of ``denoise-pocket`` but stopped after so many steps."""
    numbers = {"max_steps": steps, "batch_size": 8, "patch_size": 48, "learning_rate": 0.002}
    return tuple(f"training.{key}={value}" for key, value in numbers.items())


def main(
    name: str,
    recipe: str,
    cells: Iterable[Cell],
    settings: Callable[[argparse.Namespace], list[str]],
    tests: Callable[[argparse.Namespace], dict],
    options: Callable[[argparse.ArgumentParser], None] = lambda parser: None,
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
        From the parsed arguments, ``{test set: list of workbench.data.domains.Pair}``.
    options : callable
        Adds the study's own arguments.
    """
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs") / name)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--cells", nargs="+", help="only these")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--measure-only", action="store_true", help="train nothing, measure the runs that are there")
    options(parser)
    arguments = parser.parse_args()
    chosen = [cell for cell in cells if not arguments.cells or cell.name in arguments.cells]
    shared = settings(arguments)
    jobs = [(cell, seed) for cell in chosen for seed in arguments.seeds if cell.seeds is None or seed in cell.seeds]
    measured = _Measured(RESULTS / f"{name}.csv", tests, arguments)
    with ThreadPoolExecutor(arguments.processes) as pool:
        work = [pool.submit(_train, recipe, cell, seed, shared, arguments) for cell, seed in jobs]
        for (cell, seed), trained in tqdm(zip(jobs, work, strict=True), total=len(jobs), desc=name, unit="run"):
            if trained.result():
                measured.add(cell, seed, arguments.runs / f"{cell.name}-s{seed}")


def _train(recipe: str, cell: Cell, seed: int, shared: list[str], arguments: argparse.Namespace) -> bool:
    """Train one run in a process of its own; whether it is finished.

    A finished run is `train`'s to recognise too: it refuses one that another recipe made.
    """
    from workbench.training import Run

    folder = arguments.runs / f"{cell.name}-s{seed}"
    if arguments.measure_only:
        return Run(folder).finished
    arguments.runs.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "workbench", "train", recipe, "--method", cell.method, "--seed", str(seed)]
    command += ["--runs", str(arguments.runs), "--name", folder.name, "--resume"]
    for setting in (*shared, *cell.settings):
        command += ["--set", setting]
    with (arguments.runs / f"{folder.name}.log").open("w") as log:
        status = subprocess.run(command, stdout=log, stderr=log).returncode
    if status:
        tqdm.write(f"{folder.name}: failed, see {log.name}")
    return status == 0


class _Measured:
    """The study's CSV; a run that is in it with the same training is not measured again."""

    columns = ("cell", "method", "seed", "test", "images", "psnr", "ssim", "lpips", "steps", "seconds", "warm_seconds",
               "settings", "commit")  # fmt: skip

    def __init__(self, path: Path, tests: Callable, arguments: argparse.Namespace):
        self.path, self._tests, self.arguments, self._sets, self._lpips = path, tests, arguments, None, None
        self.rows = []
        if path.exists():
            with path.open() as file:
                self.rows = list(csv.DictReader(file))

    def add(self, cell: Cell, seed: int, folder: Path) -> None:
        import torch

        from workbench.evaluation import Lpips
        from workbench.restore import restore_array
        from workbench.training import Run

        run = Run(folder)
        facts = {
            "cell": cell.name, "method": cell.method, "seed": str(seed), "steps": str(run.summary["steps"]),
            "seconds": f"{run.summary['seconds']:.0f}", "settings": " ".join(cell.settings),
            "warm_seconds": f"{(run.summary['warm_start'] or {'seconds': 0})['seconds']:.0f}",
            "commit": run.summary["provenance"]["commit"],
        }  # fmt: skip
        identity = ("cell", "seed", "commit", "seconds", "settings")
        if any(all(row[key] == facts[key] for key in identity) for row in self.rows):
            return
        names = {cell.name, f"{cell.name} + best blur"}
        self.rows = [row for row in self.rows if not (row["cell"] in names and row["seed"] == facts["seed"])]
        if self._sets is None:
            self._sets = self._tests(self.arguments)
        if self._lpips is None:
            torch.set_num_threads(1)
            self._lpips = Lpips.load()
        restorer = run.restorer()
        for test, pairs in self._sets.items():
            if not any(row["cell"] == "input" and row["test"] == test for row in self.rows):
                self._append({"cell": "input"}, test, pairs, {pair.name: pair.degraded for pair in pairs})
            restored = {pair.name: restore_array(restorer, to_float(pair.degraded)) for pair in pairs}
            self._append(facts, test, pairs, restored)
            if cell.blur_control:
                sigma, blurred = _best_blur(pairs, restored)
                blur_facts = {**facts, "cell": f"{cell.name} + best blur", "settings": f"blur sigma {sigma}"}
                self._append(blur_facts, test, pairs, blurred)
        self._write()

    def _append(self, facts: dict, test: str, pairs: list, restored: dict[str, np.ndarray]) -> None:
        scores = _mean_scores(pairs, restored, self._lpips)
        numbers = {name: f"{value:.4f}" for name, value in scores.items()}
        self.rows.append(dict.fromkeys(self.columns, "") | facts | {"test": test, "images": len(pairs)} | numbers)

    def _write(self) -> None:
        self.path.parent.mkdir(exist_ok=True)
        with self.path.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows(self.rows)


def _mean_scores(pairs: list, restored: dict[str, np.ndarray], lpips: object) -> dict[str, float]:
    """Means over pictures by protocol rgb; without LPIPS where its weights are not to be had."""
    from workbench.evaluation import Lpips, get_protocol

    protocol = get_protocol("rgb")
    metrics = {"psnr": protocol.psnr, "ssim": protocol.ssim} | ({"lpips": lpips} if isinstance(lpips, Lpips) else {})
    prepared = [
        [protocol.prepare(to_float(picture)) for picture in (restored[pair.name], pair.reference)] for pair in pairs
    ]
    return {name: float(np.mean([metric(*both) for both in prepared])) for name, metric in metrics.items()}


def _best_blur(pairs: list, restored: dict[str, np.ndarray]) -> tuple[float, dict[str, np.ndarray]]:
    """The Gaussian blur of the restored pictures that gives the highest mean PSNR: chosen with the references."""
    best = (-np.inf, 0.0, restored)
    for sigma in BLURS:
        blurred = {name: gaussian_filter(picture, (sigma, sigma, 0)) for name, picture in restored.items()}
        errors = [np.mean((blurred[pair.name].clip(0, 1) - to_float(pair.reference)) ** 2) for pair in pairs]
        best = max(best, (np.mean(-10 * np.log10(errors)), sigma, blurred), key=lambda candidate: candidate[0])
    return best[1:]


def spread(values: Iterable[float], digits: int = 2) -> str:
    """``mean ± standard deviation`` of a cell's seeds, as the tables print it."""
    values = np.asarray(list(values), float)
    deviation = f" ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{deviation}"
