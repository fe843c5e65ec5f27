"""Synthetic degradations of clean photographs: the source domain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class AdditiveWhiteGaussianNoise:
    """Additive white Gaussian noise of a random level.

    The level is drawn once an image, uniformly from `sigma`, and the noise independently for every pixel and channel.
    The result is *not* clipped to [0, 1], as is usual for training denoisers.

    Parameters
    ----------
    sigma : tuple of float
        Smallest and largest standard deviation, in 8-bit units (25 means 25 / 255). Equal values fix the level.

    Raises
    ------
    ValueError
        If `sigma` is not ascending or negative.

    References
    ----------
    .. [1] K. Zhang, W. Zuo, Y. Chen, D. Meng and L. Zhang. Beyond a Gaussian denoiser: residual learning of deep CNN
           for image denoising. IEEE Transactions on Image Processing 26(7), 2017. (Blind denoising: sigma in [0, 55].)
    """

    sigma: tuple[float, float] = (0.0, 75.0)

    def __post_init__(self) -> None:
        low, high = self.sigma
        if not 0 <= low <= high:
            raise ValueError(f"sigma must be (low, high) with 0 <= low <= high, got {self.sigma}")

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image.

        Parameters
        ----------
        clean : ndarray, shape (H, W, 3), float32
            Clean image in [0, 1].
        rng : numpy.random.Generator
            Where the level and the noise come from.

        Returns
        -------
        degraded : ndarray, shape (H, W, 3), float32
            Noisy image; leaves [0, 1] where the noise does.
        """
        level = np.float32(rng.uniform(*self.sigma) / 255)
        return clean + level * rng.standard_normal(clean.shape, dtype=np.float32)
