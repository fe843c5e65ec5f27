"""The plain reference of a training step: Algorithm 1 as it reads, with nothing done for speed."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from workbench.diffusion import shuffle_channels, swap_residuals
from workbench.methods.base import Batch
from workbench.methods.gradients import scale_gradient
from workbench.methods.noise_space import NoiseSpaceAdaptation
from workbench.objectives import charbonnier, noise_prediction_error, residual_swap_contrast


class PlainStep:
    """Steps of noise-space adaptation on copies of a method's networks.

    A pass of the restorer for each domain, a pass of the diffusion network for the positive and one for the negative
    pair, memory as PyTorch lays it out by itself, fp32, one Adam a network that goes from tensor to tensor, and a loop
    over the tensors for the moving average.

    Parameters
    ----------
    method : NoiseSpaceAdaptation
        With the paper's options: both conditions, channel shuffling, residual swapping, no guard. Not changed.
    """

    def __init__(self, method: NoiseSpaceAdaptation):
        self.method = method
        self.restorer, self.diffusion = (
            deepcopy(network).to(memory_format=torch.contiguous_format)
            for network in (method.restorer, method.diffusion)
        )
        self.average: nn.Module | None = None
        rates = (method.recipe.training.learning_rate, method.options.learning_rate)
        self.optimizers = [
            torch.optim.Adam(network.parameters(), lr=rate, foreach=False, fused=False)
            for network, rate in zip((self.restorer, self.diffusion), rates, strict=True)
        ]

    def __call__(self, batch: Batch, step: int) -> float:
        """One step of both networks; the loss before it.

        Parameters
        ----------
        batch : dict of str to Tensor
            As of `NoiseSpaceAdaptation.losses`, contiguous.
        step : int
            After the head start.
        """
        method, options = self.method, self.method.options
        source = self.restorer(batch["degraded"])
        target = self.restorer(batch["target"])
        restoration = charbonnier(source, batch["clean"])
        # The diffusion network follows its own loss, the restorer its weighted one
        passed = [scale_gradient(image, method.weight(step)) for image in (source, target)]
        clean = self._scaled(batch["clean"])
        alpha_bar = method.noise_schedule.sample_alpha_bar(batch["level"], options.timesteps)
        noised = method.noise_schedule.add_noise(clean, batch["noise"], alpha_bar)
        right = self._scaled(shuffle_channels(*passed, batch["swap_positive"]))
        positive = self.diffusion(noised, right, alpha_bar)
        swapped = swap_residuals(batch["degraded"], passed[0], batch["target"], passed[1])
        wrong = self._scaled(shuffle_channels(*swapped, batch["swap_negative"]))
        negative = self.diffusion(noised, wrong, alpha_bar)
        error = noise_prediction_error(batch["noise"], positive)
        contrast = residual_swap_contrast(batch["noise"], positive, negative, options.margin)
        loss = restoration + 0.5 * (error + contrast)
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
        self._update_average()
        return loss.item()

    def _scaled(self, images: Tensor) -> Tensor:
        return 2.0 * images - 1.0 if self.method.options.symmetric_range else images

    def _update_average(self) -> None:
        if self.average is None:
            self.average = deepcopy(self.restorer).requires_grad_(False)
            return
        decay = self.method.recipe.training.ema_decay
        for kept, new in zip(self.average.parameters(), self.restorer.parameters(), strict=True):
            kept.mul_(decay).add_(new.detach(), alpha=1.0 - decay)
