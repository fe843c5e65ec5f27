"""Banding: a sensor that reads each row out with an offset of its own."""

from dataclasses import dataclass

import numpy as np

from workbench.data.degradations.ranges import Range, check_range


@dataclass(frozen=True)
class Banding:
    """Adds a Gaussian offset to each row.

    Parameters
    ----------
    sigma : tuple of float
        Range of the offsets' standard deviation in 8-bit units, drawn once an image.
    """

    sigma: Range = (2.0, 10.0)

    def __post_init__(self) -> None:
        check_range("sigma", self.sigma)

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one (H, W, 3) float32 image in [0, 1]; not clipped."""
        level = np.float32(rng.uniform(*self.sigma) / 255)
        return clean + level * rng.standard_normal((len(clean), 1, 1), dtype=np.float32)
