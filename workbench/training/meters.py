"""Signs of what adaptation does, cheap enough to be measured with every validation.

They draw no random numbers from the training and leave the networks as they were: a run is the same with or without.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from workbench.data.domains import Pair
from workbench.images import to_float
from workbench.methods import Method, NoiseSpaceAdaptation
from workbench.probes.noise_prediction import NoisePredictor
from workbench.probes.reliance import reliance
from workbench.probes.spectra import high_frequency_ratio

SIDE = 48
"""Side in pixels of the patches whose noise is predicted."""
PLACES = ((0.5, 0.5), (0.2, 0.2), (0.8, 0.8), (0.2, 0.8), (0.8, 0.2), (0.5, 0.0), (0.5, 1.0), (0.0, 0.5))
"""Where they are cut, as shares of what a picture leaves free: one a picture in turn, and as many in all."""
LARGEST = 512
"""Of larger pictures the middle is looked at."""


def high_frequency_energy(restored: np.ndarray, reference: np.ndarray) -> float:
    """Energy above 0.25 cycles a pixel relative to the reference's: 1 where there is as much, of detail or of noise.

    Parameters
    ----------
    restored, reference : ndarray, shape (H, W, 3), float32 in [0, 1]
        The middle `LARGEST` pixels count.
    """
    ours, theirs = (_batch([_middle(each)]) for each in (restored, reference))
    return float(high_frequency_ratio(ours, theirs))


def condition_reliance(method: Method, source: Sequence[Pair], target: Sequence[Pair]) -> dict[str, float]:
    """How much the diffusion network relies on each of its conditions.

    Patches of held-out pictures are restored by the raw weights, as in training, and shown to the diffusion network;
    then one condition is replaced by that of another patch.

    Parameters
    ----------
    method : Method
    source, target : sequence of Pair
        Held-out pairs of the two domains.

    Returns
    -------
    dict of str to float
        ``source_condition``, ``target_condition``: the rise of the noise-prediction error at t = 100, order as in
        training. Empty for methods without two conditions, and where no picture of a domain holds a patch.
    """
    if not isinstance(method, NoiseSpaceAdaptation) or method.options.conditions != "both":
        return {}
    clean, degraded = _patches(source)
    _, photographs = _patches(target)
    if not clean or not photographs:
        return {}
    clean, degraded, photographs = (_batch(patches).to(method.device) for patches in (clean, degraded, photographs))
    with _evaluating(method.restorer, method.diffusion), torch.no_grad():
        conditions = [method.restorer(images).float() for images in (degraded, photographs)]
        table = reliance(NoisePredictor.of(method), clean, *conditions, ("other",))
    order = "shuffled" if method.options.channel_shuffle else "fixed"
    rises = table[table.order == order].set_index("condition").rise
    return {f"{condition}_condition": float(rises[condition]) for condition in ("source", "target")}


@contextmanager
def _evaluating(*networks: nn.Module) -> Iterator[None]:
    """Without dropout for a while."""
    before = [network.training for network in networks]
    for network in networks:
        network.eval()
    try:
        yield
    finally:
        for network, training in zip(networks, before, strict=True):
            network.train(training)


def _patches(pairs: Sequence[Pair]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Clean and degraded patches of the pictures that are large enough; none if none is."""
    pairs = [pair for pair in pairs if min(pair.reference.shape[:2]) >= SIDE]
    clean, degraded = [], []
    for index, place in enumerate(PLACES if pairs else ()):
        pair = pairs[index % len(pairs)]
        free = (length - SIDE for length in pair.reference.shape[:2])
        top, left = (round(share * length) for share, length in zip(place, free, strict=True))
        window = slice(top, top + SIDE), slice(left, left + SIDE)
        clean.append(to_float(pair.reference[window]))
        degraded.append(to_float(pair.degraded[window]))
    return clean, degraded


def _middle(image: np.ndarray) -> np.ndarray:
    top, left = (max(length - LARGEST, 0) // 2 for length in image.shape[:2])
    return image[top : top + LARGEST, left : left + LARGEST]


def _batch(images: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
