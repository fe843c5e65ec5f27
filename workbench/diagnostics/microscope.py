"""The training microscope: what restorer and diffusion network do at every snapshot of recorded runs.

All is measured on held-out patches (`workbench.diagnostics.held_out`), by the restorer's raw weights, whose outputs
are what the diffusion network is shown; ``exported_target_psnr`` alone is of the weights that the run exports. The
meters:

======================= ================================================================================================
step, weight            training step, weight of the diffusion loss (Eq. 5)
source_psnr             of restored source patches, dB; likewise target_psnr and exported_target_psnr
high_frequency_ratio    energy above 0.25 cycles a pixel of restored target patches, relative to their references';
                        likewise input_high_frequency_ratio of the photographs themselves (medians over patches)
detail, noise           detail kept and noise left of restored target patches, medians of `detail_and_noise`
error                   noise-prediction error at t = 100, order as in training (shuffled with channel shuffling)
source_other_rise       rise of that error when the synthetic condition is another image's, ...
target_other_rise       ... and when the real condition is; likewise target_noise_rise and target_clean_rise
positional_rise         rise of the error when the order is swapped from source first to target first
stage                   1, 2, 3: `workbench.diagnostics.stage`, decided by source_rise and target_share
gradient_share          part of the diffusion loss in the restorer's gradient, `workbench.diagnostics.gradient_shares`
======================= ================================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workbench.data.domains import training_stream
from workbench.diagnostics.gradients import gradient_shares, stream_batch
from workbench.diagnostics.held_out import ProbeImages, probe_images, restore_both
from workbench.diagnostics.microscope_recording import NOISE_RANGE, TIMESTEP, MicroscopeRecording
from workbench.errors import WorkbenchError
from workbench.evaluation.metrics import psnr
from workbench.images import to_uint
from workbench.methods import NoiseSpaceAdaptation
from workbench.probes.noise_prediction import NoisePredictor, predict
from workbench.probes.reliance import positional_reliance, reliance
from workbench.probes.spectra import detail_and_noise, high_frequency_ratio, spectrum
from workbench.probes.stages import stage
from workbench.runs.folder import Run
from workbench.runs.provenance import provenance


def measure_snapshots(
    runs: dict[str, tuple[str, Run]],
    count: int = 16,
    size: int = 64,
    shown: int = 80,
    seed: int = 0,
    progress: Callable[[str, int], None] = lambda variant, step: None,
) -> MicroscopeRecording:
    """Measure every snapshot of several runs of method ``noise-space``.

    Parameters
    ----------
    runs : dict
        ``{variant: (title, run)}``; runs of the same data, training, seed and snapshots.
    count, size : int
        Number and side of the patches that are measured.
    shown : int
        Side of the one patch of each domain that is kept as pictures, of a place with much detail; a multiple of the
        networks' pooling grid.
    seed : int
        Chooses the patches.
    progress : callable
        Told the variant and step that comes next.

    Raises
    ------
    WorkbenchError
        When a run has no snapshots, or the runs' snapshots or data differ.
    """
    first = next(iter(runs.values()))[1]
    recipe, steps = first.recipe, list(first.snapshots)
    for _, run in runs.values():
        if not steps or list(run.snapshots) != steps:
            raise WorkbenchError(
                f"{run.folder}: needs the same snapshots as the others; training.snapshot_every sets them"
            )
        if any(getattr(run.recipe, key) != getattr(recipe, key) for key in ("data", "training", "seed")):
            raise WorkbenchError(f"{run.folder}: another data, training or seed than {first.folder}")
    stream = training_stream(recipe.data, first.method().parts, recipe.training.patch_size, recipe.seed)
    patches = probe_images(recipe, count, size, seed)
    frequency, target_spectrum = _decibels(patches.target)
    shared, images = _pictures(runs, shown, seed)
    shared |= {"target_spectrum": target_spectrum, "reference_spectrum": _decibels(patches.reference)[1]}
    spectra, meters = {}, {}
    for variant, (_, run) in runs.items():
        curves, rows = [], []
        for step in steps:
            progress(variant, step)
            method = run.method(step)
            source, target = restore_both(method, patches)
            curves.append(_decibels(target)[1])
            batch = stream_batch(stream, recipe.training.batch_size, step)
            share = gradient_shares(method, batch, step)["share"]
            rows.append({**_meters(method, step, patches, source, target, seed), "gradient_share": share})
        spectra[variant], meters[variant] = np.stack(curves), pd.DataFrame(rows)
    facts = {
        "variants": {variant: _facts(title, run) for variant, (title, run) in runs.items()},
        "data": recipe.data.model_dump(mode="json"),
        "measured": {"patches": count, "size": size, "timestep": TIMESTEP, "seed": seed, **provenance()},
        "pictured": {"side": shown, "seed": seed, **provenance()},
    }
    return MicroscopeRecording(np.array(steps), frequency, shared, images, spectra, meters, facts)


def picture_anew(
    recording: MicroscopeRecording, runs: dict[str, tuple[str, Run]], shown: int = 80, seed: int = 0
) -> MicroscopeRecording:
    """A recording with its pictures made again from the runs' snapshots; what was measured stays as it is.

    Parameters
    ----------
    recording : MicroscopeRecording
    runs, shown, seed
        As for `measure_snapshots`.

    Raises
    ------
    WorkbenchError
        When the runs are not those that were recorded.
    """
    check_runs(recording.provenance, recording.steps, runs)
    shared, images = _pictures(runs, shown, seed)
    pictured = {"side": shown, "seed": seed, **provenance()}
    return replace(
        recording, shared={**recording.shared, **shared}, images=images,
        provenance={**recording.provenance, "pictured": pictured},
    )  # fmt: skip


def check_runs(recorded: dict, steps: np.ndarray, runs: dict[str, tuple[str, Run]]) -> None:
    """See that runs are those of a recording: equal variants, snapshots and commits.

    Parameters
    ----------
    recorded : dict
        The recording's provenance.
    steps : ndarray
        Its steps.
    runs : dict
        As for `measure_snapshots`.

    Raises
    ------
    WorkbenchError
    """
    if list(recorded["variants"]) != list(runs):
        raise WorkbenchError(f"recorded were the variants {', '.join(recorded['variants'])}; give those")
    for variant, (_, run) in runs.items():
        same = list(run.snapshots) == list(steps)
        if not same or recorded["variants"][variant]["provenance"] != run.summary.get("provenance"):
            raise WorkbenchError(f"{run.folder}: not the run that was recorded; record all anew")


def _pictures(runs: dict[str, tuple[str, Run]], shown: int, seed: int) -> tuple[dict, dict]:
    """What is shown of each domain, and what every snapshot makes of it."""
    first = next(iter(runs.values()))[1]
    pictures = probe_images(first.recipe, 1, shown, seed, textured=True)
    noise = torch.randn(pictures.clean.shape, generator=torch.Generator().manual_seed(seed))
    shared = {name: _picture(getattr(pictures, name)) for name in ("clean", "degraded", "target", "reference")}
    shared["noise"] = _noise_picture(noise)
    images = {}
    for variant, (_, run) in runs.items():
        frames = [_frame(run.method(step), pictures, seed) for step in run.snapshots]
        images[variant] = {name: np.stack([frame[name] for frame in frames]) for name in frames[0]}
    return shared, images


def _frame(method: NoiseSpaceAdaptation, pictures: ProbeImages, seed: int) -> dict[str, np.ndarray]:
    source, target = restore_both(method, pictures)
    predicted, _ = predict(NoisePredictor.of(method), pictures.clean, source, target, (TIMESTEP,), seed)
    return {"source": _picture(source), "target": _picture(target), "predicted_noise": _noise_picture(predicted[:, 0])}


def _meters(
    method: NoiseSpaceAdaptation, step: int, patches: ProbeImages, source: Tensor, target: Tensor, seed: int
) -> dict[str, float]:
    predictor = NoisePredictor.of(method)
    table = reliance(predictor, patches.clean, source, target, ("other", "noise", "clean"), (TIMESTEP,), seed)
    order = "shuffled" if method.options.channel_shuffle else "fixed"
    rows = table[table.order == order].set_index(["condition", "replacement"])
    found = stage(table, order)
    detail, noise = detail_and_noise(target, patches.reference)
    ratios = [high_frequency_ratio(each, patches.reference) for each in (target, patches.target)]
    with torch.no_grad():
        exported = method.evaluated(patches.target)
    return {
        "step": step,
        "weight": method.weight(step),
        "source_psnr": _psnr(source, patches.clean),
        "target_psnr": _psnr(target, patches.reference),
        "exported_target_psnr": _psnr(exported, patches.reference),
        "high_frequency_ratio": float(ratios[0].median()),
        "input_high_frequency_ratio": float(ratios[1].median()),
        "detail": float(detail.median()),
        "noise": float(noise.median()),
        "error": rows.loc[("source", "other"), "base"],
        "source_other_rise": rows.loc[("source", "other"), "rise"],
        "target_other_rise": rows.loc[("target", "other"), "rise"],
        "target_noise_rise": rows.loc[("target", "noise"), "rise"],
        "target_clean_rise": rows.loc[("target", "clean"), "rise"],
        "positional_rise": positional_reliance(predictor, patches.clean, source, target, (TIMESTEP,), seed)["rise"],
        "stage": found.number,
        "source_rise": found.source_rise,
        "target_share": found.target_share,
    }


def _facts(title: str, run: Run) -> dict:
    recipe, summary = run.recipe, run.summary
    return {
        "title": title,
        "recipe": recipe.name,
        "scale": recipe.scale,
        "seed": recipe.seed,
        "noise_space": NoiseSpaceAdaptation.options_of(recipe).model_dump(mode="json"),
        "training": recipe.training.model_dump(mode="json"),
        "validation": summary.get("validation"),
        "provenance": summary.get("provenance"),
    }


def _psnr(images: Tensor, reference: Tensor) -> float:
    """Mean over patches, in dB, of images clipped to [0, 1]."""
    pairs = zip(images.clamp(0, 1).numpy(), reference.numpy(), strict=True)
    return float(np.mean([psnr(restored, clean, 1, highest=100) for restored, clean in pairs]))


def _decibels(images: Tensor) -> tuple[np.ndarray, np.ndarray]:
    frequency, power = spectrum(images)
    return frequency.numpy(), (10 * torch.log10(power.mean(dim=0) * 255**2)).numpy()


def _picture(images: Tensor) -> np.ndarray:
    return to_uint(images[0].permute(1, 2, 0).numpy())


def _noise_picture(noise: Tensor) -> np.ndarray:
    """The mean over channels, rescaled to the variance 1 of a single one, as a grey picture."""
    grey = noise[0].mean(dim=0).numpy() * math.sqrt(3)
    return to_uint(grey / (2 * NOISE_RANGE) + 0.5)
