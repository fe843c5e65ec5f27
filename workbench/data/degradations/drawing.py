"""A drawing in place of the photograph: edges, from which it is to be made up again."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workbench.data.degradations.ranges import Range, check_range

_REACH = 4  # standard deviations: what lies beyond counts for nothing
_THRESHOLDS = 0.05, 0.15  # of the gradient of luma in [0, 1]


@dataclass(frozen=True)
class Edges:
    """Edges as black lines on white: edges to objects.

    Canny's detector on luma. The data sets of [1]_ have lines of a trained detector, thinned, which this one draws of
    fewer and of more things.

    Parameters
    ----------
    scale : tuple of float
        Range of the standard deviation in pixels by which the picture is smoothed before, drawn uniformly once an
        image: the larger, the fewer lines.

    Raises
    ------
    ValueError
        If `scale` is not ascending or not positive.

    References
    ----------
    .. [1] P. Isola, J.-Y. Zhu, T. Zhou and A. A. Efros. Image-to-image translation with conditional adversarial
           networks. CVPR 2017. (edges2shoes, edges2handbags)
    """

    scale: Range = (1.0, 3.0)

    def __post_init__(self) -> None:
        check_range("scale", self.scale, above=0.0)

    @property
    def margin(self) -> int:
        """How far the smoothing and the gradient look; whether a weak line is kept may hang on what is further away."""
        return math.ceil(_REACH * self.scale[1]) + 2

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image; arguments and result as of `Degradation`: 0 on lines, 1 elsewhere."""
        from skimage.color import rgb2gray
        from skimage.feature import canny

        low, high = _THRESHOLDS
        lines = canny(rgb2gray(clean), rng.uniform(*self.scale), low, high, mode="reflect")
        return np.repeat(np.where(lines, np.float32(0), np.float32(1))[..., None], 3, axis=2)
