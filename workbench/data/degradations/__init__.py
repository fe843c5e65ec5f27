"""Synthetic degradations of clean photographs: the source domain.

A degradation is a callable ``(clean float32 HxWx3 in [0, 1], numpy generator) -> degraded`` of the same shape. One that
looks beyond a pixel's place says so by the attribute ``margin``: within that many pixels of the border its result
depends on how the picture was continued there, so who cuts patches degrades a larger crop and cuts it after. One after
which the reference is another than the clean picture has a method ``pair(clean, generator) -> (reference, degraded)``.
`degraded_pair` heeds both.

The fields of a degradation's dataclass are its options in a recipe (`checked_options`).
"""

import dataclasses
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol, get_type_hints, runtime_checkable

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from workbench.data.degradations.atmosphere import Haze, LowLight
from workbench.data.degradations.blur import CameraShake, LinearMotionBlur
from workbench.data.degradations.composite import SINGLE, Composite
from workbench.data.degradations.correlated import CorrelatedNoise
from workbench.data.degradations.developed import DevelopedNoise
from workbench.data.degradations.drawing import Edges
from workbench.data.degradations.missing import Holes, LowResolution
from workbench.data.degradations.noise import AdditiveWhiteGaussianNoise, PoissonNoise, SaltAndPepperNoise
from workbench.data.degradations.rain import LayeredRain, RainStreaks, Snow
from workbench.plugins import installed

GROUP = "workbench.degradations"


@runtime_checkable
class Degradation(Protocol):
    """What makes a degraded picture of a clean one (docs/adding-a-degradation.md)."""

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image.

        Parameters
        ----------
        clean : ndarray, shape (H, W, 3), float32
            In [0, 1].
        rng : numpy.random.Generator
            Where all that is random comes from.

        Returns
        -------
        degraded : ndarray, shape (H, W, 3), float32
        """


DEGRADATIONS: dict[str, Callable[..., Degradation]] = {**SINGLE, "composite": Composite}
"""The names recipes use; those of other installed packages are found."""


def checked_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a degradation that are not its defaults, as plain numbers and lists, or an error.

    Parameters
    ----------
    name : str
        Key of `DEGRADATIONS`.
    options : mapping
        Values of the fields of its dataclass.

    Raises
    ------
    ValueError
        In one line, when there is no such degradation or option, or a value is wrong.
    """
    if name not in DEGRADATIONS:
        raise ValueError(f"no degradation is called {name!r}; choose one of {', '.join(DEGRADATIONS)}")
    fields = _options_of(DEGRADATIONS[name])
    try:
        checked = fields(**options)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        if problem["type"] == "extra_forbidden":
            there = ", ".join(fields.model_fields) or "none"
            raise ValueError(f"{name} has no option {key!r}; its options are: {there}") from error
        raise ValueError(f"{name}: {key}: {problem['msg']}") from error
    DEGRADATIONS[name](**dict(checked))  # ranges check themselves
    return checked.model_dump(mode="json", exclude_defaults=True)


def build(name: str, options: Mapping[str, Any]) -> Degradation:
    """The degradation of a name with options; arguments and errors as of `checked_options`."""
    given = checked_options(name, options)
    return DEGRADATIONS[name](**dict(_options_of(DEGRADATIONS[name])(**given)))


@cache
def _options_of(kind: Callable[..., Degradation]) -> type[BaseModel]:
    """The options of a kind of degradation as pydantic checks them: the fields of its dataclass."""
    hints = get_type_hints(kind)
    known = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    fields = {field.name: (hints[field.name], field.default) for field in known}
    return create_model(kind.__name__, __config__=ConfigDict(extra="forbid"), **fields)


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
        The clean picture is what the degraded one is to be restored to.
    """
    pair = getattr(degradation, "pair", None)
    clean, degraded = pair(clean, rng) if pair else (clean, degradation(clean, rng))
    return cut(clean, margin_of(degradation)), cut(degraded, margin_of(degradation))


def cut(image: np.ndarray, margin: int) -> np.ndarray:
    """An (H, W, ...) picture without a margin of so many pixels."""
    return image[margin : image.shape[0] - margin, margin : image.shape[1] - margin]


# Last, so that what is installed can import from here.
DEGRADATIONS |= installed(GROUP, Degradation, "workbench.data.degradations.Degradation", DEGRADATIONS)

__all__ = [
    "DEGRADATIONS",
    "AdditiveWhiteGaussianNoise",
    "CameraShake",
    "Composite",
    "CorrelatedNoise",
    "Degradation",
    "DevelopedNoise",
    "Edges",
    "Haze",
    "Holes",
    "LayeredRain",
    "LinearMotionBlur",
    "LowLight",
    "LowResolution",
    "PoissonNoise",
    "RainStreaks",
    "SaltAndPepperNoise",
    "Snow",
    "build",
    "checked_options",
    "cut",
    "degraded_pair",
    "margin_of",
]
