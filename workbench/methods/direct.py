"""Direct regression: one pass of a network of residual diffusion, the rival that DRDD's paper lacks.

The network is that of the other methods with nothing to see but the degraded image and its time held at 0. It predicts
the residual, as the first network of `workbench.methods.drdd` does, so that what a comparison shows is what noise and
sampling add.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from workbench.methods.base import Batch
from workbench.methods.residual_diffusion import ResidualDiffusion


class Direct(ResidualDiffusion):
    """Trains a network to tell the residual of an image."""

    parts: ClassVar[frozenset[str]] = frozenset({"source"})
    kind = "direct"

    def described(self) -> dict[str, dict]:
        """The one network."""
        network = self.options.network
        return {"residual": {"name": network.name, **network.overrides, "in_channels": 3, "out_channels": 3}}

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The distance of the predicted from the true residual."""
        clean, degraded = self.pair(batch)
        residual = degraded - clean
        predicted = self.restorer["residual"](degraded, time=0.0)
        return {"loss": self.distance(predicted, residual, self.weights(batch, residual))}
