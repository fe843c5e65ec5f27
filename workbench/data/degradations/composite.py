"""All degradations by name, and several of them one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.data.degradations.atmosphere import Haze, LowLight
from workbench.data.degradations.blur import CameraShake, LinearMotionBlur
from workbench.data.degradations.correlated import CorrelatedNoise
from workbench.data.degradations.developed import DevelopedNoise
from workbench.data.degradations.drawing import Edges
from workbench.data.degradations.missing import Holes, LowResolution
from workbench.data.degradations.noise import AdditiveWhiteGaussianNoise, PoissonNoise, SaltAndPepperNoise
from workbench.data.degradations.rain import LayeredRain, RainStreaks, Snow

SINGLE: dict[str, Callable] = {
    "awgn": AdditiveWhiteGaussianNoise,
    "poisson": PoissonNoise,
    "salt-and-pepper": SaltAndPepperNoise,
    "correlated-noise": CorrelatedNoise,
    "developed-noise": DevelopedNoise,
    "rain-streaks": RainStreaks,
    "layered-rain": LayeredRain,
    "motion-blur": LinearMotionBlur,
    "camera-shake": CameraShake,
    "haze": Haze,
    "low-light": LowLight,
    "holes": Holes,
    "low-resolution": LowResolution,
    "edges": Edges,
    "snow": Snow,
}
"""Those that are not made of others."""


@dataclass(frozen=True)
class Composite:
    """Degradations of one picture one after the other, each with its own options' defaults, as in CDD-11 [1]_.

    Parameters
    ----------
    parts : tuple of str
        Their names in `SINGLE`, in their order: what is done to the scene first.

    Raises
    ------
    ValueError
        If a part is not known or changes the reference.

    References
    ----------
    .. [1] Y. Guo, Y. Gao, Y. Lu, H. Zhu, R. W. Liu and S. He. OneRestore: a universal restoration framework for
           composite degradation. ECCV 2024.
    """

    parts: tuple[str, ...] = ("low-light", "haze")

    def __post_init__(self) -> None:
        for name in self.parts:
            if name not in SINGLE or hasattr(SINGLE[name], "pair"):
                raise ValueError(f"parts: {name!r} cannot be one of several degradations")
        if not self.parts:
            raise ValueError("parts: name at least one degradation")

    @cached_property
    def _made(self) -> list:
        return [SINGLE[name]() for name in self.parts]

    @property
    def margin(self) -> int:
        """How far all of them together look."""
        return sum(getattr(part, "margin", 0) for part in self._made)

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image; arguments and result as of `Degradation`, in [0, 1], to which each part is clipped."""
        degraded = clean
        for part in self._made:
            degraded = part(degraded, rng).clip(0, 1)
        return degraded
