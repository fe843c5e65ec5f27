"""RDDM: residual denoising diffusion models (Liu et al., CVPR 2024), DRDD's nearest relative.

Residual and noise come off together, each by a network that sees the state and the degraded image and is told the step;
both predict in their own units, and residuals are clipped to [-1, 1], as in the authors' code.

Decided here: the level of the noise is the authors' default with a condition, 0.1 (``sum_scale`` 0.01); with level 1,
which one of their experiments has, an error of the second network enters the picture at full scale.
"""

from __future__ import annotations

from pydantic import Field
from torch import Tensor

from workbench.diffusion import ResidualSchedule, coupled
from workbench.methods.base import Batch
from workbench.methods.random_numbers import RandomNumbers
from workbench.methods.residual_diffusion import ResidualDiffusion, steps_of
from workbench.restorers import residual_diffusion


class Rddm(ResidualDiffusion):
    """Trains a network for the residual and one for the noise on the same states."""

    kind = "rddm"

    class Options(ResidualDiffusion.Options, residual_diffusion.Coupled.Options):
        """Of the training and, below them, of the process and its sampling."""

        level: float = Field(0.1, gt=0, le=10, description="of the noise, on images in [-1, 1]")

    def described(self) -> dict[str, dict]:
        """Two networks of one kind."""
        network = self.options.network
        described = {"name": network.name, **network.overrides, "in_channels": 6, "out_channels": 3}
        return {"residual": described, "noise": described}

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The distances of residual and noise."""
        rng, schedule = RandomNumbers(batch["seed"]), ResidualSchedule.rddm(self.options.level)
        clean, degraded = self.pair(batch)
        residual, noise = degraded - clean, rng.normal(*clean.shape[1:])
        (at,) = steps_of(rng, schedule.residual_steps)
        state = coupled.add_both(schedule, clean, residual, noise, at)
        told = {role: network(state, degraded, time=at - 1) for role, network in self.restorer.items()}
        losses = {
            "residual": self.distance(told["residual"], residual, self.weights(batch, residual)),
            "noise": self.distance(told["noise"], noise),
        }
        return {"loss": sum(losses.values()), **losses}
