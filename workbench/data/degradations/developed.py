"""Noise as a camera's JPEG pictures have it: fine grain in brightness, wide blotches in colour."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workbench.data.degradations.correlated import blurred
from workbench.data.degradations.ranges import Range, check_range

# ITU-R BT.601, as JPEG has it: what a step of luma, of blue and of red difference adds to red, green and blue
_TO_RGB = np.array([[1, 1, 1], [0, -0.344136, 1.772], [1.402, -0.714136, 0]], np.float32)


@dataclass(frozen=True)
class DevelopedNoise:
    """Gaussian noise with one level and width in luma and another in chroma, on a softened clean picture.

    Demosaicing spreads a sensor's noise over neighbours; noise reduction and JPEG's subsampled chroma spread the colour
    of it much further, so that it is left in blotches [1]_ [2]_. The softened picture is the reference, as photographs
    at full size are softer than the reduced ones of which clean sets are made. All five values are drawn once an image,
    uniformly; luma and both chroma parts are independent. The result is not clipped to [0, 1].

    Parameters
    ----------
    sigma : tuple of float
        Range of the standard deviation of the luma noise in 8-bit units, as it is in the result.
    blur : tuple of float
        Range of the standard deviation in pixels of the Gaussian blur of the luma noise.
    chroma : tuple of float
        Range of the ratio of the chroma noise's standard deviation (of Cb and of Cr) to that of the luma noise.
    chroma_blur : tuple of float
        Range of the standard deviation in pixels of the Gaussian blur of the chroma noise.
    softness : tuple of float
        Range of the standard deviation in pixels of the Gaussian blur of the clean picture.

    Raises
    ------
    ValueError
        If a range is negative or not ascending.

    References
    ----------
    .. [1] T. Brooks, B. Mildenhall, T. Xue, J. Chen, D. Sharlet and J. T. Barron. Unprocessing images for learned raw
           denoising. CVPR 2019.
    .. [2] S. Guo, Z. Yan, K. Zhang, W. Zuo and L. Zhang. Toward convolutional blind denoising of real photographs.
           CVPR 2019. (Sec. 3.1: demosaicing and JPEG in the noise model.)
    """

    sigma: Range = (0.0, 14.0)
    blur: Range = (0.5, 1.6)
    chroma: Range = (0.2, 1.0)
    chroma_blur: Range = (1.0, 3.5)
    softness: Range = (0.6, 3.2)

    def __post_init__(self) -> None:
        for name in ("sigma", "blur", "chroma", "chroma_blur", "softness"):
            check_range(name, getattr(self, name))

    @property
    def margin(self) -> int:
        """Pixels around a place that are mixed into it."""
        return math.ceil(4 * max(self.blur[1], self.chroma_blur[1], self.softness[1]))

    def pair(self, clean: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The softened picture and its noisy twin; arguments as of a call."""
        soft = blurred(clean, rng.uniform(*self.softness))
        level, width = rng.uniform(*self.sigma) / 255, rng.uniform(*self.blur)
        colour, reach = rng.uniform(*self.chroma) * level, rng.uniform(*self.chroma_blur)
        size = clean.shape[:2]
        luma = level * _grain(rng, (*size, 1), width)
        chroma = colour * _grain(rng, (*size, 2), reach)
        return soft, soft + np.concatenate([luma, chroma], axis=-1).astype(np.float32) @ _TO_RGB

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image.

        Parameters
        ----------
        clean : ndarray, shape (H, W, 3), float32
            In [0, 1].
        rng : numpy.random.Generator

        Returns
        -------
        degraded : ndarray, shape (H, W, 3), float32
            Leaves [0, 1] where the noise does.
        """
        return self.pair(clean, rng)[1]


def _grain(rng: np.random.Generator, shape: tuple[int, int, int], width: float) -> np.ndarray:
    """Blurred white noise whose expected variance is 1, whatever the blur."""
    impulse = np.zeros((2 * math.ceil(4 * width) + 1,) * 2 + (1,), np.float32)
    impulse[impulse.shape[0] // 2, impulse.shape[1] // 2] = 1
    left = float(np.sqrt(np.square(blurred(impulse, width)).sum()))
    return blurred(rng.standard_normal(shape, dtype=np.float32), width) / left
