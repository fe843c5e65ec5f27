"""AP-BSN's procedure at test time."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from workbench.nets.blind_spot import join, split
from workbench.nets.unet import Window
from workbench.restorers import procedure
from workbench.restorers.passes import Made, Passes


class BlindSpot(procedure.Procedure):
    """The asymmetric procedure of AP-BSN with its random-replacing refinement, R3 (Lee et al., CVPR 2022).

    The picture is downsampled by ``stride``, which breaks the correlation of its noise up, restored, and put together
    again. Then, in each of ``refinements`` copies, a share ``replaced`` of the values is that of the input again; the
    copies are restored at full resolution and averaged.

    Differing from the authors' code, which values are replaced is a function of their place, so that a result is
    reproducible and tiles fit together.
    """

    class Options(procedure.Options):
        """The defaults are the paper's."""

        stride: int = Field(2, ge=1, le=64, description="factor of the downsampling")
        refinements: int = Field(8, ge=0, le=1000, description="passes of the refinement; 0 for none")
        replaced: float = Field(
            0.16, ge=0, le=1, description="share of values that the refinement takes from the input"
        )

    options: Options

    @property
    def passes(self) -> int:
        """One at the lower resolution, and those of the refinement."""
        return 1 + self.options.refinements

    def restore(self, degraded: Tensor, passes: Passes) -> Tensor:
        """The mean of the refined pictures."""
        parts = split(degraded, self.options.stride)
        first = join(passes("restorer", parts), self.options.stride, degraded.shape[-2:])
        del parts
        passes.trace("first", first)
        if not self.options.refinements:
            return first
        total = torch.zeros_like(first)
        for draw in range(self.options.refinements):

            def mixed(window: Window, rows: slice, columns: slice, draw: int = draw) -> Tensor:
                given = degraded[..., rows, columns]
                chosen = scattered(given.shape[1:], window.top, window.left, draw, given.device)
                return torch.where(chosen < self.options.replaced, given, first[..., rows, columns])

            total += passes("restorer", Made(degraded, mixed))
        return total.div_(self.options.refinements)


def scattered(shape: torch.Size, top: int, left: int, draw: int, device: torch.device) -> Tensor:
    """Numbers in [0, 1) that look random but are a function of a pixel's place in the whole image, (C, H, W).

    A tile then refines the same pixels as the whole image does. The mixing function is Wellons' "lowbias32".
    """

    def mix(number: Tensor) -> Tensor:
        number = number & 0xFFFFFFFF
        for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)):
            number = ((number ^ (number >> shift)) * factor) & 0xFFFFFFFF
        return number

    channels, height, width = (torch.arange(side, device=device) for side in shape)
    rows = mix(height + top + (draw + 1) * 0x9E3779B9)
    places = mix(rows[:, None] + mix(width + left))
    return mix(places + mix(channels + 1)[:, None, None]) / 2**32
