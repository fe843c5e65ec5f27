"""What the adaptation does to the target's pictures while it trains: detail, noise, and where the gradient points.

One domain a call, named as those of the study ``strength``, which trains the same cells; here they keep snapshots, and
each snapshot is measured on held-out patches with their references. Writes ``results/mechanism.csv``; rows of other
domains stay.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd
import torch
from torch.nn.functional import avg_pool2d

from workbench.comparison import Job, run_grid
from workbench.diagnostics import ProbeImages, probe_images, target_pull, training_dynamics
from workbench.diagnostics.microscope import measure_snapshots
from workbench.progress import progress_bar
from workbench.studies import load_study, study_names

RESULTS = Path(__file__).parent / "results"
EVERY = 50
CELLS = ("adapted-c1", "adapted-c5", "guarded-c5")
PATH = RESULTS / "mechanism.csv"
METERS = (
    "weight", "source_psnr", "target_psnr", "exported_target_psnr", "high_frequency_ratio",
    "input_high_frequency_ratio", "detail", "noise", "error", "source_other_rise", "target_other_rise",
    "target_noise_rise", "target_clean_rise", "positional_rise", "stage", "gradient_share",
)  # fmt: skip


def measured(jobs: list[Job], seed: int) -> pd.DataFrame:
    """A row a snapshot: the microscope's meters, the diffusion loss's pull, how often the contrast is active."""
    tables = []
    for job in jobs:
        table = measure_snapshots({"run": (job.cell.name, job.run)}, seed=seed).meters["run"][["step", *METERS]].copy()
        images = probe_images(job.resolved, seed=seed)
        pulls = [target_pull(job.run.method(step), images, seed=seed) for step in job.run.snapshots]
        errors = pd.DataFrame([_error_by_scale(job, step, images) for step in job.run.snapshots])
        table = pd.concat([table, errors], axis="columns")
        table["detail_pull"] = [float(detail.median()) for detail, _ in pulls]
        table["noise_pull"] = [float(noise.median()) for _, noise in pulls]
        curve = training_dynamics(job.run).query("quantity == 'contrast'").set_index("step").value
        table["contrast_active"] = [(curve[(curve.index > step - EVERY) & (curve.index <= step)] > 0).mean()
                                    for step in table.step]  # fmt: skip
        commit = job.run.summary["provenance"]["commit"]
        tables.append(table.assign(cell=job.cell.name, seed=job.seed, commit=commit))
    return pd.concat(tables)


def _error_by_scale(job: Job, step: int, images: ProbeImages) -> dict[str, float]:
    """Mean squared error of the exported restorer on the target, in 8-bit units: by the size of what is wrong."""
    with torch.no_grad():
        error = 255 * (job.run.method(step).evaluated(images.target) - images.reference)
    # What an average over squares of a side leaves is at least that large
    all_, two, eight = (float(avg_pool2d(error, side).square().mean()) for side in (1, 2, 8))
    return {"error_fine": all_ - two, "error_middle": two - eight, "error_coarse": eight}


def main() -> None:
    """Train what is missing, measure all and write the domain's rows."""
    domains = [name.removeprefix("strength-") for name in study_names() if name.startswith("strength-")]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("domain", choices=domains)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    arguments = parser.parse_args()
    runs = arguments.runs or Path("runs") / f"{PATH.stem}-{arguments.domain}"
    study, seeds = load_study(f"strength-{arguments.domain}"), tuple(arguments.seeds)
    grid = study.only(CELLS, seeds).grid(runs, (f"training.snapshot_every={EVERY}",))
    if failures := run_grid(grid, 1, title=PATH.stem):
        sys.exit("\n".join(f"{failure.name}: {failure.reason}" for failure in failures))
    tables = []
    with progress_bar(len(arguments.seeds), "measure", "seed") as bar:
        for seed in arguments.seeds:
            tables.append(measured([job for job in grid.jobs() if job.seed == seed], seed))
            bar.update()
    new = pd.concat(tables)
    new.insert(0, "domain", arguments.domain)
    old = pd.read_csv(PATH, dtype={"commit": str}) if PATH.exists() else new.iloc[:0]
    pd.concat([old[old.domain != arguments.domain], new]).to_csv(PATH, index=False, float_format="%.5g")


if __name__ == "__main__":
    main()
