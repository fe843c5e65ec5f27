"""Flip consistency: a mirrored photograph, restored, should be the restored photograph mirrored."""

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from workbench.methods import Method
from workbench.objectives import charbonnier
from workbench.recipes.schema import Section


class FlipConsistency(Method):
    """Trains on synthetic pairs, and on unlabelled target images for consistency under mirroring."""

    parts: ClassVar[frozenset[str]] = frozenset({"source", "target"})

    class Options(Section):
        """Settings, ``options.flip-consistency`` of a recipe."""

        weight: float = Field(0.1, ge=0, description="of the consistency")

    by_scale: ClassVar[dict[str, dict]] = {"pocket": {"weight": 0.5}}

    def losses(self, batch: dict[str, Tensor], step: int) -> dict[str, Tensor]:
        """Restoration of the source, and consistency on the target."""
        restoration = self.restoration_loss(self.restorer(batch["degraded"]), batch["clean"])
        target = batch["target"]
        consistency = charbonnier(self.restorer(target.flip(-1)), self.restorer(target).flip(-1))
        loss = restoration + self.options.weight * consistency
        return {"loss": loss, "restoration": restoration, "consistency": consistency}
