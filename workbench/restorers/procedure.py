"""What a kind of restorer is: which networks it has, its options, and what it does with them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from pydantic import BaseModel, ConfigDict
from torch import Tensor

from workbench.restorers.passes import Passes


class Options(BaseModel):
    """The options of a procedure; an unknown one is an error. Numbers have bounds, for a card may be anyone's."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Procedure(ABC):
    """Restores whole pictures by passes of named networks.

    A subclass is a kind of restorer. It draws all its random numbers from a generator with a seed of its options, for
    the whole picture, so that a result is reproducible and tiles agree.

    Parameters
    ----------
    options : Options
        Of the class's own `Options`.
    """

    networks: ClassVar[tuple[str, ...]] = ("restorer",)
    """The networks that it needs, by name."""
    Options: ClassVar[type[Options]] = Options

    def __init__(self, options: Options):
        self.options = options

    @property
    def passes(self) -> int:
        """How many passes it asks for; progress goes by it."""
        return 1

    @property
    def takes_integers(self) -> bool:
        """Whether the picture may be of integers, which need less memory: it is passed on, and not computed with."""
        return False

    @abstractmethod
    def restore(self, degraded: Tensor, passes: Passes) -> Tensor:
        """Restore a picture.

        Parameters
        ----------
        degraded : Tensor, shape (1, 3, H, W)
            In the data range of the restorer, or integers where ``takes_integers``; not to be changed in place.
        passes : Passes

        Returns
        -------
        Tensor, shape (1, 3, H, W)
            Not clipped.
        """
