"""What is missing in a picture: holes, and detail below a coarser grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.data.degradations.ranges import Range, check_range

_MOST_STROKES = 1000


@dataclass(frozen=True)
class Holes:
    """Parts of the picture are black, to be filled in: inpainting.

    Parameters
    ----------
    shape : {"irregular", "center"}
        Strokes as of a brush, after [1]_, or one rectangle in the middle with the picture's proportions.
    covered : tuple of float
        Range of the share of the picture that is missing, drawn uniformly once an image; strokes are added until they
        cover it. A quarter is the usual square of half the side.
    width : tuple of float
        Range of the strokes' widths in pixels.

    Raises
    ------
    ValueError
        If a range is not ascending, `covered` leaves [0, 1] or a width is less than 1.

    References
    ----------
    .. [1] J. Yu, Z. Lin, J. Yang, X. Shen, X. Lu and T. Huang. Free-form image inpainting with gated convolution. ICCV
           2019.
    """

    shape: Literal["irregular", "center"] = "irregular"
    covered: Range = (0.1, 0.4)
    width: Range = (3.0, 12.0)

    def __post_init__(self) -> None:
        check_range("covered", self.covered, most=1.0)
        check_range("width", self.width, least=1.0)

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image; arguments and result as of `Degradation`: 0 in all channels where it is missing."""
        share = rng.uniform(*self.covered)
        mask = self._centred(clean.shape[:2], share) if self.shape == "center" else self._strokes(clean, share, rng)
        return np.where(mask[..., None], np.float32(0), clean)

    def _centred(self, sides: tuple[int, int], share: float) -> np.ndarray:
        mask = np.zeros(sides, bool)
        lengths = [round(side * math.sqrt(share)) for side in sides]
        starts = [(side - length) // 2 for side, length in zip(sides, lengths, strict=True)]
        mask[starts[0] : starts[0] + lengths[0], starts[1] : starts[1] + lengths[1]] = True
        return mask

    def _strokes(self, clean: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
        """Broken lines that turn by up to a quarter at each corner, with round corners and ends."""
        from PIL import Image, ImageDraw

        height, width = clean.shape[:2]
        mask = Image.new("L", (width, height))
        draw = ImageDraw.Draw(mask)
        for _ in range(_MOST_STROKES):
            if np.count_nonzero(mask) >= share * height * width:
                break
            thick, angle = rng.uniform(*self.width), rng.uniform(0, 2 * math.pi)
            place = rng.uniform(0, 1, 2) * (width, height)
            corners = [place]
            for _ in range(rng.integers(1, 5)):
                angle += rng.uniform(-math.pi / 2, math.pi / 2)
                place = place + rng.uniform(1, 4) * thick * np.array([math.cos(angle), math.sin(angle)])
                corners.append(place)
            draw.line([tuple(corner) for corner in corners], fill=1, width=round(thick))
            for x, y in corners:
                draw.ellipse([x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2], fill=1)
        return np.asarray(mask, bool)


@dataclass(frozen=True)
class LowResolution:
    """Detail below a coarser grid is lost: super-resolution of pictures that are scaled back to their size.

    The picture is reduced and enlarged again by bicubic interpolation, reduced with a filter that is as much wider.
    Borders are those of the picture or patch that is given: beyond them there is nothing to look at.

    Parameters
    ----------
    factor : tuple of float
        Range of the factor by which sides are reduced, drawn uniformly once an image; equal ends fix it. 8 is from
        16 pixels to 128.

    Raises
    ------
    ValueError
        If `factor` is not ascending or less than 1.
    """

    factor: Range = (2.0, 8.0)

    def __post_init__(self) -> None:
        check_range("factor", self.factor, least=1.0)

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image; arguments and result as of `Degradation`, in [0, 1]."""
        from PIL import Image

        factor, (height, width) = rng.uniform(*self.factor), clean.shape[:2]
        coarse = max(round(width / factor), 1), max(round(height / factor), 1)

        def lost(channel: np.ndarray) -> np.ndarray:
            picture = Image.fromarray(np.ascontiguousarray(channel))
            reduced = picture.resize(coarse, Image.Resampling.BICUBIC)
            return np.asarray(reduced.resize((width, height), Image.Resampling.BICUBIC))

        return np.stack([lost(clean[..., index]) for index in range(3)], axis=2).clip(0, 1)
