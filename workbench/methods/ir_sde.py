"""IR-SDE: image restoration with mean-reverting stochastic differential equations (Luo et al., ICML 2023).

A network predicts the noise of a state from its difference to the degraded image and from that image. As in the
authors' code it learns not the noise but the step: the mean of the reverse SDE that its prediction gives is compared
with the best one given the clean image (the paper's Sec. 3.3). Images are in [0, 1].
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from workbench.diffusion import MeanRevertingSDE
from workbench.methods.base import Batch
from workbench.methods.random_numbers import RandomNumbers
from workbench.methods.residual_diffusion import NETWORKS, ResidualDiffusion, steps_of
from workbench.restorers import residual_diffusion


class IrSde(ResidualDiffusion):
    """Trains a network that predicts the noise of the states of IR-SDE."""

    kind = "ir-sde"
    data_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    class Options(ResidualDiffusion.Options, residual_diffusion.MeanReverting.Options):
        """Of the training and, below them, of the process, whose steps are those of the sampling."""

    by_scale: ClassVar[dict[str, dict]] = NETWORKS | {"pocket": NETWORKS["pocket"] | {"steps": 20}}

    def described(self) -> dict[str, dict]:
        """The one network."""
        network = self.options.network
        return {"noise": {"name": network.name, **network.overrides, "in_channels": 6, "out_channels": 3}}

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The distance of the predicted from the best step."""
        rng, process = RandomNumbers(batch["seed"]), MeanRevertingSDE(self.options.steps, self.options.max_sigma)
        clean, degraded = self.pair(batch)
        (at,) = steps_of(rng, process.steps)
        state = process.state(clean, degraded, rng.normal(*clean.shape[1:]), at)
        told = self.restorer["noise"](state - degraded, degraded, time=at)
        mean, best = process.reverse_mean(state, degraded, told, at), process.optimum(state, clean, degraded, at)
        return {"loss": self.distance(mean, best, self.weights(batch, degraded - clean))}
