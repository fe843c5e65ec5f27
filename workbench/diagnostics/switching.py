"""Switch the conditions of diffusion networks and worsen them, for `workbench.diagnostics.condition_recording`.

Done with the runs of the training microscope and a run of method ``condition-quality``, on the same patches and with
the same noise as the microscope (`workbench.diagnostics.microscope`), so that what stands side by side agrees.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import torch
from torch import Tensor

from workbench.diagnostics.condition_recording import (
    CHOICES,
    CORRUPTION,
    ERROR_STEP,
    LEVELS,
    ORDERS,
    ConditionRecording,
)
from workbench.diagnostics.held_out import ProbeImages, probe_images, restore_both
from workbench.diagnostics.microscope import check_runs
from workbench.diagnostics.microscope_recording import NOISE_RANGE, TIMESTEP
from workbench.errors import WorkbenchError
from workbench.images import to_uint
from workbench.methods import NoiseSpaceAdaptation
from workbench.probes.condition_quality import condition_quality
from workbench.probes.corruptions import CORRUPTIONS
from workbench.probes.noise_prediction import NoisePredictor, predict
from workbench.runs.folder import Run
from workbench.runs.provenance import provenance


def measure_conditions(
    runs: dict[str, tuple[str, Run]],
    critic: Run,
    count: int = 16,
    size: int = 64,
    pictured: int = 80,
    shown: int = 48,
    seed: int = 0,
    progress: Callable[[], None] = lambda: None,
) -> ConditionRecording:
    """Switch the conditions at every snapshot of several runs, and worsen those of a critic.

    Parameters
    ----------
    runs : dict
        As for `workbench.diagnostics.microscope.measure_snapshots`, and ``count``, ``size``, ``seed`` likewise.
    critic : Run
        A run of method ``condition-quality``; it is measured on twice ``count`` patches.
    pictured, shown : int
        Side of the picture that is predicted for, of a place with much detail, and of the middle of it that is kept.
    progress : callable
        Called after each snapshot.

    Raises
    ------
    WorkbenchError
        When a run has no snapshots, or the runs' snapshots differ.
    """
    first = next(iter(runs.values()))[1]
    steps = list(first.snapshots)
    for _, run in runs.values():
        if not steps or list(run.snapshots) != steps:
            raise WorkbenchError(
                f"{run.folder}: needs the same snapshots as the others; training.snapshot_every sets them"
            )
    patches = probe_images(first.recipe, count, size, seed)
    errors = {}
    for variant, (_, run) in runs.items():
        rows = []
        for step in steps:
            rows.append(_switch(run.method(step), patches, seed)[0])
            progress()
        errors[variant] = np.stack(rows)
    clean = probe_images(critic.recipe, 2 * count, size, seed).clean
    quality = condition_quality(NoisePredictor.of(critic.method()), clean, "awgn", LEVELS, seed=seed)
    shared, pictures, conditions, quality_pictures = _pictures(runs, critic, pictured, shown, seed)
    facts = {
        "critic": {"recipe": critic.recipe.name, "seed": critic.recipe.seed, **_origin(critic)},
        "variants": {variant: {"title": title, **_origin(run)} for variant, (title, run) in runs.items()},
        "measured": {"patches": count, "size": size, "timestep": TIMESTEP, "seed": seed, **provenance()},
        "pictured": {"side": shown, "seed": seed, **provenance()},
    }
    return ConditionRecording(np.array(steps), shared, errors, pictures, conditions, quality, quality_pictures, facts)


def picture_anew(
    recording: ConditionRecording,
    runs: dict[str, tuple[str, Run]],
    critic: Run,
    pictured: int = 80,
    shown: int = 48,
    seed: int = 0,
) -> ConditionRecording:
    """A recording with its pictures made again from the snapshots; what was measured stays as it is.

    Parameters
    ----------
    recording : ConditionRecording
    runs, critic, pictured, shown, seed
        As for `measure_conditions`.

    Raises
    ------
    WorkbenchError
        When the runs are not those that were recorded.
    """
    check_runs(recording.provenance, recording.steps, runs)
    shared, pictures, conditions, quality_pictures = _pictures(runs, critic, pictured, shown, seed)
    facts = {
        "critic": {"recipe": critic.recipe.name, "seed": critic.recipe.seed, **_origin(critic)},
        "pictured": {"side": shown, "seed": seed, **provenance()},
    }
    return replace(
        recording, shared=shared, pictures=pictures, conditions=conditions, quality_pictures=quality_pictures,
        provenance=recording.provenance | facts,
    )  # fmt: skip


def _pictures(runs: dict[str, tuple[str, Run]], critic: Run, pictured: int, shown: int, seed: int) -> tuple[dict, ...]:
    """What is shown, the errors and conditions of every snapshot, and those of the critic's levels."""
    first = next(iter(runs.values()))[1]
    examples = probe_images(first.recipe, 2, pictured, seed, textured=True)
    pictures, conditions = {}, {}
    for variant, (_, run) in runs.items():
        switched = [_switch(run.method(step), examples, seed)[1:] for step in run.snapshots]
        pictures[variant] = np.stack([_middle(seen, shown) for seen, _ in switched])
        conditions[variant] = np.stack(
            [_middle(given.transpose(0, 1, 3, 4, 2), shown, (2, 3)) for _, given in switched]
        )
    shared = _shared(NoisePredictor.of(first.method()), examples, shown, seed)
    return shared, pictures, conditions, _worsened_pictures(critic, pictured, shown, seed)


