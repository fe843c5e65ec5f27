"""The restorer that most methods train: one pass of one network, or the mean of several views of the picture."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from workbench.restorers import procedure
from workbench.restorers.passes import Passes


class OnePass(procedure.Procedure):
    """Restores by one pass of ``restorer``, or by the geometric self-ensemble [1]_.

    The ensemble restores the picture turned by each quarter and mirrored, turns the results back and takes their mean:
    what a network decides by chance averages out, at as many times the cost.

    References
    ----------
    .. [1] R. Timofte, R. Rothe and L. Van Gool. Seven ways to improve example-based single image super resolution.
           CVPR 2016. (Sec. 3.7, enhanced prediction.)
    """

    class Options(procedure.Options):
        """By default there is no ensemble."""

        ensemble: Literal[1, 2, 4, 8] = Field(1, description="views: one, mirrored, turned by halves, by quarters")

    options: Options

    @property
    def passes(self) -> int:
        """One a view."""
        return self.options.ensemble

    @property
    def takes_integers(self) -> bool:
        """Without an ensemble."""
        return self.options.ensemble == 1

    def restore(self, degraded: Tensor, passes: Passes) -> Tensor:
        """What the network makes of the picture, or the mean of what it makes of its views."""
        if self.options.ensemble == 1:
            return passes("restorer", degraded)
        total = torch.zeros_like(degraded)
        for view in range(self.options.ensemble):
            total += _back(passes("restorer", _view(degraded, view).contiguous()), view)
        return total.div_(self.options.ensemble)


def _view(picture: Tensor, view: int) -> Tensor:
    """View 0 to 7 of a picture: mirrored where odd, turned by a half where 2 is in it, by a quarter where 4 is."""
    mirrored = picture.flip(-1) if view % 2 else picture
    return torch.rot90(mirrored, 2 * (view // 2 % 2) + view // 4, (-2, -1))


def _back(picture: Tensor, view: int) -> Tensor:
    """The inverse of `_view`."""
    turned = torch.rot90(picture, -(2 * (view // 2 % 2) + view // 4), (-2, -1))
    return turned.flip(-1) if view % 2 else turned
