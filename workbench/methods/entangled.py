"""The entangled baseline of DRDD's ablation: one network, residual and noise off together (Lin et al., C.3).

The paper says no more than that it has the parameters of both networks together and twice the steps. Here it is the
process of RDDM under DRDD's table. With ``predicts: clean`` the network tells the residual, and with it the clean image
and the noise, so that it is conditioned as DRDD's second network is; with ``noise`` it tells residual and noise.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from workbench.diffusion import ResidualSchedule, coupled
from workbench.diffusion.parametrisation import predict_both
from workbench.methods.base import Batch
from workbench.methods.random_numbers import RandomNumbers
from workbench.methods.residual_diffusion import ResidualDiffusion, steps_of
from workbench.restorers import residual_diffusion


class Entangled(ResidualDiffusion):
    """Trains one network of about the parameters of DRDD's two."""

    kind = "entangled"

    class Options(ResidualDiffusion.Options, residual_diffusion.Entangled.Options):
        """Of the training and, below them, of the process and its sampling."""

    by_scale: ClassVar[dict[str, dict]] = {
        "pocket": {"network": {"name": "drdd-pocket", "widths": (48, 96)}},
        "bench": {"network": {"name": "drdd-residual-s", "widths": (40, 88, 184, 184)}},
        "paper": {"network": {"name": "drdd-noise-l", "widths": (144, 144, 288, 288, 576, 576), "groups": 16}},
    }

    def described(self) -> dict[str, dict]:
        """The one network."""
        network, channels = self.options.network, 3 if self.options.predicts == "clean" else 6
        return {"both": {"name": network.name, **network.overrides, "in_channels": 6, "out_channels": channels}}

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The distances of what the network tells."""
        rng, schedule = RandomNumbers(batch["seed"]), ResidualSchedule.normalised(self.options.level)
        clean, degraded = self.pair(batch)
        residual, noise = degraded - clean, rng.normal(*clean.shape[1:])
        (at,) = steps_of(rng, schedule.residual_steps)
        state = coupled.add_both(schedule, clean, residual, noise, at)
        told, told_noise = predict_both(self.restorer["both"], schedule, state, degraded, at)
        losses = {"residual": self.distance(told, residual, self.weights(batch, residual))}
        if self.options.predicts == "noise":
            losses["noise"] = self.distance(told_noise, noise)
        return {"loss": sum(losses.values()), **losses}