def _switch(method: NoiseSpaceAdaptation, images: ProbeImages, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors (2, C, C, N); error pictures (2, C, C, P, P) and conditions (2, C, 3, P, P) of the first image."""
    predictor = NoisePredictor.of(method)
    given = [_switched(each, seed + 1 + index) for index, each in enumerate(restore_both(method, images))]
    errors, pictures = [], []
    for order, source, target in product(ORDERS, CHOICES, CHOICES):
        shown = (given[0][source], given[1][target])
        predicted, noise = predict(
            predictor, images.clean, *(shown if order == "fixed" else shown[::-1]), (TIMESTEP,), seed
        )
        difference = (predicted - noise)[:, 0]
        errors.append(difference.square().mean(dim=(1, 2, 3)).numpy())
        pictures.append(_error_picture(difference))
    shape = (len(ORDERS), len(CHOICES), len(CHOICES))
    conditions = np.stack([[to_uint(each[choice][0].numpy()) for choice in CHOICES] for each in given])
    return np.reshape(errors, (*shape, -1)), np.reshape(pictures, (*shape, *pictures[0].shape)), conditions


def _switched(condition: Tensor, seed: int) -> dict[str, Tensor]:
    changed = {
        "kept": condition,
        "corrupted": CORRUPTIONS["awgn"](condition, CORRUPTION, seed),
        "other": condition.roll(1, dims=0),
        "blank": torch.zeros_like(condition),
    }
    return {choice: changed[choice] for choice in CHOICES}


def _worsened_pictures(critic: Run, pictured: int, shown: int, seed: int) -> dict[str, np.ndarray]:
    """What one picture's prediction looks like at each point of Fig. 1(a)."""
    predictor = NoisePredictor.of(critic.method())
    picture = probe_images(critic.recipe, 2, pictured, seed, textured=True).clean
    parts = []
    for level in LEVELS:
        condition = CORRUPTIONS["awgn"](picture, level, seed)
        predicted, noise = predict(predictor, picture, condition, None, (TIMESTEP,), seed)
        difference = (predicted - noise)[:1, 0]
        error = float(difference[..., *_window(pictured, shown)].square().mean())
        shown_condition = to_uint(condition[0].permute(1, 2, 0).numpy())
        parts.append((_middle(shown_condition, shown, (0, 1)), _middle(_error_picture(difference), shown), error))
    conditions, errors, numbers = (np.stack(part) for part in zip(*parts, strict=True))
    return {"condition": conditions, "error": errors, "picture_error": numbers}


def _shared(predictor: NoisePredictor, examples: ProbeImages, shown: int, seed: int) -> dict[str, np.ndarray]:
    """The first example as `predict` noises it."""
    noise = torch.randn(examples.clean.shape, generator=torch.Generator().manual_seed(seed))
    level = predictor.schedule.alpha_bar[TIMESTEP - 1].float().expand(len(noise))
    noised = predictor.noised(examples.clean, noise, level)[0]
    noised = noised / 2 + 0.5 if predictor.symmetric_range else noised
    clean, noised = (to_uint(each.permute(1, 2, 0).numpy()) for each in (examples.clean[0], noised))
    grey = to_uint(_grey(noise) / (2 * NOISE_RANGE) + 0.5)
    return {
        "clean": _middle(clean, shown, (0, 1)), "noised": _middle(noised, shown, (0, 1)), "noise": _middle(grey, shown),
    }  # fmt: skip


def _grey(noise: Tensor) -> np.ndarray:
    """Mean over channels of the first image, at the variance of a single one where channels are independent."""
    return noise[0].mean(dim=0).numpy() * math.sqrt(noise.shape[1])


def _error_picture(difference: Tensor) -> np.ndarray:
    return np.clip(np.rint(_grey(difference) / ERROR_STEP) + 128, 0, 255).astype(np.uint8)


def _window(side: int, shown: int) -> tuple[slice, slice]:
    begin = (side - shown) // 2
    return (slice(begin, begin + shown),) * 2


def _middle(pictures: np.ndarray, shown: int, axes: tuple[int, int] = (-2, -1)) -> np.ndarray:
    """The middle of pictures, whose sides are the given axes."""
    where = [slice(None)] * pictures.ndim
    for axis, part in zip(axes, _window(pictures.shape[axes[0]], shown), strict=True):
        where[axis] = part
    return pictures[tuple(where)]


def _origin(run: Run) -> dict:
    return {"run": run.name, "provenance": run.summary.get("provenance")}
