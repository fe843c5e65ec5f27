"""A crop of a large photograph by all restorers, shown while the whole is still being restored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apps import pictures, restorers
from apps.comparison import INPUT
from apps.pictures import CROP_SIDE, to_8_bits
from workbench.data.camera import detail
from workbench.images import to_uint
from workbench.restore import restore_array

FROM_PIXELS = 3_000_000
"""Photographs from this size on are previewed."""


def preview(pixels: np.ndarray, choices: Sequence[restorers.Choice]) -> str:
    """The most detailed crop of a photograph (H, W, 3) by each restorer, as HTML; empty for a small photograph.

    The networks see the crop alone, so that its border is a little worse than in the whole.

    Raises
    ------
    WorkbenchError
        A restorer cannot be read.
    """
    height, width = pixels.shape[:2]
    if height * width < FROM_PIXELS:
        return ""
    tops, lefts = (np.linspace(0.1, 0.9, 5) * (length - CROP_SIDE) for length in (height, width))
    windows = [
        pixels[int(top) : int(top) + CROP_SIDE, int(left) : int(left) + CROP_SIDE] for top in tops for left in lefts
    ]
    crop = max(windows, key=detail)
    figures = [(INPUT, "", to_8_bits(crop), "Crop of the input")]
    for title, choice in zip(restorers.titles(choices), choices, strict=True):
        restored = restore_array(restorers.load(choice), crop)
        shown = to_uint(restored.clip(0, 1)) if restored.dtype.kind == "f" else to_8_bits(restored)
        figures.append((title, "", shown, f"Crop of {title}"))
    return f"<h4>A crop first; the whole photo follows</h4>{pictures.grid(figures, len(figures))}"
