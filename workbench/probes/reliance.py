"""Shortcut probes: what a diffusion network reads from its two conditions, and the stages of the shortcut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workbench.probes.intervals import mean_interval
from workbench.probes.noise_prediction import NoisePredictor, predict

Conditions = tuple[Tensor, Tensor]


def _other(condition: Tensor, _clean: Tensor, _generator: torch.Generator) -> Tensor:
    if len(condition) < 2:
        raise ValueError("replacement 'other' needs at least two images")
    return condition.roll(1, dims=0)


def _noise(condition: Tensor, _clean: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand(condition.shape, generator=generator).to(condition)


REPLACEMENTS: dict[str, Callable[[Tensor, Tensor, torch.Generator], Tensor]] = {
    "other": _other,
    "noise": _noise,
    "blank": lambda condition, _clean, _generator: torch.zeros_like(condition),
    "clean": lambda _condition, clean, _generator: clean,
}
"""What a condition is replaced by: the next image's condition of the same kind, uniform noise in [0, 1], nothing (0),
or the very image that was noised. Only "other" stays among the images that the network was trained on."""


@dataclass(frozen=True)
class _Outcome:
    """Errors (N,) and predictions (N, T, 3, H, W) with some conditions."""

    errors: np.ndarray
    predicted: Tensor


def reliance(
    predictor: NoisePredictor,
    clean: Tensor,
    source: Tensor,
    target: Tensor,
    replacements: Sequence[str] = tuple(REPLACEMENTS),
    timesteps: Sequence[int] = (100,),
    seed: int = 0,
) -> pd.DataFrame:
    """How much the noise prediction depends on each condition: replace one and see.

    The same noise is drawn before and after the replacement, so differences are paired.

    Parameters
    ----------
    predictor : NoisePredictor
    clean : Tensor, shape (N, 3, H, W), range [0, 1]
        Clean source images, which are noised.
    source, target : Tensor, shape (N, 3, H, W)
        The conditions: the restored ``degraded`` of ``clean``, and restored images of the target domain.
    replacements : sequence of str
        Keys of `REPLACEMENTS`.
    timesteps : sequence of int
        Averaged over.
    seed : int

    Returns
    -------
    DataFrame
        A row for each ``condition`` (source, target), ``replacement`` and ``order``. In order "fixed" the source comes
        first, as in training without channel shuffling, in "swapped" the target does; "shuffled" is the mean over both,
        the expectation of a random order. ``base`` and ``error`` are the MSE before and after, ``rise`` their
        difference with its 95 % interval over images ``low``, ``high``; ``change`` is the mean squared change of the
        prediction itself, which shows that a condition is looked at even where that does not help.

    Raises
    ------
    KeyError
        When a replacement is unknown.
    ValueError
        When "other" is asked for with a single image.
    """
    orders = {"fixed": False, "swapped": True}
    before = {
        order: _predict(predictor, clean, source, target, swap, timesteps, seed) for order, swap in orders.items()
    }
    rows = []
    for name in ("source", "target"):
        for replacement in replacements:
            generator = torch.Generator().manual_seed(seed + 1)
            changed = REPLACEMENTS[replacement](source if name == "source" else target, clean, generator)
            shown = (changed, target) if name == "source" else (source, changed)
            values = {}
            for order, swap in orders.items():
                after = _predict(predictor, clean, *shown, swap, timesteps, seed)
                values[order] = np.stack([before[order].errors, after.errors, _change(before[order], after)])
            values["shuffled"] = (values["fixed"] + values["swapped"]) / 2
            for order, (base, error, change) in values.items():
                rise = mean_interval(error - base)
                rows.append((name, replacement, order, error.mean(), base.mean(), *rise, change.mean()))
    columns = ["condition", "replacement", "order", "error", "base", "rise", "low", "high", "change"]
    return pd.DataFrame(rows, columns=columns)


def positional_reliance(
    predictor: NoisePredictor,
    clean: Tensor,
    source: Tensor,
    target: Tensor,
    timesteps: Sequence[int] = (100,),
    seed: int = 0,
) -> dict[str, float]:
    """How much the noise prediction depends on which condition comes first.

    A network trained with channel shuffling has nothing to learn from the order; without, it may know the synthetic
    condition by its channels alone (Liao et al., ICLR 2025, Sec. 3.1). Arguments as in `reliance`.

    Returns
    -------
    dict of str to float
        ``fixed`` and ``swapped``: the MSE with the source first and with the target first; ``rise``: their difference,
        with its 95 % interval over images ``low``, ``high``; ``change``: the mean squared change of the prediction.
    """
    fixed, swapped = (_predict(predictor, clean, source, target, swap, timesteps, seed) for swap in (False, True))
    rise, low, high = mean_interval(swapped.errors - fixed.errors)
    return {
        "fixed": float(fixed.errors.mean()), "swapped": float(swapped.errors.mean()), "rise": rise, "low": low,
        "high": high, "change": float(_change(fixed, swapped).mean()),
    }  # fmt: skip


def _predict(predictor, clean, source, target, swap: bool, timesteps, seed) -> _Outcome:
    first, second = (target, source) if swap else (source, target)
    predicted, noise = predict(predictor, clean, first, second, timesteps, seed)
    return _Outcome(_per_image((predicted - noise).square()), predicted)


def _change(before: _Outcome, after: _Outcome) -> np.ndarray:
    return _per_image((after.predicted - before.predicted).square())


def _per_image(values: Tensor) -> np.ndarray:
    return values.flatten(1).mean(dim=1).double().cpu().numpy()
