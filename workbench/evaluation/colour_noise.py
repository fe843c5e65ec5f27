"""How much noise of colour is left where the reference is flat: what people see first in a restored photograph."""

from __future__ import annotations

import math

import numpy as np

from workbench.evaluation.metric import Metric, NoValue, Sample

BLOCK = 16
"""Side in pixels of the squares that are looked at."""
SHARE = 0.1
"""Of the squares, so many are taken to be flat, four at least."""
CLIPPED = 8
"""In 8-bit units: squares that come as near to black or full brightness are left out, for they show no noise."""

_COLOURS = np.array([[1, 0, -1], [1, -2, 1]]) / np.sqrt([[2], [6]])
"""The two directions across grey; noise that is equal and independent in all channels keeps its level."""


def colour_noise(picture: np.ndarray, reference: np.ndarray) -> float:
    """Standard deviation of a picture's colour in the flattest squares of its reference.

    Parameters
    ----------
    picture, reference : ndarray, shape (H, W, 3), range [0, 255]

    Returns
    -------
    float
        Root mean square over squares and both colours, in 8-bit units.

    Raises
    ------
    NoValue
        Fewer than four squares are neither clipped nor cut off.
    """
    squares = _squares(reference)
    unclipped = (squares.min(axis=(1, 2)) > CLIPPED) & (squares.max(axis=(1, 2)) < 255 - CLIPPED)
    usable = np.flatnonzero(unclipped)
    if len(usable) < 4:
        raise NoValue(f"no colour noise for pictures with fewer than four unclipped squares of {BLOCK} pixels")
    spread = squares[usable].mean(axis=2).std(axis=1)
    flat = usable[np.argsort(spread, kind="stable")[: max(round(SHARE * len(usable)), 4)]]
    return math.sqrt((_squares(picture)[flat] @ _COLOURS.T).var(axis=1).mean())


class ColourNoise(Metric):
    """Colour noise where the reference is flat; the reference's own is no goal to go below."""

    name, title, unit, better, digits = "colour-noise", "colour noise", "255", None, 2

    def measure(self, sample: Sample) -> float:
        """In 8-bit units."""
        return colour_noise(*(_in_levels(image) for image in (sample.picture, sample.reference)))


def _squares(image: np.ndarray) -> np.ndarray:
    """The whole squares of an image (H, W, C): (squares, pixels, C)."""
    rows, columns = (side // BLOCK for side in image.shape[:2])
    whole = image[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK, -1)
    return whole.swapaxes(1, 2).reshape(rows * columns, BLOCK**2, -1)


def _in_levels(image: np.ndarray) -> np.ndarray:
    """An image as float64 in [0, 255]."""
    return image.astype(np.float64) * (255 / (np.iinfo(image.dtype).max if image.dtype.kind == "u" else 1))
