"""Synthetic degradations of clean photographs: the source domain.

A degradation is a callable ``(clean float32 HxWx3 in [0, 1], numpy generator) -> degraded`` of the same shape. One that
looks beyond a pixel's place says so by the attribute ``margin``: within that many pixels of the border its result
depends on how the picture was continued there, so who cuts patches degrades a larger crop and cuts it after
(`degraded_pair`).
"""

from collections.abc import Callable

import numpy as np

from workbench.data.degradations.atmosphere import Haze, LowLight
from workbench.data.degradations.blur import CameraShake, LinearMotionBlur
from workbench.data.degradations.noise import AdditiveWhiteGaussianNoise, PoissonNoise, SaltAndPepperNoise
from workbench.data.degradations.rain import LayeredRain, RainStreaks

Degradation = Callable[[np.ndarray, np.random.Generator], np.ndarray]

DEGRADATIONS: dict[str, Callable[[], Degradation]] = {
    "awgn": AdditiveWhiteGaussianNoise,
    "poisson": PoissonNoise,
    "salt-and-pepper": SaltAndPepperNoise,
    "rain-streaks": RainStreaks,
    "layered-rain": LayeredRain,
    "motion-blur": LinearMotionBlur,
    "camera-shake": CameraShake,
    "haze": Haze,
    "low-light": LowLight,
}
"""The names recipes use."""


def margin_of(degradation: Degradation | None) -> int:
    """How many pixels around a place the degradation looks at; 0 for None and for what works on each pixel alone."""
    return getattr(degradation, "margin", 0)


def degraded_pair(
    degradation: Degradation, clean: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Degrade a picture and cut the degradation's margin off both.

    Parameters
    ----------
    degradation : callable
    clean : ndarray, shape (H + 2 * margin, W + 2 * margin, 3), float32
        In [0, 1].
    rng : numpy.random.Generator

    Returns
    -------
    clean, degraded : ndarray, shape (H, W, 3), float32
    """
    degraded = degradation(clean, rng)
    return cut(clean, margin_of(degradation)), cut(degraded, margin_of(degradation))


def cut(image: np.ndarray, margin: int) -> np.ndarray:
    """An (H, W, ...) picture without a margin of so many pixels."""
    return image[margin : image.shape[0] - margin, margin : image.shape[1] - margin]


__all__ = [
    "DEGRADATIONS",
    "AdditiveWhiteGaussianNoise",
    "CameraShake",
    "Degradation",
    "Haze",
    "LayeredRain",
    "LinearMotionBlur",
    "LowLight",
    "PoissonNoise",
    "RainStreaks",
    "SaltAndPepperNoise",
    "cut",
    "degraded_pair",
    "margin_of",
]
