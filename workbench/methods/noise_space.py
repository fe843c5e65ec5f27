"""Noise-space domain adaptation (Liao et al., *Denoising as Adaptation*, ICLR 2025).

A conditional diffusion network predicts the noise in a clean synthetic image from two conditions: the restored
synthetic and the restored real image. Its error falls as the conditions get better, so its gradient teaches the
restorer to bring both towards the clean distribution. Channel shuffling and the residual-swapping contrast keep the
diffusion network from telling the two conditions apart. After training the diffusion network is discarded.

Where the paper leaves a choice open
------------------------------------
* The diffusion network follows its own loss and the restorer ``restoration + weight * diffusion`` (Algorithm 1). One
  backward pass does both: the gradient is multiplied by the weight where it enters the conditions. (The authors' code
  multiplies the loss, and with it the diffusion network's gradient; Adam undoes most of that.)
* The contrast takes batch means and gradients flow through both of its branches, as in the authors' code.
* With a single condition (Table 4, *only syn* and *only real*) the other one is blank, so the network stays the same.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from workbench import nets
from workbench.diffusion import NoiseSchedule, shuffle_channels, swap_residuals
from workbench.methods.base import Batch, Method
from workbench.methods.gradients import scale_gradient
from workbench.objectives import charbonnier, diffusion_weight, noise_prediction_error, residual_swap_contrast
from workbench.recipes import Recipe


def _over_processes(value: Tensor) -> Tensor:
    """The mean of a scalar over all processes, with the gradient of this process's part.

    The hinge of Eq. 3 then opens and closes for the joined batch, so several devices follow the same gradient as one.
    """
    if not torch.distributed.is_initialized():
        return value
    mean = value.detach().clone()
    torch.distributed.all_reduce(mean)
    mean /= torch.distributed.get_world_size()
    return value + (mean - value.detach())


class NoiseSpaceAdaptation(Method):
    """Trains the restorer jointly with a conditional diffusion network."""

    parts: ClassVar[frozenset[str]] = frozenset({"source", "target", "diffusion"})

    def __init__(self, recipe: Recipe):
        super().__init__(recipe)
        self.options = recipe.noise_space
        if not self.options.paired:
            self.parts = self.parts | {"unpaired"}
        self.diffusion = nets.build(self.options.diffusion.name, **self.options.diffusion.overrides)
        self.diffusion.to(memory_format=torch.channels_last)
        self._check_patch_size(self.diffusion)
        self.noise_schedule = NoiseSchedule.linear()

    @property
    def head_start(self) -> int:
        """Steps in which the diffusion network alone learns."""
        return self.options.head_start

    def extra_parameters(self) -> list[dict]:
        """The diffusion network's parameters at their own learning rate."""
        return [{"name": "diffusion", "params": list(self.diffusion.parameters()), "lr": self.options.learning_rate}]

    def weight(self, step: int) -> float:
        """Weight of the diffusion loss at a step: Eq. 5, its ramp shortened to ``ramp_end`` of the joint training."""
        length = self.options.ramp_end * self.recipe.training.max_steps  # diffusion_weight clips what lies outside
        return diffusion_weight((step - self.head_start) / length, self.options.ceiling, self.options.steepness)

    def dials(self, step: int) -> dict[str, float]:
        """The weight of the diffusion loss."""
        return {"diffusion_weight": self.weight(step)}

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Restoration loss, diffusion loss and its parts; see the module's docstring."""
        joint = step >= self.head_start
        with torch.set_grad_enabled(joint):
            degraded = torch.cat([batch["degraded"], batch["target"]])
            source, target = self.restorer(degraded).chunk(2)
        losses = self.diffusion_losses(batch, source, target, self.weight(step))
        if not joint:
            return {"loss": losses["diffusion"], **losses}
        restoration = charbonnier(source, batch["clean"])
        return {"loss": restoration + losses["diffusion"], "restoration": restoration, **losses}

    def diffusion_losses(self, batch: Batch, source: Tensor, target: Tensor, weight: float) -> dict[str, Tensor]:
        """Diffusion loss of restored source and target images.

        Parameters
        ----------
        batch : dict of str to Tensor
            As in `losses`.
        source, target : Tensor, shape (N, 3, H, W)
            The restored images that serve as conditions.
        weight : float
            Factor of the gradient that reaches ``source`` and ``target``.

        Returns
        -------
        dict of str to Tensor
            ``diffusion`` (the loss), ``noise_prediction`` (Eq. 1) and, with residual swapping, the negative pair's
            ``negative_noise_prediction`` and the ``contrast`` (Eq. 3).
        """
        options = self.options
        source, target = (scale_gradient(restored, weight) for restored in (source, target))
        conditions = [self._conditions(source, target, batch["swap_positive"])]
        if options.residual_swap:
            wrong = swap_residuals(batch["degraded"], source, batch["target"], target)
            conditions.append(self._conditions(*wrong, batch["swap_negative"]))
        clean = self._scale(batch["clean"] if options.paired else batch["unpaired"])
        alpha_bar = self.noise_schedule.sample_alpha_bar(batch["level"], options.timesteps)
        noise = batch["noise"]
        noised = self.noise_schedule.add_noise(clean, noise, alpha_bar)
        passes = len(conditions)
        predicted = self.diffusion(
            torch.cat([noised] * passes).contiguous(memory_format=torch.channels_last),
            torch.cat(conditions).contiguous(memory_format=torch.channels_last),
            alpha_bar.repeat(passes),
        ).float()
        positive, *negatives = predicted.chunk(passes)
        error = noise_prediction_error(noise, positive)
        if not negatives:
            return {"diffusion": error, "noise_prediction": error}
        (negative,) = negatives
        contrast = residual_swap_contrast(noise, positive, negative, options.margin, over_batch=_over_processes)
        return {
            "diffusion": 0.5 * (error + contrast),
            "noise_prediction": error,
            "negative_noise_prediction": noise_prediction_error(noise, negative),
            "contrast": contrast,
        }

    def _conditions(self, source: Tensor, target: Tensor, swap: Tensor) -> Tensor:
        if self.options.conditions == "source":
            target = torch.zeros_like(target)
        elif self.options.conditions == "target":
            source = torch.zeros_like(source)
        if not self.options.channel_shuffle:
            swap = torch.zeros_like(swap)
        return self._scale(shuffle_channels(source, target, swap))

    def _scale(self, images: Tensor) -> Tensor:
        return 2.0 * images - 1.0 if self.options.symmetric_range else images
