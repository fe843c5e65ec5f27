"""Self-collaboration (Lin et al., *Unsupervised Image Denoising in Real-World Scenarios via Self-Collaboration Parallel
Generative Adversarial Branches*, ICCV 2023): the restorer learns on the noise that it took out of photographs before.

Taken from the paper
--------------------
* Its strategy, "to iteratively replace the previous less powerful denoiser in the filter-guided noise extraction module
  with the current powerful denoiser": noise is extracted with a frozen copy of the restorer, which the restorer
  replaces after every ``period`` steps.
* What that is for, "better synthetic clean-noisy image pairs, leading to a more powerful denoiser for the next
  iteration": extracted noise is put on clean source pictures (the *unpaired synthesis*, weight 1) and on restored
  photographs (the *self-synthesis*, ``self_synthesis``), and the restorer learns to undo both.
* A discriminator that tells restored photographs from clean pictures, with ``adversarial`` as its weight.

Decided here
------------
* Noise is what the copy takes away, photograph minus restored photograph. The paper learns an extraction network of its
  own, guided by that difference, and a discriminator of noisy pictures beside it; here there is neither, and what the
  copy leaves in a photograph can be learnt through the discriminator alone.
* In the self-synthesis a photograph's own noise comes back turned by half a turn: on its place it would give the
  photograph itself.
* The first copy is the warm start, and the recipe's synthetic pairs stay among what is learnt, as in the other methods
  that adapt. The copy is of the weights that are evaluated (the moving average, where the recipe says so).
* At the scales pocket and bench there is no discriminator, and clean pictures are softened before noise is put on them
  (``softness``), as photographs are. All weights are this workbench's, and only the settings that docs/results.md names
  have been tried.

The guard of noise-space adaptation (`workbench.methods.noise_space`) is a relative: it takes the noise out with the
restorer as it is in that very step, and multiplies it by a random factor of either sign.
"""

from __future__ import annotations

import copy
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from workbench.methods.base import Batch, Method
from workbench.methods.critics import critic_loss, fooling_loss
from workbench.methods.residuals import blurred
from workbench.nets.adversaries import image_critic
from workbench.recipes import Recipe
from workbench.recipes.schema import Section


class SelfCollaboration(Method):
    """Trains the restorer on pictures that carry the noise which its former self took out of target pictures."""

    parts: ClassVar[frozenset[str]] = frozenset({"source", "target"})
    tasks: ClassVar[frozenset[str]] = frozenset({"denoising"})

    class Options(Section):
        """Settings; the paper's method, with weights and sizes of this workbench."""

        period: int = Field(20_000, ge=1, description="steps after which the restorer replaces the copy of itself")
        self_synthesis: float = Field(1.0, ge=0, description="weight of the loss on noise put on restored photographs")
        softness: float = Field(
            0.0, ge=0, le=5, description="Gaussian blur of the clean pictures, standard deviation in pixels"
        )
        adversarial: float = Field(0.01, ge=0, description="weight of the discriminator's part; 0: no discriminator")
        width: int = Field(64, ge=1, description="channels of the discriminator's first layer")
        critic_layers: int = Field(3, ge=1, description="halvings of the discriminator's resolution")
        critic_learning_rate: float = Field(1e-4, gt=0, description="of the discriminator")

    by_scale: ClassVar[dict[str, dict]] = {
        "pocket": {"period": 90, "softness": 1.6, "adversarial": 0.0, "width": 16, "critic_layers": 2},
        "bench": {"period": 800, "softness": 1.6, "adversarial": 0.0, "width": 32},
    }

    def __init__(self, recipe: Recipe):
        super().__init__(recipe)
        self.extractor = copy.deepcopy(self.restorer).requires_grad_(False)
        options = self.options
        self.critic = image_critic(options.width, options.critic_layers) if options.adversarial else None
        self.lay_out(torch.channels_last)

    def extra_parameters(self) -> list[dict]:
        """The discriminator's, where there is one."""
        if self.critic is None:
            return []
        rate = self.options.critic_learning_rate
        return [{"name": "critic", "params": list(self.critic.parameters()), "lr": rate, "betas": (0.5, 0.999)}]

    def start_from(self, weights: dict[str, Tensor]) -> None:
        """Let the copy that extracts noise start from the weights, too."""
        super().start_from(weights)
        self.extractor.load_state_dict(weights)

    def after_update(self, step: int) -> None:
        """At the end of a period the restorer replaces its copy."""
        super().after_update(step)
        if (step + 1) % self.options.period == 0:
            self.extractor.load_state_dict(self.evaluated.state_dict())

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Restoration of synthetic pairs and of both syntheses, and the adversarial losses; see the docstring above."""
        options, target = self.options, batch["target"]
        with torch.no_grad():
            denoised = self.extractor(target)
        noise = target - denoised
        clean = blurred(batch["clean"], options.softness)
        pairs = {"restoration": (batch["degraded"], batch["clean"]), "unpaired_synthesis": (clean + noise, clean)}
        if options.self_synthesis:
            pairs["self_synthesis"] = denoised + noise.flip(-2, -1), denoised
        given = [degraded for degraded, _ in pairs.values()]
        if self.critic is not None:
            given.append(target)
        restored = self.restorer(torch.cat(given)).chunk(len(given))
        parts = {
            name: self.restoration_loss(output, wanted)
            for (name, (_, wanted)), output in zip(pairs.items(), restored[: len(pairs)], strict=True)
        }
        weights = {"self_synthesis": options.self_synthesis, "fooling": options.adversarial}
        if self.critic is not None:
            parts["critic"] = critic_loss(self.critic, clean, restored[-1], "cross-entropy")
            parts["fooling"] = fooling_loss(self.critic, restored[-1], "cross-entropy")
        return {"loss": sum(weights.get(name, 1.0) * value for name, value in parts.items()), **parts}
