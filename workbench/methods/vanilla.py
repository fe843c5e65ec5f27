"""Vanilla: restoration loss on synthetic pairs alone, the paper's baseline (Table 1, column Vanilla)."""

from __future__ import annotations

from torch import Tensor

from workbench.methods.base import Batch, Method


class Vanilla(Method):
    """Trains on synthetic pairs of the source domain and never sees the target domain."""

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The restoration loss of the source domain."""
        return {"loss": self.restoration_loss(self.restorer(batch["degraded"]), batch["clean"])}
