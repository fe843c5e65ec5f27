"""Noise as a camera's JPEG pictures have it: fine grain in brightness, wide blotches in colour."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workbench.data.degradations.correlated import blurred
from workbench.data.degradations.ranges import Range, check_range

# ITU-R BT.601, as JPEG has it: what a step of luma, of blue and of red difference adds to red, green and blue
_TO_RGB = np.array([[1, 1, 1], [0, -0.344136, 1.772], [1.402, -0.714136, 0]], np.float32)

_BRIGHTNESSES = (0, 1 / 8, 3 / 8, 1)
_PATCH = 8.0  # pixels


@dataclass(frozen=True)
class DevelopedNoise:
    """Gaussian noise with one level and width in luma and another in chroma, on a softened clean picture.

    Demosaicing spreads a sensor's noise over neighbours; noise reduction and JPEG's subsampled chroma spread the
    colour of it much further, so that it is left in blotches [1]_ [2]_. How strong it is depends on the place: on the
    brightness, by shot noise and tone curve, and on what noise reduction and compression took for structure. The
    softened picture is the reference, as photographs at full size are softer than the reduced ones of which clean
    sets are made. All values are drawn once an image, uniformly; luma and both chroma parts are independent. The
    result is not clipped to [0, 1].

    Parameters
    ----------
    sigma : tuple of float
        Range of the standard deviation of the luma noise in 8-bit units, as it is in the result where it is neither
        raised nor lowered by `tone` and `patches`.
    blur : tuple of float
        Range of the standard deviation in pixels of the Gaussian blur of the luma noise.
    coarse : tuple of float
        Range of the share of the luma noise's variance that is blurred as widely as the chroma noise.
    chroma : tuple of float
        Range of the ratio of the chroma noise's standard deviation (of Cb and of Cr) to that of the luma noise.
    chroma_blur : tuple of float
        Range of the standard deviation in pixels of the Gaussian blur of the chroma noise.
    tone : float
        How much the noise's level depends on the brightness: at brightnesses of 0, 1/8, 3/8 and 1 the level is
        multiplied by ``exp(t)``, t uniform in [-tone, tone], and in between by what lies between.
    patches : float
        How much it differs from place to place: multiplied by ``exp(p)``, p Gaussian of this standard
        deviation every 8 pixels and linear between.
    softness : tuple of float
        Range of the standard deviation in pixels of the Gaussian blur of the clean picture.

    Raises
    ------
    ValueError
        If a range is negative or not ascending, `coarse` beyond 1, `tone` or `patches` negative.

    References
    ----------
    .. [1] T. Brooks, B. Mildenhall, T. Xue, J. Chen, D. Sharlet and J. T. Barron. Unprocessing images for learned raw
           denoising. CVPR 2019.
    .. [2] S. Guo, Z. Yan, K. Zhang, W. Zuo and L. Zhang. Toward convolutional blind denoising of real photographs.
           CVPR 2019. (Sec. 3.1: demosaicing and JPEG in the noise model.)
    """

    sigma: Range = (0.0, 14.0)
    blur: Range = (0.5, 1.6)
    coarse: Range = (0.0, 0.3)
    chroma: Range = (0.2, 1.0)
    chroma_blur: Range = (1.0, 4.0)
    tone: float = 1.0
    patches: float = 0.3
    softness: Range = (0.6, 3.2)

    def __post_init__(self) -> None:
        for name in ("sigma", "blur", "chroma", "chroma_blur", "softness"):
            check_range(name, getattr(self, name))
        check_range("coarse", self.coarse, most=1.0)
        check_range("tone", (0.0, self.tone))
        check_range("patches", (0.0, self.patches))

    @property
    def margin(self) -> int:
        """Pixels around a place that are mixed into it."""
        return math.ceil(4 * max(self.blur[1], self.chroma_blur[1], self.softness[1]))

    def pair(self, clean: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The softened picture and its noisy twin; arguments as of a call."""
        soft = blurred(clean, rng.uniform(*self.softness))
        level, width = rng.uniform(*self.sigma) / 255, rng.uniform(*self.blur)
        share, colour, reach = rng.uniform(*self.coarse), rng.uniform(*self.chroma), rng.uniform(*self.chroma_blur)
        size = clean.shape[:2]
        fine, wide = _grain(rng, (*size, 1), width), _grain(rng, (*size, 3), reach)
        luma = math.sqrt(1 - share) * fine + math.sqrt(share) * wide[..., :1]
        noise = np.concatenate([luma, colour * wide[..., 1:]], axis=-1) * (level * self._strength(soft, rng))
        return soft, soft + noise.astype(np.float32) @ _TO_RGB

    def _strength(self, picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """What the level is multiplied by at each place of a picture, (H, W, 1)."""
        exponent = np.zeros((*picture.shape[:2], 1), np.float32)
        if self.tone > 0:
            curve = rng.uniform(-self.tone, self.tone, len(_BRIGHTNESSES))
            exponent += np.interp(picture.mean(axis=-1, keepdims=True), _BRIGHTNESSES, curve)
        if self.patches > 0:
            exponent += self.patches * _field(rng, exponent.shape[:2])
        return np.exp(exponent)

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image; arguments and result as of `Degradation`, which leaves [0, 1] where the noise does."""
        return self.pair(clean, rng)[1]


def _grain(rng: np.random.Generator, shape: tuple[int, int, int], width: float) -> np.ndarray:
    """Blurred white noise whose expected variance is 1, whatever the blur."""
    from scipy.ndimage import gaussian_filter1d  # slow to import, and whoever reads a recipe imports this module

    impulse = np.zeros(2 * math.ceil(4 * width) + 1, np.float32)
    impulse[impulse.size // 2] = 1
    left = float(np.square(gaussian_filter1d(impulse, width) if width > 0 else impulse).sum())  # along each axis
    return blurred(rng.standard_normal(shape, dtype=np.float32), width) / left


def _field(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A smooth random field (H, W, 1): standard normal numbers `_PATCH` pixels apart, and linear between them."""
    rows, columns = (np.arange(side) / _PATCH for side in size)
    knots = rng.standard_normal((int(rows[-1]) + 2, int(columns[-1]) + 2), dtype=np.float32)
    across = np.stack([np.interp(columns, np.arange(knots.shape[1]), row) for row in knots])
    low = rows.astype(int)
    share = (rows - low)[:, None]
    return ((1 - share) * across[low] + share * across[low + 1])[..., None]
