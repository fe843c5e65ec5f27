"""Noise that is independent from pixel to pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.data.degradations.ranges import Range, check_range, log_uniform


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

    sigma: Range = (0.0, 75.0)

    def __post_init__(self) -> None:
        check_range("sigma", self.sigma)

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image; arguments and result as of `Degradation`, which leaves [0, 1] where the noise does."""
        level = np.float32(rng.uniform(*self.sigma) / 255)
        return clean + level * rng.standard_normal(clean.shape, dtype=np.float32)


@dataclass(frozen=True)
class PoissonNoise:
    """Photon noise of a random level: the variance of a pixel is its value divided by `peak`.

    The peak is drawn once an image, log-uniformly, and the noise independently for every pixel and channel; the result
    is not clipped to [0, 1].

    Parameters
    ----------
    peak : tuple of float
        Smallest and largest number of photons that white stands for. The defaults span the three levels (26, 102, 283)
        of [1]_.

    Raises
    ------
    ValueError
        If `peak` is not ascending or not positive.

    References
    ----------
    .. [1] Z. Lin, J. Hou, H. Xia, X. Xie, F. Wang, Y. Zhou, W. Wang, J. Liu and L. Qu. Decoupled residual denoising
           diffusion models for unified and data efficient image-to-image translation. 2026. Appendix B.4 (MNMD).
    """

    peak: Range = (26.0, 283.0)

    def __post_init__(self) -> None:
        check_range("peak", self.peak, above=0.0)

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image; arguments and result as of `Degradation`, at least 0."""
        peak = np.float32(log_uniform(rng, self.peak))
        return rng.poisson(clean * peak).astype(np.float32) / peak


@dataclass(frozen=True)
class SaltAndPepperNoise:
    """A random share of the pixels turns black or white, each with the same probability.

    The share is drawn once an image, uniformly. A pixel is hit in all three channels at once.

    Parameters
    ----------
    density : tuple of float
        Smallest and largest share of pixels that are hit. The defaults span the three levels (.014, .039, .154) of
        [1]_.

    Raises
    ------
    ValueError
        If `density` is not ascending or leaves [0, 1].

    References
    ----------
    .. [1] Z. Lin, J. Hou, H. Xia, X. Xie, F. Wang, Y. Zhou, W. Wang, J. Liu and L. Qu. Decoupled residual denoising
           diffusion models for unified and data efficient image-to-image translation. 2026. Appendix B.4 (MNMD).
    """

    density: Range = (0.014, 0.154)

    def __post_init__(self) -> None:
        check_range("density", self.density, most=1.0)

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image; arguments and result as of `Degradation`, in [0, 1]."""
        density = rng.uniform(*self.density)
        draw = rng.random(clean.shape[:2], dtype=np.float32)[..., None]
        return np.where(draw < density / 2, np.float32(0), np.where(draw < density, np.float32(1), clean))
