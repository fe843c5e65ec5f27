"""What the adaptation does to the target's pictures while it trains: detail, noise, and where the gradient points."""

from __future__ import annotations

import pandas as pd
import torch
from torch.nn.functional import avg_pool2d

from workbench.comparison import Job
from workbench.diagnostics import ProbeImages, probe_images, target_pull, training_dynamics
from workbench.diagnostics.microscope import measure_snapshots

METERS = (
    "weight", "source_psnr", "target_psnr", "exported_target_psnr", "high_frequency_ratio",
    "input_high_frequency_ratio", "detail", "noise", "error", "source_other_rise", "target_other_rise",
    "target_noise_rise", "target_clean_rise", "positional_rise", "stage", "gradient_share",
)  # fmt: skip


def measured(job: Job) -> list[dict[str, float]]:
    """A row a snapshot, on held-out patches of the target domain with their references.

    `METERS` of the microscope; ``error_fine``, ``error_middle``, ``error_coarse`` (mean squared error of the exported
    restorer, in 8-bit units, by the size of what is wrong); ``detail_pull`` and ``noise_pull`` (what a step against the
    diffusion loss takes, medians); ``contrast_active`` (share of the steps since the snapshot before).
    """
    table = measure_snapshots({"run": (job.cell.name, job.run)}, seed=job.seed).meters["run"][["step", *METERS]].copy()
    images = probe_images(job.resolved, seed=job.seed)
    pulls = [target_pull(job.run.method(step), images, seed=job.seed) for step in job.run.snapshots]
    errors = pd.DataFrame([_error_by_scale(job, step, images) for step in job.run.snapshots])
    table = pd.concat([table, errors], axis="columns")
    table["detail_pull"] = [float(detail.median()) for detail, _ in pulls]
    table["noise_pull"] = [float(noise.median()) for _, noise in pulls]
    curve = training_dynamics(job.run).query("quantity == 'contrast'").set_index("step").value
    every = job.resolved.training.snapshot_every
    table["contrast_active"] = [
        (curve[(curve.index > step - every) & (curve.index <= step)] > 0).mean() for step in table.step
    ]
    return table.astype({"step": int}).to_dict("records")


def _error_by_scale(job: Job, step: int, images: ProbeImages) -> dict[str, float]:
    with torch.no_grad():
        error = 255 * (job.run.method(step).evaluated(images.target) - images.reference)
    # What an average over squares of a side leaves is at least that large
    all_, two, eight = (float(avg_pool2d(error, side).square().mean()) for side in (1, 2, 8))
    return {"error_fine": all_ - two, "error_middle": two - eight, "error_coarse": eight}
