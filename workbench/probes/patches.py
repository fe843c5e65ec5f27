"""Patches of held-out pictures, always the same ones, for what is measured again and again during a training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.ndimage import uniform_filter
from torch import Tensor

from workbench.data.domains import Pair
from workbench.images import to_float

SIDE = 48
"""Of the patches, in pixels."""
PLACES = ((0.5, 0.5), (0.2, 0.2), (0.8, 0.8), (0.2, 0.8), (0.8, 0.2), (0.5, 0.0), (0.5, 1.0), (0.0, 0.5))
"""Where they are cut, as shares of what a picture leaves free: one a picture in turn, and as many in all."""


def held_out_patches(pairs: Sequence[Pair]) -> tuple[Tensor, Tensor] | None:
    """Clean and degraded patches of the pictures that are large enough; None if none is.

    Parameters
    ----------
    pairs : sequence of Pair

    Returns
    -------
    clean, degraded : Tensor, shape (N, 3, S, S), float32 in [0, 1]
        N the number of `PLACES`, S `SIDE`.
    """
    pairs = [pair for pair in pairs if min(pair.reference.shape[:2]) >= SIDE]
    if not pairs:
        return None
    clean, degraded = [], []
    for index, place in enumerate(PLACES):
        pair = pairs[index % len(pairs)]
        free = (length - SIDE for length in pair.reference.shape[:2])
        top, left = (round(share * length) for share, length in zip(place, free, strict=True))
        window = slice(top, top + SIDE), slice(left, left + SIDE)
        clean.append(to_float(pair.reference[window]))
        degraded.append(to_float(pair.degraded[window]))
    return image_batch(clean), image_batch(degraded)


def image_batch(images: Sequence[np.ndarray]) -> Tensor:
    """Images (H, W, 3) of equal size as one tensor (N, 3, H, W)."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()


def texture(pixels: np.ndarray) -> float:
    """Median of the local contrast: high where there is structure everywhere, and not along a few edges.

    What is nearly black or white counts as flat, for there neither noise nor its removal shows.
    """
    grey = to_float(pixels).mean(axis=2)
    contrast = np.sqrt(np.maximum(uniform_filter(grey**2, 5) - uniform_filter(grey, 5) ** 2, 0))
    return float(np.median(np.where((grey > 0.1) & (grey < 0.9), contrast, 0)))
