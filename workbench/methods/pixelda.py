"""PixelDA (Bousmalis et al., *Unsupervised Pixel-level Domain Adaptation with GANs*, CVPR 2017).

A generator translates labelled source images, with noise beside them, so that a discriminator takes them for target
images; the task is trained on the translated images, whose labels are known.

Taken from the paper
--------------------
The generator conditioned on image and noise, residual blocks at full resolution, the cross-entropy GAN loss with weight
1, the task trained on source and translated images alike, its gradient to the generator weighted, Adam of 2e-4 with
beta1 0.5 for generator and discriminator.

Decided here
------------
* The task is restoration: the restorer learns to bring the translated degraded image back to the same clean one.
* The generator translates the *synthetically degraded* image, and adds to it (``translated = degraded + net``), so that
  it starts near the identity and a translated image keeps its clean counterpart. The paper's content loss needs
  foreground masks, which photographs have not.
* The noise has the size of the image instead of being one vector for all of it: a degradation varies from pixel to
  pixel.
* The task's weight in the generator's gradient is 10, not 0.1: the paper weighs a classifier's cross entropy, and the
  Charbonnier loss is of the order of a hundredth of that. The restorer's own gradient is not weighted.
* The discriminator is a patch discriminator without batch normalisation (a degradation shows locally).
* Generator and discriminator are sized to the scale.
* The paper's generator is free, and moves colours: trained shortly on photographs, the restorer learnt to shift them by
  three to five grey levels. In denoising, at the scales pocket and bench, its residual is restrained (``residual``),
  and it translates a picture that carries a fifth of the synthetic degradation (``strength``) instead of all of it, for
  it can add noise, but hardly take strong noise away, and that is softened first (``softness``). In deraining
  ``strength`` 0.2 alone gained 0.8 dB where the free generator gained nothing (``rivals-rain-photographs`` sets it).
  At paper scale all are the paper's. What was tried, on pictures that no test has: the studies ``rivals-mended`` and
  ``photographs-settings``, and docs/results.md.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from workbench.methods.base import Batch, Method
from workbench.methods.critics import TranslationOptions, critic_loss, fooling_loss
from workbench.methods.gradients import scale_gradient
from workbench.methods.random_numbers import RandomNumbers
from workbench.methods.residuals import Freedom, blurred, restrained
from workbench.nets.adversaries import Translator, image_critic
from workbench.recipes import Recipe
from workbench.recipes.schema import Section

RESTRAINED = {"residual": "zero-mean", "strength": 0.2, "softness": 1.6}
"""Of the generator in denoising, at the scales pocket and bench."""


class PixelDA(Method):
    """Trains the restorer on synthetic pairs and on the same pairs translated to the target's style."""

    parts: ClassVar[frozenset[str]] = frozenset({"source", "target", "seed"})

    class Options(TranslationOptions):
        """Settings; the defaults are the paper's, but for the task's weight."""

        residual: Freedom = Field("free", description="what the generator may add: also 'zero-mean' or 'high-pass'")
        strength: float = Field(
            1.0, ge=0, le=1, description="share of the degradation that is left in the picture to be translated"
        )
        softness: float = Field(
            0.0, ge=0, le=5, description="Gaussian blur of that picture's clean part, standard deviation in pixels"
        )

    by_scale: ClassVar[dict[str, dict]] = {
        "pocket": {"width": 16, "blocks": 3, "critic_layers": 2},
        "bench": {"width": 32},
    }

    @classmethod
    def options_of(cls, recipe: Recipe) -> Section:
        """As `Method.options_of`; in denoising, below the paper's scale, the generator is restrained."""
        if recipe.task == "denoising" and recipe.scale != "paper":
            given = RESTRAINED | recipe.options.get(recipe.method, {})
            recipe = recipe.model_copy(update={"options": recipe.options | {recipe.method: given}})
        return super().options_of(recipe)

    def __init__(self, recipe: Recipe):
        super().__init__(recipe)
        options = self.options
        self.generator = Translator(options.width, options.blocks, noise=True)
        self.critic = image_critic(options.width, options.critic_layers)
        self.lay_out(torch.channels_last)

    def extra_parameters(self) -> list[dict]:
        """Generator and discriminator at their own rate and momentum."""
        own = {"lr": self.options.learning_rate, "betas": (0.5, 0.999)}
        return [
            {"name": name, "params": list(network.parameters()), **own}
            for name, network in (("generator", self.generator), ("critic", self.critic))
        ]

    def translated(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Clean pictures and the degraded ones that the generator makes of them, each (N, 3, H, W)."""
        clean = blurred(batch["clean"], self.options.softness)
        given = clean + self.options.strength * (batch["degraded"] - batch["clean"])
        noise = RandomNumbers(batch["seed"]).normal(*given.shape[1:]).to(given)
        return clean, given + restrained(self.generator.residual(given, noise), self.options.residual)

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Restoration of source and translated images, and the adversarial losses; see the module's docstring."""
        degraded, target = batch["degraded"], batch["target"]
        clean, translated = self.translated(batch)
        images = torch.cat([degraded, scale_gradient(translated, self.options.task)])
        source, from_translated = self.restorer(images).chunk(2)
        parts = {
            "restoration": self.restoration_loss(source, batch["clean"]),
            "translated_restoration": self.restoration_loss(from_translated, clean),
            "critic": critic_loss(self.critic, target, translated, "cross-entropy"),
        }
        fooling = fooling_loss(self.critic, translated, "cross-entropy")
        loss = sum(parts.values()) + self.options.adversarial * fooling
        return {"loss": loss, **parts, "fooling": fooling}
