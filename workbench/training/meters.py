"""A sign of what adaptation does, cheap enough to be measured with every validation; methods add their own (`meters`).

It draws no random numbers from the training and leaves the networks as they were: a run is the same with or without.
"""

from __future__ import annotations

import numpy as np

from workbench.probes.patches import image_batch
from workbench.probes.spectra import high_frequency_ratio

LARGEST = 512
"""Of larger pictures the middle is looked at."""


def high_frequency_energy(restored: np.ndarray, reference: np.ndarray) -> float:
    """Energy above 0.25 cycles a pixel relative to the reference's: 1 where there is as much, of detail or of noise.

    Parameters
    ----------
    restored, reference : ndarray, shape (H, W, 3), float32 in [0, 1]
        The middle `LARGEST` pixels count.

    Returns
    -------
    float
        Not finite where the reference has no such energy, as one of a single colour.
    """
    ours, theirs = (image_batch([_middle(each)]) for each in (restored, reference))
    return float(high_frequency_ratio(ours, theirs))


def _middle(image: np.ndarray) -> np.ndarray:
    top, left = (max(length - LARGEST, 0) // 2 for length in image.shape[:2])
    return image[top : top + LARGEST, left : left + LARGEST]
