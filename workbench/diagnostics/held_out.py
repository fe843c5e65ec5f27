"""Held-out patches of both domains to probe a trained method with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from workbench.data.domains import Pair, source_validation_pairs, validation_pairs
from workbench.errors import WorkbenchError
from workbench.images import to_float
from workbench.methods import Method
from workbench.probes.patches import image_batch, texture
from workbench.recipes import Recipe

Window = tuple[slice, slice]
CANDIDATES = 64
"""Places that are looked at in each picture where the most textured one is wanted."""


class ProbeImages(NamedTuple):
    """Patches, each (N, 3, P, P): a source pair and an unrelated pair of the target domain.

    In [0, 1] but for ``degraded``, which leaves that range where the source's noise is not clipped.
    """

    clean: Tensor
    degraded: Tensor
    target: Tensor
    reference: Tensor


def probe_images(recipe: Recipe, count: int = 16, size: int = 64, seed: int = 0, textured: bool = False) -> ProbeImages:
    """Patches of a recipe's held-out pictures of both domains, at random places, all pictures in turn.

    Parameters
    ----------
    recipe : Recipe
    count, size : int
        How many patches, and their side in pixels.
    seed : int
        Patch n depends on (seed, n) alone.
    textured : bool
        For looking at, not for measuring: each patch is the most textured one of `CANDIDATES` random places in a
        picture, the most textured one of all first; those of the target domain begin with the second, since the domains
        may share a scene. In a smooth patch no loss of detail can be seen.

    Raises
    ------
    WorkbenchError
        When the recipe names no held-out pairs of its source domain, or a picture is smaller than a patch.
    """
    source = source_validation_pairs(recipe.data)
    if not source:
        raise WorkbenchError(f"{recipe.name}: probing needs held-out source pairs; set data.source_validation")
    target = validation_pairs(recipe.data)
    clean, degraded = _patches(source, count, size, (seed, 0), textured)
    reference, photograph = _patches(target, count, size, (seed, 1), textured)
    return ProbeImages(clean, degraded, photograph, reference)


@torch.no_grad()
def restore_both(method: Method, images: ProbeImages, average: bool = False) -> tuple[Tensor, Tensor]:
    """Restored source and restored target patches, each (N, 3, P, P), not clipped.

    Parameters
    ----------
    method : Method
        Such as from `workbench.runs.Run.method`.
    images : ProbeImages
    average : bool
        Restore by the moving average, or whatever the recipe exports, instead of the raw weights. In training the
        diffusion network is shown what the raw weights restore.
    """
    restorer = method.evaluated if average else method.restorer
    return restorer(images.degraded), restorer(images.target)


def _patches(
    pairs: Sequence[Pair], count: int, size: int, seed: tuple[int, int], textured: bool
) -> tuple[Tensor, Tensor]:
    for pair in pairs:
        height, width = pair.reference.shape[:2]
        if min(height, width) < size:
            raise WorkbenchError(f"{pair.name}: {width} x {height} pixels hold no patch of {size}; use a smaller size")
    places = _textured(pairs, size, seed) if textured else []
    references, degraded = [], []
    for index in range(count):
        if textured:
            pair, window = places[(index + seed[1]) % len(places)]  # 0 for the source, 1 for the target
        else:
            pair = pairs[index % len(pairs)]
            window = _window(pair, size, np.random.default_rng((*seed, index)))
        references.append(to_float(pair.reference[window]))
        degraded.append(to_float(pair.degraded[window]))
    return image_batch(references), image_batch(degraded)


def _window(pair: Pair, size: int, rng: np.random.Generator) -> Window:
    top, left = (int(rng.integers(side - size + 1)) for side in pair.reference.shape[:2])
    return slice(top, top + size), slice(left, left + size)


def _textured(pairs: Sequence[Pair], size: int, seed: tuple[int, int]) -> list[tuple[Pair, Window]]:
    """The most textured place of each picture, the most textured one first."""
    found = []
    for index, pair in enumerate(pairs):
        rng = np.random.default_rng((*seed, index))
        windows = [_window(pair, size, rng) for _ in range(CANDIDATES)]
        score, window = max(((texture(pair.reference[each]), each) for each in windows), key=lambda each: each[0])
        found.append((score, pair, window))
    return [(pair, window) for _, pair, window in sorted(found, key=lambda each: -each[0])]
