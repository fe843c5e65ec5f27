"""Haze and low light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.data.degradations.depth import smooth_depth
from workbench.data.degradations.ranges import Range, check_range, log_uniform

GAMMA = 2.2


@dataclass(frozen=True)
class Haze:
    """Homogeneous haze in front of a scene of synthetic depth: ``I = J * t + A * (1 - t)`` with ``t = exp(-b * d)``.

    The depth is smooth and made up, not that of the scene: far at the top and near at the bottom, with low hills.

    Parameters
    ----------
    thickness : tuple of float
        Range of the optical thickness ``b`` at the largest depth. The default is that of RESIDE [2]_ with depths that
        reach 1.
    airlight : tuple of float
        Range of the brightness ``A`` of the haze, the same in all channels.

    Raises
    ------
    ValueError
        If a range is not ascending, negative, or leaves [0, 1] for `airlight`.

    References
    ----------
    .. [1] S. G. Narasimhan and S. K. Nayar. Vision and the atmosphere. International Journal of Computer Vision 48(3),
           2002.
    .. [2] B. Li, W. Ren, D. Fu, D. Tao, D. Feng, W. Zeng and Z. Wang. Benchmarking single-image dehazing and beyond.
           IEEE Transactions on Image Processing 28(1), 2019.
    """

    thickness: Range = (0.6, 1.8)
    airlight: Range = (0.7, 1.0)

    def __post_init__(self) -> None:
        check_range("thickness", self.thickness)
        check_range("airlight", self.airlight, most=1.0)

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image; arguments and result as of `Degradation`, in [0, 1]."""
        thickness, airlight = (np.float32(rng.uniform(*values)) for values in (self.thickness, self.airlight))
        transmission = np.exp(-thickness * smooth_depth(clean.shape[:2], rng))[..., None]
        return clean * transmission + airlight * (1 - transmission)


@dataclass(frozen=True)
class LowLight:
    """A picture that was exposed too little.

    In linear light (gamma 2.2) the picture is multiplied by a small exposure and receives shot noise (variance gain
    times signal) and read noise, before gamma is applied again.

    Parameters
    ----------
    exposure : tuple of float
        Range of the factor on the light, drawn log-uniformly.
    shot_gain : tuple of float
        Range of the variance of the shot noise at white in linear light, drawn log-uniformly.
    read_noise : float
        Standard deviation of the read noise in linear light.

    Raises
    ------
    ValueError
        If a range is not ascending or not positive.
    """

    exposure: Range = (0.03, 0.3)
    shot_gain: Range = (0.0001, 0.001)
    read_noise: float = 0.001

    def __post_init__(self) -> None:
        check_range("exposure", self.exposure, above=0.0, most=1.0)
        check_range("shot_gain", self.shot_gain, above=0.0)

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image; arguments and result as of `Degradation`, in [0, 1]."""
        light = clean**GAMMA * log_uniform(rng, self.exposure)
        gain = log_uniform(rng, self.shot_gain)
        light = gain * rng.poisson(light / gain) + self.read_noise * rng.standard_normal(clean.shape)
        return (light.clip(0, 1) ** (1 / GAMMA)).astype(np.float32)
