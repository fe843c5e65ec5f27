"""What a restorer that samples goes through: the pictures on its way, and how far its result depends on the seed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from workbench.errors import WorkbenchError
from workbench.restorers import Restorer
from workbench.restorers.names import samples
from workbench.restorers.residual_diffusion import WITHOUT_NOISE


class Stop(NamedTuple):
    """A picture on the way.

    Attributes
    ----------
    name : str
        ``"start"``, or the stage and the step of its table that was reached, such as ``"residual 500"``.
    state : ndarray, shape (H, W, 3)
        In [0, 1], not clipped.
    without_noise : ndarray, shape (H, W, 3), or None
        The same with its noise subtracted (`workbench.diffusion.decoupled.State`).
    """

    name: str
    state: np.ndarray
    without_noise: np.ndarray | None


def stops(restorer: Restorer, image: np.ndarray) -> list[Stop]:
    """Restore an image and keep every picture that the procedure shows.

    Parameters
    ----------
    restorer : Restorer
    image : ndarray, shape (H, W, 3), uint8, uint16 or floating point in [0, 1]

    Returns
    -------
    list of Stop
        The last one is the restored image; empty for a restorer that does not sample.
    """
    pictures: dict[str, np.ndarray] = {}
    restorer.restore(image, trace=pictures.__setitem__)
    return [
        Stop(name, picture, pictures.get(f"{name}{WITHOUT_NOISE}"))
        for name, picture in pictures.items()
        if not name.endswith(WITHOUT_NOISE)
    ]


def seed_spread(restorer: Restorer, image: np.ndarray, seeds: Iterable[int]) -> np.ndarray:
    """Standard deviation over seeds of the restored image, pixel by pixel.

    Parameters
    ----------
    restorer : Restorer
        One that samples.
    image : ndarray, shape (H, W, 3)
    seeds : iterable of int
        At least two.

    Returns
    -------
    ndarray, shape (H, W, 3)
        In [0, 1].

    Raises
    ------
    WorkbenchError
        The restorer does not sample, or there are too few seeds.
    """
    seeds = list(seeds)
    if not samples(restorer.kind):
        raise WorkbenchError(f"restorers of the kind {restorer.kind!r} do not sample; give one that does")
    if len(seeds) < 2:
        raise WorkbenchError("a spread needs two seeds at least")
    restored = [restorer.with_options({"seed": seed}).restore(image) for seed in seeds]
    return np.std(np.asarray(restored, dtype=np.float64), axis=0, ddof=1).astype(np.float32)
