"""Time a step and peak memory of every method, one after the other: for an otherwise idle machine.

Trainings of a hundred steps, after a warm start of ten, with the networks, patches and batches of the study ``rivals``;
nothing is measured of what they restore. Writes ``results/rivals-times.csv``.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd

from workbench.comparison import Cell, Grid, run_grid
from workbench.comparison.tables import run_facts
from workbench.runs.folder import Run
from workbench.studies import load_study

RESULTS = Path(__file__).parent / "results"
PATH = RESULTS / "rivals-times.csv"
COLUMNS = (
    "domain", "cell", "steps", "head_start_seconds_per_step", "seconds_per_step", "peak_mib", "settings", "commit"
)  # fmt: skip
SHORT = (
    "warm_start.max_steps=10", "training.max_steps=100", "training.log_every=5", "training.validate_every=1000",
    "data.validation_images=1",
)  # fmt: skip
HEAD_STARTS = {"adapted": "options.noise-space.head_start=33", "guarded-c5": "options.noise-space.head_start=130",
               "c2n": "options.c2n.head_start=200"}  # fmt: skip
ALSO = {"rain": ("nlcl",)}
"""By domain: the methods that are not for denoising and take steps."""


def timed(domain: str) -> list[Cell]:
    """The cells of a domain whose steps are timed there."""
    cells = load_study(f"rivals-{domain}").comparison_cells()
    chosen = [cell for cell in cells if domain == "camera" or cell.name in ALSO[domain]]
    chosen = [cell for cell in chosen if "warm_start=null" not in cell.settings]
    return [
        replace(cell, settings=(*cell.settings, HEAD_STARTS[cell.name])) if cell.name in HEAD_STARTS else cell
        for cell in chosen
    ]


def step_times(run: Run) -> dict[str, float]:
    """Median seconds of a step, before and after the restorer begins to train; NaN where there are no such steps."""
    curve = run.scalars().query("tag == 'time/seconds_per_step'")
    before = curve.step <= run.method().head_start
    return {
        "head_start_seconds_per_step": round(curve[before].value.median(), 4),
        "seconds_per_step": round(curve[~before].value.median(), 4),
    }


def main() -> None:
    """Train and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs") / PATH.stem)
    arguments = parser.parse_args()
    found = []
    for domain in ("camera", *ALSO):
        grid = Grid(
            load_study(f"rivals-{domain}").recipe, tuple(timed(domain)), (0,), {}, arguments.runs / domain, SHORT
        )
        if failures := run_grid(grid, 1, title=f"{PATH.stem} {domain}"):
            sys.exit("\n".join(f"{failure.name}: {failure.reason}" for failure in failures))
        found += [{"domain": domain} | run_facts(job) | step_times(job.run) for job in grid.jobs()]
    pd.DataFrame(found)[list(COLUMNS)].to_csv(PATH, index=False)


if __name__ == "__main__":
    main()
