"""DSN: domain separation networks (Bousmalis et al., NeurIPS 2016).

Features are split into a part that both domains share, on which the task works, and a private part of each domain. A
decoder must rebuild every input from both parts; shared and private parts are kept different, and the shared parts of
the two domains alike.

Taken from the paper
--------------------
The shared encoder, the two private encoders and the one decoder that adds both parts; reconstruction by scale-invariant
mean squared error; the soft orthogonality of shared and private features; the similarity of the shared features by an
adversary behind gradient reversal, which sets in after 10,000 steps. As in the common PyTorch implementation, the plain
mean squared error is added to the scale-invariant one, and the weights are 0.01, 0.075 and 0.25.

Decided here
------------
* The task is restoration. The restorer's encoder is the shared encoder and its bottleneck the shared features; the rest
  of the restorer is the task network and never sees a private feature. (Its skip connections pass the split by, as in
  `workbench.methods.dann`.)
* What is rebuilt is the degraded image.
* Orthogonality is taken between channels over all positions of a batch (of one process, if there are several), with the
  mean removed and unit norm: the mean squared correlation between shared and private channels. The paper's sum over
  features would make its weight depend on their number.
* Private encoders and decoder work at the bottleneck's resolution (pixel unshuffle, two convolutions), to be small
  beside the restorer.
* The similarity weight is 0.0025 instead of 0.25, which weighs against a classifier's cross entropy; the
  Charbonnier loss is of the order of a hundredth of that, and the reversed gradient at full weight unlearns
  restoration (see `workbench.methods.dann`).
* At shorter scales similarity sets in after a tenth of the training. None of these settings has been tuned.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from workbench.methods.base import Batch, Method
from workbench.methods.features import bottleneck, domain_confusion, restore_with_features
from workbench.nets.adversaries import domain_classifier
from workbench.recipes import Recipe
from workbench.recipes.schema import Section


def scale_invariant_error(predicted: Tensor, image: Tensor) -> Tensor:
    """Scale-invariant mean squared error (Eigen et al., 2014): the squared error without that of an image's mean.

    Parameters
    ----------
    predicted, image : Tensor, shape (N, C, H, W)

    Returns
    -------
    Tensor, scalar
        The mean over images of the variance of ``predicted - image``.
    """
    return (predicted - image).flatten(1).var(dim=1, correction=0).mean()


def squared_correlation(first: Tensor, second: Tensor) -> Tensor:
    """Mean squared correlation between every channel of one feature map and every channel of another.

    Parameters
    ----------
    first, second : Tensor, shapes (N, C, h, w) and (N, D, h, w)

    Returns
    -------
    Tensor, scalar
        In [0, 1]; zero where no channel says anything, linearly, about one of the other map.
    """
    flat = []
    for features in (first, second):
        channels = features.float().transpose(0, 1).flatten(1)
        flat.append(F.normalize(channels - channels.mean(dim=1, keepdim=True), dim=1, eps=1e-6))
    return (flat[0] @ flat[1].T).square().mean()


class DomainSeparation(Method):
    """Trains the restorer on features that both domains share, apart from what is private to each."""

    parts: ClassVar[frozenset[str]] = frozenset({"source", "target"})

    class Options(Section):
        """Settings; the defaults are the paper's, but for the similarity's weight."""

        reconstruction: float = Field(0.01, ge=0, description="weight of the reconstruction")
        difference: float = Field(0.075, ge=0, description="weight of the orthogonality")
        similarity: float = Field(0.0025, ge=0, description="weight of the similarity's reversed gradient")
        similarity_after: int = Field(10_000, ge=0, description="steps before similarity sets in")
        width: int = Field(128, ge=1, description="channels inside private encoders, decoder and domain classifier")
        learning_rate: float = Field(1e-4, gt=0, description="of the networks beside the restorer")

    by_scale: ClassVar[dict[str, dict]] = {
        "pocket": {"similarity_after": 45, "width": 32, "learning_rate": 1e-3},
        "bench": {"similarity_after": 400, "width": 64, "learning_rate": 3e-4},
    }

    def __init__(self, recipe: Recipe):
        super().__init__(recipe)
        width, (channels, factor) = self.options.width, bottleneck(self.restorer, recipe)

        def private_encoder() -> nn.Sequential:
            return nn.Sequential(
                nn.PixelUnshuffle(factor), nn.Conv2d(3 * factor**2, width, 3, padding=1), nn.LeakyReLU(0.2),
                nn.Conv2d(width, channels, 3, padding=1),
            )  # fmt: skip

        self.source_private, self.target_private = private_encoder(), private_encoder()
        self.decoder = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(width, 3 * factor**2, 3, padding=1), nn.PixelShuffle(factor),
        )  # fmt: skip
        self.classifier = domain_classifier(channels, width)
        self.lay_out(torch.channels_last)

    def extra_parameters(self) -> list[dict]:
        """The networks beside the restorer, at their own learning rate."""
        names = ("source_private", "target_private", "decoder", "classifier")
        rate = self.options.learning_rate
        return [{"name": name, "params": list(getattr(self, name).parameters()), "lr": rate} for name in names]

    def weight(self, step: int) -> float:
        """Weight of the similarity's reversed gradient at a step."""
        return self.options.similarity if step >= self.options.similarity_after else 0.0

    def dials(self, step: int) -> dict[str, float]:
        """The weight of the similarity."""
        return {"domain_weight": self.weight(step)}

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Restoration, reconstruction, difference and similarity; see the module's docstring."""
        images = (batch["degraded"], batch["target"])
        restored, shared = restore_with_features(self.restorer, *images)
        private = [self.source_private(images[0]), self.target_private(images[1])]
        rebuilt = self.decoder(torch.cat(shared) + torch.cat(private)).float()
        image = torch.cat(images)
        restoration = self.restoration_loss(restored, batch["clean"])
        reconstruction = F.mse_loss(rebuilt, image) + scale_invariant_error(rebuilt, image)
        difference = sum(squared_correlation(*both) for both in zip(shared, private, strict=True))
        domain = domain_confusion(self.classifier, *shared, self.weight(step))
        options = self.options
        loss = restoration + options.reconstruction * reconstruction + options.difference * difference + domain
        return {
            "loss": loss, "restoration": restoration, "reconstruction": reconstruction, "difference": difference,
            "domain": domain,
        }  # fmt: skip
