"""Noise as photographs have it after development: soft, and correlated from pixel to pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workbench.data.degradations.ranges import Range, check_range


@dataclass(frozen=True)
class CorrelatedNoise:
    """Blurred Gaussian noise on a clean picture that is softened first, and is the reference in its soft form.

    Demosaicing, noise reduction and compression leave noise that is correlated over some pixels [1]_ [2]_, and
    photographs at their full size are softer than the reduced ones of which clean sets are made. A denoiser trained on
    AWGN and sharp pictures takes such noise for texture.

    Level and blur of the noise are drawn once an image, uniformly. The result is not clipped to [0, 1].

    Parameters
    ----------
    sigma : tuple of float
        Range of the standard deviation of the white noise in 8-bit units, before it is blurred: a blur of .4, .8 or
        1.2 pixels leaves .85, .35 or .24 of it.
    blur : tuple of float
        Range of the standard deviation in pixels of the Gaussian blur of the noise.
    softness : float
        Standard deviation in pixels of the Gaussian blur of the clean picture; 0 leaves it sharp.
    signal : float
        Share of the noise's variance that is in proportion to the brightness, 0 to 1. Middle grey has the same noise
        whatever the share.

    Raises
    ------
    ValueError
        If a range is not ascending or negative, `softness` negative, or `signal` outside [0, 1].

    References
    ----------
    .. [1] T. Brooks, B. Mildenhall, T. Xue, J. Chen, D. Sharlet and J. T. Barron. Unprocessing images for learned raw
           denoising. CVPR 2019. (Sec. 3: white noise of the sensor turns into correlated noise by development.)
    .. [2] Y. Zhou, J. Jiao, H. Huang, Y. Wang, J. Wang, H. Shi and T. Huang. When AWGN-based denoiser meets real
           noises. AAAI 2020.
    """

    sigma: Range = (0.0, 20.0)
    blur: Range = (0.4, 1.2)
    softness: float = 1.6
    signal: float = 0.0

    def __post_init__(self) -> None:
        check_range("sigma", self.sigma)
        check_range("blur", self.blur)
        check_range("softness", (0.0, self.softness))
        check_range("signal", (0.0, self.signal), most=1.0)

    @property
    def margin(self) -> int:
        """Pixels around a place that are mixed into it."""
        return math.ceil(4 * max(self.softness, self.blur[1]))

    def pair(self, clean: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The softened picture and its noisy twin; arguments as of a call."""
        soft = blurred(clean, self.softness)
        level, width = np.float32(rng.uniform(*self.sigma) / 255), rng.uniform(*self.blur)
        noise = level * blurred(rng.standard_normal(clean.shape, dtype=np.float32), width)
        if self.signal > 0:
            noise *= np.sqrt(1 - self.signal + 2 * self.signal * soft.clip(0, 1))
        return soft, soft + noise

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image; arguments and result as of `Degradation`, which leaves [0, 1] where the noise does."""
        return self.pair(clean, rng)[1]


def blurred(image: np.ndarray, width: float) -> np.ndarray:
    """An (H, W, 3) picture after Gaussian blur of so many pixels."""
    from scipy.ndimage import gaussian_filter  # slow to import, and whoever reads a recipe imports this module

    return gaussian_filter(image, (width, width, 0)) if width > 0 else image
