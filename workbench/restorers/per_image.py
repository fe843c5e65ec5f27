"""Blind deconvolution of each picture by itself: the optimisation of the two generators."""

from __future__ import annotations

import copy

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from workbench.nets.blind_deconvolution import KERNEL_INPUTS, SSIM_RADIUS, SelfDeblur, centroid
from workbench.nets.unet import Window
from workbench.restorers import procedure
from workbench.restorers.passes import Passes

# Shares of the steps at which both learning rates are halved (2000, 3000 and 4000 of 5000).
_HALVINGS = (0.4, 0.6, 0.8)


class PerImage(procedure.Procedure):
    """SelfDeblur and VDIP: both generators are optimised until the sharp picture under the kernel is the blurred one.

    The network's weights are the start, from which every picture is optimised anew, and stay as they are. So restoring
    is the cost: ``steps`` times a pass through the image generator, there and back, over the whole picture. A picture
    that is restored in tiles has a kernel for each tile, and seams where these disagree.
    """

    class Options(procedure.Options):
        """The defaults are the papers'; a network brings those of its size along."""

        steps: int = Field(5000, ge=1, le=100_000, description="steps of optimisation for each picture")
        seed: int = Field(0, ge=0, lt=2**63, description="of the generators' input and of the noise")
        image_learning_rate: float = Field(1e-2, gt=0, le=1, description="of the image generator")
        kernel_learning_rate: float = Field(1e-4, gt=0, le=1, description="of the kernel generator")

    options: Options

    def restore(self, degraded: Tensor, passes: Passes) -> Tensor:
        """The sharp picture."""
        network = passes.networks["restorer"]
        rounds = network.preparation(self.options.steps) + self.options.steps

        def deblurred(_window: Window | None, blurred: Tensor) -> Tensor:
            blurred = blurred.to(passes.device).float()
            height, width = blurred.shape[-2:]
            least = max(2 ** (network.levels + 1), SSIM_RADIUS + 1)
            pad = (0, max(least - width, 0), 0, max(least - height, 0))
            image, kernel = self.estimate(network, F.pad(blurred, pad, mode="replicate"), passes)
            top, left = centroid(kernel)
            return image[..., top : top + height, left : left + width]

        return passes.tiled(
            deblurred, degraded, multiple=network.multiple, halo=network.halo, rounds=rounds, gradients=True
        )

    def estimate(self, network: SelfDeblur, blurred: Tensor, passes: Passes) -> tuple[Tensor, Tensor]:
        """Optimise both generators for one picture.

        Parameters
        ----------
        network : SelfDeblur or Vdip
            The start.
        blurred : Tensor, shape (1, 3, H, W), range [0, 1]
            Sides of at least ``2 ** (levels + 1)``, and wider than SSIM's window reaches.
        passes : Passes

        Returns
        -------
        image : Tensor, shape (1, 3, H + K - 1, W + K - 1)
            The sharp picture with the surroundings that blur into the blurred one; K is the network's ``kernel_size``.
        kernel : Tensor, shape (K, K)
        """
        options, device, margin = self.options, blurred.device, network.kernel_size - 1
        height, width = blurred.shape[-2:]
        rng = torch.Generator().manual_seed(options.seed)
        place = 0.1 * torch.rand(1, network.inputs, height + margin, width + margin, generator=rng).to(device)
        code = 0.1 * torch.rand(KERNEL_INPUTS, generator=rng).to(device)
        optimised = copy.deepcopy(network).requires_grad_()
        optimizer = torch.optim.Adam(
            [
                {"params": optimised.image_generator.parameters(), "lr": options.image_learning_rate},
                {"params": optimised.kernel_generator.parameters(), "lr": options.kernel_learning_rate},
            ]
        )
        halvings = [round(share * options.steps) for share in _HALVINGS]
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, halvings, gamma=0.5)

        def follow(loss: Tensor) -> None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            passes.round()

        for _ in range(network.preparation(options.steps)):
            follow(network.preparation_loss(*optimised.generate(network.jittered(place, rng), code), blurred))
        for step in range(options.steps):
            made = optimised.generate(network.jittered(place, rng), code)
            follow(network.loss(*made, blurred, step, options.steps, rng))
            schedule.step()
        with torch.no_grad():
            image, kernel = optimised.generate(place, code)
        return image[:, :3], kernel
