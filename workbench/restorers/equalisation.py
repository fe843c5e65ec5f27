"""Histogram equalisation, which needs no training: DRDD's code does it to low-light pictures before the restorer."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from workbench.images import to_uint
from workbench.restorers import procedure
from workbench.restorers.passes import Passes


def equalised(image: np.ndarray) -> np.ndarray:
    """A picture whose levels are spread so that each channel's are about equally frequent.

    A level becomes its rank: the share of pixels above the darkest level that are not brighter, as OpenCV's
    ``equalizeHist`` has it. A channel of one level stays as it is.

    Parameters
    ----------
    image : ndarray, shape (H, W, C), uint8

    Returns
    -------
    ndarray, shape (H, W, C), uint8
    """
    return np.stack([_channel(image[..., index]) for index in range(image.shape[2])], axis=2)


def _channel(levels: np.ndarray) -> np.ndarray:
    up_to = np.cumsum(np.bincount(levels.reshape(-1), minlength=256))
    darkest, pixels = up_to[levels.min()], levels.size
    if darkest == pixels:
        return levels
    ranks = (up_to - darkest).clip(0) * (255 / (pixels - darkest))
    return np.rint(ranks).astype(np.uint8)[levels]


class Equalisation(procedure.Procedure):
    """`equalised` of the whole picture, on 8 bits; has neither networks nor options."""

    networks: ClassVar[tuple[str, ...]] = ()

    def restore(self, degraded: Tensor, passes: Passes) -> Tensor:
        """The equalised picture."""
        pixels = equalised(to_uint(degraded[0].permute(1, 2, 0).cpu().numpy()))
        return (torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255).to(degraded)
