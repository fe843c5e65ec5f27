"""Oracle: the target domain's references are used; the upper bound that adaptation is measured against."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from workbench.methods.base import Batch, Method


class Oracle(Method):
    """Trains on synthetic pairs and on real pairs, half and half.

    No adaptation method may look at references of the target domain; this one does, so the gap between vanilla and
    oracle is the room there is.
    """

    parts: ClassVar[frozenset[str]] = frozenset({"source", "target", "references"})

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The restoration loss of each domain, summed; both domains are restored in one pass."""
        restored = self.restorer(torch.cat([batch["degraded"], batch["target"]]))
        source, target = restored.chunk(2)
        losses = {
            "restoration": self.restoration_loss(source, batch["clean"]),
            "target_restoration": self.restoration_loss(target, batch["reference"]),
        }
        return {"loss": sum(losses.values()), **losses}
