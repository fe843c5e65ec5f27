"""What restoring a picture costs."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from workbench.restorers.per_image import PerImage
from workbench.restorers.restorer import Restorer

RESTORED_SIDE = 256
"""Side in pixels of the picture for which the cost of restoring is counted."""


def restoring_gmacs(restorer: Restorer) -> float | None:
    """Milliards of multiplications with addition that restoring a picture of `RESTORED_SIDE` pixels a side takes.

    All passes of all networks: what methods that sample cost beside those that do not. None where nothing is counted,
    of classical filters, and of methods that optimise for each picture.
    """
    if not restorer.networks or isinstance(restorer.procedure, PerImage):
        return None
    image = torch.zeros(1, 3, RESTORED_SIDE, RESTORED_SIDE)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        restorer(image, tile=RESTORED_SIDE)
    return counter.get_total_flops() / 2e9
