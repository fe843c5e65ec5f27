"""What is done to a condition, by name and level; level 0 leaves it as it is."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import Tensor

from workbench.data.degradations import AdditiveWhiteGaussianNoise, Haze
from workbench.images import to_uint
from workbench.probes.patches import image_batch

Picture = np.ndarray


@dataclass(frozen=True)
class Corruption:
    """A family of corruptions of rising strength.

    Parameters
    ----------
    apply : callable
        ``(picture (H, W, 3) float32 in [0, 1], level > 0, numpy generator) -> picture``.
    levels : tuple of float
        Levels that span it from nothing to strong.
    title, unit : str
        What the level is, for axes.
    """

    apply: Callable[[Picture, float, np.random.Generator], Picture]
    levels: tuple[float, ...]
    title: str
    unit: str

    def __call__(self, images: Tensor, level: float, seed: int = 0) -> Tensor:
        """Corrupt images.

        Parameters
        ----------
        images : Tensor, shape (N, 3, H, W), range [0, 1]
        level : float
            At least 0; 0 returns the images as they are.
        seed : int
            Image n draws from (seed, n), at every level alike: the same noise pattern grows.

        Returns
        -------
        Tensor, shape (N, 3, H, W)

        Raises
        ------
        ValueError
            When the level is negative or beyond what the corruption can do.
        """
        if level < 0:
            raise ValueError(f"level {level} is negative")
        if level == 0:
            return images.clone()
        pictures = images.detach().cpu().permute(0, 2, 3, 1).numpy()
        corrupted = [
            self.apply(picture, level, np.random.default_rng((seed, index))) for index, picture in enumerate(pictures)
        ]
        return image_batch(corrupted).float().to(images)


def _awgn(picture: Picture, level: float, rng: np.random.Generator) -> Picture:
    return AdditiveWhiteGaussianNoise((level, level))(picture, rng)


def _blur(picture: Picture, level: float, _rng: np.random.Generator) -> Picture:
    return gaussian_filter(picture, (level, level, 0), mode="reflect")


def _jpeg(picture: Picture, level: float, _rng: np.random.Generator) -> Picture:
    if level > 99:
        raise ValueError(f"JPEG level {level} is above 99: the level is 100 - quality, and quality starts at 1")
    file = io.BytesIO()
    pixels = to_uint(picture)
    Image.fromarray(pixels).save(file, "JPEG", quality=round(100 - level))
    return np.asarray(Image.open(file), dtype=np.float32) / 255


def _haze(picture: Picture, level: float, rng: np.random.Generator) -> Picture:
    return Haze(thickness=(level, level))(picture, rng)


CORRUPTIONS: dict[str, Corruption] = {
    "awgn": Corruption(_awgn, (0, 10, 20, 30, 40, 50, 60, 70, 80), "noise sigma", "8-bit units"),
    "blur": Corruption(_blur, (0, 0.5, 1, 1.5, 2, 3, 4), "Gaussian blur sigma", "pixels"),
    "jpeg": Corruption(_jpeg, (0, 10, 30, 50, 70, 90, 95), "JPEG, 100 - quality", "1"),
    "haze": Corruption(_haze, (0, 0.3, 0.6, 1.2, 1.8, 2.4), "optical thickness of the haze", "1"),
}
"""By name. AWGN is that of Fig. 1(a) of Liao et al. (ICLR 2025), with its range of levels."""
