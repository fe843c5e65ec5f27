"""Restoring with masked attention (`workbench.nets.masked_swinir`)."""

from __future__ import annotations

from pydantic import Field
from torch import Tensor

from workbench.restorers import procedure
from workbench.restorers.passes import Passes


class Masked(procedure.Procedure):
    """One pass of a network whose attention is masked (Chen et al., CVPR 2023).

    The masks are those of tokens, and are drawn for each tile from the same seed: a tiled result differs slightly from
    that of a single pass.
    """

    class Options(procedure.Options):
        """The masks' seed."""

        seed: int = Field(0, ge=0, lt=2**63, description="of the masks")

    options: Options

    def restore(self, degraded: Tensor, passes: Passes) -> Tensor:
        """What the network makes of the picture."""
        return passes("restorer", degraded, seed=self.options.seed)
