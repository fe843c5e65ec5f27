"""CyCADA: cycle-consistent adversarial domain adaptation (Hoffman et al., ICML 2018).

Two generators translate source images to the target's style and back. Discriminators judge both; each image must
survive the way there and back (the pixel cycle). The task is trained on translated source images, whose labels are
known, while its features are kept from telling them apart from target images.

Taken from the paper
--------------------
Adversarial losses in both directions (least squares, as in CycleGAN, on which the authors' code rests), the L1 cycle
with weight 10 and the L1 identity with weight 5 (CycleGAN's), the task loss on translated images, and the adversary on
the task network's features.

Decided here
------------
* The task is restoration, and its loss stands in for the semantic consistency loss, which needs class labels: the
  translated degraded image must still restore to the same clean one, and the gradient of that reaches the generator.
* The restorer also goes on learning from the source images themselves, so that a poor translation early in training
  does not undo it, and so that the source domain can be compared among methods.
* The feature adversary is that of `workbench.methods.dann`, on the restorer's bottleneck, with translated source images
  in place of source images. Its gradient to the restorer is weighted as there, and goes on to the generator like that
  of the task.
* The task's weight in the generator's gradient is 10 (see `workbench.methods.pixelda`).
* All networks are trained jointly; the paper's code trains the pixel and the feature level one after the other.
* Generators add to their image and start near the identity. The networks are sized to the scale. At the scale
  pocket the rate (1e-3 or 2e-4) and the weight of the feature adversary (0.01 or 0.001) changed little
  (`benchmarks/results/rivals-settings.csv`). Beyond that no setting has been tuned.

A translator without noise has one answer to an image, and synthetic noise cannot be found in a photograph: the cycle
can only be closed by hiding the one in the other (Chu et al., 2017).
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from workbench.methods.base import Batch, Method
from workbench.methods.critics import TranslationOptions, critic_loss, fooling_loss
from workbench.methods.features import bottleneck, domain_confusion, restore_with_features
from workbench.methods.gradients import scale_gradient
from workbench.nets.adversaries import Translator, domain_classifier, image_critic
from workbench.objectives import diffusion_weight
from workbench.recipes import Recipe


class CyCADA(Method):
    """Trains the restorer on synthetic pairs and on their translations, with an adversary on its features."""

    parts: ClassVar[frozenset[str]] = frozenset({"source", "target"})

    class Options(TranslationOptions):
        """Settings; the defaults are those of the paper and of CycleGAN, but for the weights of task and features."""

        cycle: float = Field(10.0, ge=0, description="weight of the cycle loss")
        identity: float = Field(5.0, ge=0, description="weight of the identity loss")
        feature: float = Field(
            0.01, ge=0, description="weight of the feature adversary's reversed gradient, in the end"
        )

    by_scale: ClassVar[dict[str, dict]] = {
        "pocket": {"width": 16, "blocks": 3, "critic_layers": 2, "feature": 0.001},
        "bench": {"width": 32},
    }

    def __init__(self, recipe: Recipe):
        super().__init__(recipe)
        options = self.options
        self.to_target, self.to_source = (Translator(options.width, options.blocks, noise=False) for _ in range(2))
        self.target_critic, self.source_critic = (image_critic(options.width, options.critic_layers) for _ in range(2))
        self.classifier = domain_classifier(bottleneck(self.restorer, recipe).channels, 2 * options.width)
        self.lay_out(torch.channels_last)

    def extra_parameters(self) -> list[dict]:
        """The networks beside the restorer, at their own rate and momentum."""
        own = {"lr": self.options.learning_rate, "betas": (0.5, 0.999)}
        names = ("to_target", "to_source", "target_critic", "source_critic", "classifier")
        return [{"name": name, "params": list(getattr(self, name).parameters()), **own} for name in names]

    def weight(self, step: int) -> float:
        """Weight of the feature adversary's reversed gradient at a step: DANN's ramp."""
        return diffusion_weight(step / self.total_steps, self.options.feature, 10.0)

    def dials(self, step: int) -> dict[str, float]:
        """The weight of the feature adversary."""
        return {"domain_weight": self.weight(step)}

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """All losses; see the module's docstring."""
        options, source, target = self.options, batch["degraded"], batch["target"]
        translated, target_as_target = self.to_target(torch.cat([source, target])).chunk(2)
        untranslated, source_as_source = self.to_source(torch.cat([target, source])).chunk(2)
        cycle = F.l1_loss(self.to_source(translated), source) + F.l1_loss(self.to_target(untranslated), target)
        identity = F.l1_loss(target_as_target, target) + F.l1_loss(source_as_source, source)
        fooling = fooling_loss(self.target_critic, translated, "least-squares") + fooling_loss(
            self.source_critic, untranslated, "least-squares"
        )
        judged = critic_loss(self.target_critic, target, translated, "least-squares") + critic_loss(
            self.source_critic, source, untranslated, "least-squares"
        )

        pairs = torch.cat([source, scale_gradient(translated, options.task)])
        restored, (features, target_features) = restore_with_features(self.restorer, pairs, target)
        from_source, from_translated = restored.chunk(2)
        parts = {
            "restoration": self.restoration_loss(from_source, batch["clean"]),
            "translated_restoration": self.restoration_loss(from_translated, batch["clean"]),
            "domain": domain_confusion(self.classifier, features.chunk(2)[1], target_features, self.weight(step)),
            "critic": judged,
        }
        loss = sum(parts.values()) + options.adversarial * fooling + options.cycle * cycle + options.identity * identity
        return {"loss": loss, **parts, "fooling": fooling, "cycle": cycle, "identity": identity}
