"""DRDD: decoupled residual denoising diffusion (Lin et al., arXiv:2606.01048).

Noise of a fixed level is put on the degraded image; a first network takes the residual off the noisy image, a second
one the noise (`workbench.diffusion.decoupled`).

Where the paper and its code differ, or leave a choice
------------------------------------------------------
Each is an option; docs/drdd.md says what speaks for either.

* ``loss``: the equations have L1 (default), App. B and the code the mean squared error.
* ``sees``: in the paper the second network sees the noisy target alone, in the code the degraded image too. At the
  paper's level of noise no network that sees the target alone can reach the published fidelity, so the input is the
  default. With ``target`` it learns from clean images that need no partners (``data.unpaired``, else the source's).
* ``predicts``: in both the second network predicts the noise; an error of it then enters the picture at the level's
  scale. By default it predicts the clean image, from which the noise follows: the sampler is the same.
* ``schedule``: the code's table ends short of the whole residual; by default it is stretched to reach it.
* ``stages``: the networks share nothing. With ``apart`` each is trained as a run of its own, which is found again, and
  the run puts them together (``workbench assemble`` does that with restorers that are there); ``residual`` alone
  subtracts the noise it was given ("without denoising network", Table 8).
* The time that a network is told is the share of residual or noise, as in the code, not the step. Both losses of a
  batch are of the same step, and both networks have one bound on their gradients, as in the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor

from workbench.diffusion import decoupled
from workbench.diffusion.parametrisation import SCHEDULES, predict_in_noise_stage, residual_time
from workbench.methods.base import Batch, Length
from workbench.methods.random_numbers import RandomNumbers
from workbench.methods.residual_diffusion import NETWORKS, Networks, ResidualDiffusion, steps_of
from workbench.recipes import Recipe
from workbench.recipes.schema import Network
from workbench.restorers import Restorer, residual_diffusion

KIND_OF = {"both": "drdd", "apart": "drdd", "residual": "drdd-residual", "noise": "drdd-noise"}
_SAMPLING = ("residual_steps", "noise_steps", "eta", "seed")
UNSEEN = {"residual": (*_SAMPLING, "sees", "predicts", "noise_network"), "noise": _SAMPLING}
"""Options that the training of a stage does not look at."""


class Drdd(ResidualDiffusion):
    """Trains the networks of both stages, or that of one."""

    class Options(ResidualDiffusion.Options, residual_diffusion.Decoupled.Options):
        """Of the training and, below them, of the process and its sampling."""

        noise_network: Network | None = Field(None, description="of the noise stage; null: as network")
        stages: Literal["both", "residual", "noise", "apart"] = Field(
            "both", description="which networks are trained; apart: each as a run of its own"
        )

    by_scale: ClassVar[dict[str, dict]] = NETWORKS | {
        "paper": NETWORKS["paper"] | {"noise_network": {"name": "drdd-noise-l"}}
    }

    def __init__(self, recipe: Recipe):
        super().__init__(recipe)
        self.kind = KIND_OF[self.options.stages]
        self.schedule = SCHEDULES[self.options.schedule](self.options.level)
        if "noise" in self.restorer and self.options.sees == "target":
            pairs = self.parts if "residual" in self.restorer else {"seed"}
            self.parts = frozenset(pairs | {"unpaired"})

    @classmethod
    def needs(cls, recipe: Recipe) -> dict[str, Recipe]:
        """A run of each stage, if they are trained apart; how it is sampled, and the other one, are nothing to it."""
        given = recipe.options[recipe.method]
        if given["stages"] != "apart":
            return super().needs(recipe)
        needed = {}
        for role, unseen in UNSEEN.items():
            own = {key: value for key, value in given.items() if key not in unseen} | {"stages": role}
            needed[role] = recipe.model_copy(update={"name": f"stage-{role}", "options": {recipe.method: own}})
        return needed

    def begin_with(self, needed: Mapping[str, Restorer]) -> None:
        """Take the networks of the stages that were trained apart."""
        stages = {role: restorer.networks[role] for role, restorer in needed.items() if role in self.restorer}
        if stages:
            self.start_from(Networks(stages).state_dict())
        super().begin_with(needed)

    @classmethod
    def length(cls, recipe: Recipe) -> Length:
        """No step where the stages are trained apart."""
        return Length(0, 0) if recipe.options[recipe.method]["stages"] == "apart" else super().length(recipe)

    def described(self) -> dict[str, dict]:
        """The networks of the stages that are trained."""
        options, networks = self.options, {}
        if options.stages != "noise":
            networks["residual"] = (options.network, 6)
        if options.stages != "residual":
            networks["noise"] = (options.noise_network or options.network, 6 if options.sees == "input" else 3)
        return {
            role: {"name": network.name, **network.overrides, "in_channels": channels, "out_channels": 3}
            for role, (network, channels) in networks.items()
        }

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The losses of both stages, and their sum."""
        rng, schedule = RandomNumbers(batch["seed"]), self.schedule
        at_residual, at_noise = steps_of(rng, schedule.residual_steps, schedule.noise_steps)
        losses, weights = {}, None
        if "clean" in batch:
            clean, degraded = self.pair(batch)
            weights = self.weights(batch, degraded - clean)
        if "residual" in self.restorer:
            residual, noise = degraded - clean, rng.normal(*clean.shape[1:])
            state = decoupled.add_residual(schedule, clean, residual, noise, at_residual)
            predicted = self.restorer["residual"](state, degraded, time=residual_time(schedule, at_residual))
            losses["residual"] = self.distance(predicted, residual, weights)
        if "noise" in self.restorer:
            if self.options.sees == "target":
                clean, degraded, weights = self.scaled(batch["unpaired"]), None, None
            noise = rng.normal(*clean.shape[1:])
            state = decoupled.add_noise(schedule, clean, noise, at_noise)
            predicts = self.options.predicts
            denoised, told = predict_in_noise_stage(
                self.restorer["noise"], schedule, state, degraded, at_noise, predicts
            )
            if predicts == "clean":
                losses["noise"] = self.distance(denoised, clean, weights)
            else:
                losses["noise"] = self.distance(told, noise)
        return {"loss": sum(losses.values()), **losses}
