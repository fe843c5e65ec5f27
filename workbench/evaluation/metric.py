"""What a metric is; PSNR and SSIM, as a protocol defines them.

Each metric is a class in a file of its own and a line in `workbench.evaluation.measures` (docs/adding-a-metric.md).
Tables ask these classes for names, units and digits, so they import neither torch nor any other slow package before
they are loaded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    import numpy as np

    from workbench.evaluation.protocols import Protocol


class NoValue(WorkbenchError):
    """A metric has no value for two images; the message says why."""


@dataclass(frozen=True)
class Unavailable:
    """Stands for a metric that cannot be computed.

    Attributes
    ----------
    reason : str
        One line: why, and what to do about it.
    """

    reason: str


@dataclass(eq=False)
class Sample:
    """A picture and its reference as the protocol prepares them; what several metrics need is worked out once.

    Attributes
    ----------
    picture, reference : ndarray, shape (H, W, 3)
        As of `workbench.evaluation.protocols.Protocol.prepare`; without a reference None.
    protocol : Protocol
    with_ssim : bool
        False where nobody asks for SSIM, which takes the most memory.
    """

    picture: np.ndarray
    reference: np.ndarray | None
    protocol: Protocol
    with_ssim: bool = True
    _made: dict[Callable, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def fidelity(self) -> tuple[float, float | None]:
        """PSNR and SSIM by the protocol."""
        return self.protocol.measure(self.picture, self.reference, self.with_ssim)

    def once(self, function: Callable[[np.ndarray], Any]) -> Any:
        """What a function makes of the picture, for all metrics that need it."""
        if function not in self._made:
            self._made[function] = function(self.picture)
        return self._made[function]


class Metric:
    """Base of all metrics: a number for a picture, or for a set of them.

    Attributes
    ----------
    name : str
        Its key in reports and records.
    title, unit : str
        What people read; no unit if empty.
    better : {"higher", "lower"} or None
        None where neither is better by itself.
    digits, image_digits : int
        After the point, of means in tables and of single images in a report; the latter as the former if None.
    per_set : bool
        Whether it has a value for a set of pictures only.
    needs_reference : bool
    """

    name: ClassVar[str]
    title: ClassVar[str]
    unit: ClassVar[str] = ""
    better: ClassVar[Literal["higher", "lower"] | None] = "higher"
    digits: ClassVar[int] = 4
    image_digits: ClassVar[int | None] = None
    per_set: ClassVar[bool] = False
    needs_reference: ClassVar[bool] = True

    @classmethod
    def heading(cls) -> str:
        """Of a column."""
        return f"{cls.title} / {cls.unit}" if cls.unit else cls.title

    @classmethod
    def load(cls) -> Metric | Unavailable:
        """The metric, ready to measure; what it needs is found, such as weights."""
        return cls()

    def measure(self, sample: Sample) -> Any:
        """The value for a picture; of a metric of sets, what `of_set` makes the set's value of.

        Raises
        ------
        NoValue
            There is none for this picture.
        """
        raise NotImplementedError

    def of_set(self, measured: Sequence[Any]) -> float:
        """The value for a set, from what `measure` gave for its pictures, at least one; by default their mean.

        Raises
        ------
        NoValue
            There is none for this set.
        """
        return sum(measured) / len(measured)


class Psnr(Metric):
    """Peak signal-to-noise ratio by the protocol."""

    name, title, unit, digits, image_digits = "psnr", "PSNR", "dB", 2, 3

    def measure(self, sample: Sample) -> float:
        """In dB."""
        value, _ = _fidelity(sample, self.title)
        if not math.isfinite(value):
            raise NoValue("PSNR is infinite where image and target are equal")
        return value


class Ssim(Metric):
    """Structural similarity by the protocol."""

    name, title = "ssim", "SSIM"

    def measure(self, sample: Sample) -> float:
        """At most 1."""
        _, value = _fidelity(sample, self.title)
        if value is None:
            window = sample.protocol.window
            raise NoValue(f"SSIM not available for images smaller than its window of {window} pixels")
        return value


def _fidelity(sample: Sample, title: str) -> tuple[float, float | None]:
    try:
        return sample.fidelity
    except WorkbenchError as error:
        raise NoValue(f"{title} {error}") from error
