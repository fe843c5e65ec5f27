"""DANN: domain-adversarial training (Ganin et al., *Domain-Adversarial Training of Neural Networks*, JMLR 2016).

A classifier tells from features which domain an image comes from; through the gradient reversal layer the features
learn to keep it from telling, so that what was learnt from labelled source images applies to the target.

Taken from the paper
--------------------
The gradient reversal layer, the classifier's cross entropy, and the ramp of the reversed gradient's weight,
``2 / (1 + exp(-10 p)) - 1``, p being the share of the training done. The classifier's own gradient is not weighted.

Decided here
------------
* The task is restoration: the Charbonnier loss on synthetic pairs stands in for the label predictor's loss.
* The features are the restorer's bottleneck, the narrowest place all content passes through. The skip connections of a
  U-Net pass the classifier by; aligning them too would align what has to differ, the degradations themselves.
* The classifier judges every position (1x1 convolutions) instead of the whole image by fully connected layers: a
  degradation shows locally, and restorers take images of any size.
* The reversed gradient's weight ends at 0.01, not 1: the paper weighs it against a classifier's cross entropy; a
  Charbonnier loss is of the order of a hundredth of that. At the scale pocket it is 0.001, the one of five weights that
  did no harm to a restorer that is warm already; without warm start 0.1 was the best of four, and acted as an early
  stop does (`benchmarks/results/rivals-settings.csv`, docs/results.md). Beyond that no setting has been tuned.
* Only the encoder sees the target images, as nothing is learnt from their restorations.
* Adam instead of momentum SGD, as for all methods here. The classifier learns at the rate that the recipes of the same
  scale give to the noise-space method's diffusion network.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from workbench.methods.base import Batch, Method
from workbench.methods.features import bottleneck, domain_confusion, restore_with_features
from workbench.nets.adversaries import domain_classifier
from workbench.objectives import diffusion_weight
from workbench.recipes import Recipe
from workbench.recipes.schema import Section


class DomainAdversarial(Method):
    """Trains the restorer on synthetic pairs while its bottleneck features confuse a domain classifier."""

    parts: ClassVar[frozenset[str]] = frozenset({"source", "target"})

    class Options(Section):
        """Settings; the ramp is the paper's."""

        ceiling: float = Field(0.01, ge=0, description="weight of the reversed gradient at the end of the ramp")
        steepness: float = Field(10.0, gt=0, description="of the ramp")
        width: int = Field(128, ge=1, description="hidden channels of the classifier")
        learning_rate: float = Field(1e-4, gt=0, description="of the classifier")

    by_scale: ClassVar[dict[str, dict]] = {
        "pocket": {"ceiling": 0.001, "width": 32, "learning_rate": 1e-3},
        "bench": {"width": 64, "learning_rate": 3e-4},
    }

    def __init__(self, recipe: Recipe):
        super().__init__(recipe)
        self.classifier = domain_classifier(bottleneck(self.restorer, recipe).channels, self.options.width)

    def extra_parameters(self) -> list[dict]:
        """The classifier's parameters at their own learning rate."""
        parameters = list(self.classifier.parameters())
        return [{"name": "classifier", "params": parameters, "lr": self.options.learning_rate}]

    def weight(self, step: int) -> float:
        """Weight of the reversed gradient at a step."""
        return diffusion_weight(step / self.total_steps, self.options.ceiling, self.options.steepness)

    def dials(self, step: int) -> dict[str, float]:
        """The weight of the reversed gradient."""
        return {"domain_weight": self.weight(step)}

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Restoration loss and the classifier's cross entropy; see the module's docstring."""
        restored, (source, target) = restore_with_features(self.restorer, batch["degraded"], batch["target"])
        restoration = self.restoration_loss(restored, batch["clean"])
        domain = domain_confusion(self.classifier, source, target, self.weight(step))
        return {"loss": restoration + domain, "restoration": restoration, "domain": domain}
