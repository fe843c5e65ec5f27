"""A diffusion network whose condition is of random quality: the experiment behind noise-space adaptation.

Liao et al., *Denoising as Adaptation* (ICLR 2025), Fig. 1(a) and Appendix A1.1: a diffusion network with one additional
input predicts the noise better the cleaner that input is. Here the condition is the recipe's synthetic degradation of
the very image that is noised, such as AWGN of sigma uniform in [0, 80].

Where the paper leaves a choice open
------------------------------------
* It does not say on which conditions the network was trained. Random quality is the natural reading: a network that
  saw clean conditions only would measure how strange a condition is, not how good.
* The network is that of the adaptation, with room for two conditions; the second stays blank, as in Table 4
  (*only syn*).

No restorer is trained: recipes name the network ``identity``, which returns the degraded image as it is.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field, field_validator
from torch import Tensor

from workbench import nets
from workbench.data.streams import Parts
from workbench.diffusion import NoiseSchedule
from workbench.methods.base import Batch, Method
from workbench.methods.random_numbers import DIFFUSION
from workbench.objectives import noise_prediction_error
from workbench.recipes import Recipe
from workbench.recipes.schema import Network, Section


class ConditionQuality(Method):
    """Trains a conditional diffusion network alone, at ``training.learning_rate``."""

    parts: ClassVar[Parts] = frozenset({"source", DIFFUSION})
    restores_pairs: ClassVar[bool] = False
    restores: ClassVar[bool] = False

    class Options(Section):
        """The diffusion network and the noise it is trained on."""

        diffusion: Network = Network(name="diffusion-pocket")
        timesteps: tuple[int, int] = Field((1, 1000), description="first and last step of the noise")
        symmetric_range: bool = Field(True, description="show images in [-1, 1] instead of [0, 1]")

        @field_validator("timesteps")
        @classmethod
        def _rising(cls, value: tuple[int, int]) -> tuple[int, int]:
            if not 1 <= value[0] <= value[1] <= 1000:
                raise ValueError("timesteps must be two rising numbers in 1..1000, such as [900, 1000]")
            return value

    def __init__(self, recipe: Recipe):
        super().__init__(recipe)
        self.diffusion = nets.build(self.options.diffusion.name, **self.options.diffusion.overrides)
        self.lay_out(self.layout_of(self.diffusion))
        self._check_patch_size(self.diffusion)
        self.noise_schedule = NoiseSchedule.linear()

    def extra_parameters(self) -> list[dict]:
        """The diffusion network's parameters."""
        rate = self.recipe.training.learning_rate
        return [{"name": "diffusion", "params": list(self.diffusion.parameters()), "lr": rate}]

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The noise-prediction error (Eq. 1) with the degraded image as the only condition."""
        alpha_bar = self.noise_schedule.sample_alpha_bar(batch["level"], self.options.timesteps)
        noised = self.noise_schedule.add_noise(self._scale(batch["clean"]), batch["noise"], alpha_bar)
        conditions = torch.cat([batch["degraded"], torch.zeros_like(batch["degraded"])], dim=1)
        predicted = self.diffusion(noised, self._scale(conditions), alpha_bar).float()
        return {"loss": noise_prediction_error(batch["noise"], predicted)}

    def _scale(self, images: Tensor) -> Tensor:
        return 2.0 * images - 1.0 if self.options.symmetric_range else images
