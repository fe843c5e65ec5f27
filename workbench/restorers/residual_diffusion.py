"""Restoring by residual diffusion: the samplers of `workbench.diffusion` with trained networks (docs/drdd.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor

from workbench.diffusion import MeanRevertingSDE, ResidualSchedule, coupled, decoupled
from workbench.diffusion.decoupled import State
from workbench.diffusion.parametrisation import SCHEDULES, predict_both, predict_in_noise_stage, residual_time
from workbench.diffusion.residual_schedule import timesteps
from workbench.errors import WorkbenchError
from workbench.restorers import procedure
from workbench.restorers.passes import Passes

Seed = Field(0, ge=0, lt=2**63, description="of the noise")
Level = Field(1.0, gt=0, le=10, description="of the noise: its standard deviation on images in [-1, 1]")
Sees = Literal["input", "target"]
WITHOUT_NOISE = ", noise subtracted"
"""Ends the name of a traced picture that is a state less its noise."""
Predicts = Literal["clean", "noise"]
AS_RELEASED = {"schedule": "released", "level": 1.0, "predicts": "noise", "residual_steps": 2, "noise_steps": 2}
"""How the released code of DRDD samples."""


def normal_draws(like: Tensor, seed: int) -> Callable[[], Tensor]:
    """Standard normal numbers of a picture's shape, each call anew; the same on every device."""
    generator = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(like.shape, generator=generator).to(like)


def _shown(states: Iterator[State], passes: Passes) -> Tensor:
    """The last of the states, each of which is shown to who traces the restoration, first without its noise."""
    for state in states:
        name = state.stage if state.stage == "start" else f"{state.stage} {state.step}"
        if state.without_noise is not None:
            passes.trace(f"{name}{WITHOUT_NOISE}", state.without_noise)
        passes.trace(name, state.image)
    return state.image


class Direct(procedure.Procedure):
    """Takes off the degraded picture what ``residual`` sees in it, in one pass; has no options."""

    networks: ClassVar[tuple[str, ...]] = ("residual",)

    def restore(self, degraded: Tensor, passes: Passes) -> Tensor:
        """The degraded picture less its residual."""
        return degraded - passes("residual", degraded, time=0.0)


class Sampling(procedure.Procedure):
    """Goes from state to state, each of which it shows (`Passes.trace`), and draws noise: its options have a seed."""


class _Process(procedure.Options):
    schedule: Literal["normalised", "released", "mean-reverting"] = Field(
        "normalised", description="the table of the process"
    )
    level: float = Level
    seed: int = Seed

    @model_validator(mode="after")
    def _within_the_schedule(self):
        try:
            schedule = SCHEDULES[self.schedule](self.level)
            timesteps(schedule.residual_steps, getattr(self, "residual_steps", 1))
            timesteps(schedule.noise_steps, getattr(self, "noise_steps", 1))
        except WorkbenchError as error:
            raise ValueError(str(error)) from error
        return self


class _ResidualSteps(_Process):
    residual_steps: int = Field(2, ge=1, description="steps of the residual stage")


class _NoiseSteps(_Process):
    sees: Sees = Field("input", description="what its network sees beside the noisy picture: the degraded one or none")
    predicts: Predicts = Field("clean", description="what its network predicts")
    noise_steps: int = Field(2, ge=1, description="steps of the noise stage")
    eta: float = Field(0.0, ge=0, le=1, description="how much noise the noise stage draws")


class Decoupled(Sampling):
    """Takes first the residual and then the noise off the noisy degraded picture (`workbench.diffusion.decoupled`)."""

    networks: ClassVar[tuple[str, ...]] = ("residual", "noise")

    class Options(_ResidualSteps, _NoiseSteps):
        """The process, what the second network sees and predicts, and how both stages are sampled."""

    options: Options

    @property
    def schedule(self) -> ResidualSchedule:
        """The tables of the process."""
        return SCHEDULES[self.options.schedule](self.options.level)

    @property
    def passes(self) -> int:
        """One a step of each stage that has a network."""
        return sum(getattr(self.options, f"{name}_steps") for name in self.networks)

    def restore(self, degraded: Tensor, passes: Passes) -> Tensor:
        """The last picture of the sampling."""
        schedule, draw = self.schedule, normal_draws(degraded, self.options.seed)
        noise, stages = draw(), {}

        def network(name: str) -> Callable[..., Tensor]:
            return lambda *images, time: passes(name, *images, time=float(time))

        if "residual" in self.networks:
            stages |= {
                "predict_residual": lambda state, step: network("residual")(
                    state, degraded, time=residual_time(schedule, step)
                ),
                "residual_steps": self.options.residual_steps,
            }
        if "noise" in self.networks:
            seen, predicts = degraded if self.options.sees == "input" else None, self.options.predicts
            stages |= {
                "predict_noise": lambda state, step: predict_in_noise_stage(
                    network("noise"), schedule, state, seen, step, predicts
                )[1],
                "noise_steps": self.options.noise_steps,
                "eta": self.options.eta,
                "draw": draw,
            }
        return _shown(decoupled.sample(schedule, degraded, noise, **stages), passes)


class ResidualStage(Decoupled):
    """The residual stage alone; the noise, being known, is subtracted ("without denoising network", Table 8)."""

    networks: ClassVar[tuple[str, ...]] = ("residual",)

    class Options(_ResidualSteps):
        """The process and the steps of its stage."""


class NoiseStage(Decoupled):
    """The noise stage alone: noise is put on the degraded picture and taken off again, and with it what it covers."""

    networks: ClassVar[tuple[str, ...]] = ("noise",)

    class Options(_NoiseSteps):
        """The process, what the network sees and predicts, and the steps of its stage."""


class Coupled(Sampling):
    """Takes residual and noise off together, each by a network of its own: RDDM (`workbench.diffusion.coupled`)."""

    networks: ClassVar[tuple[str, ...]] = ("residual", "noise")

    class Options(procedure.Options):
        """The noise's level and how it is sampled."""

        level: float = Level
        steps: int = Field(5, ge=1, le=1000, description="steps of the sampling")
        seed: int = Seed

    options: Options

    @property
    def passes(self) -> int:
        """Two a step."""
        return 2 * self.options.steps

    def restore(self, degraded: Tensor, passes: Passes) -> Tensor:
        """The last picture of the sampling."""

        def predict(state: Tensor, step: int) -> tuple[Tensor, Tensor]:
            return tuple(passes(name, state, degraded, time=step - 1.0) for name in self.networks)

        noise = normal_draws(degraded, self.options.seed)()
        schedule = ResidualSchedule.rddm(self.options.level)
        return _shown(coupled.sample(schedule, degraded, noise, predict, self.options.steps), passes)


class Entangled(Sampling):
    """Takes residual and noise off together by one network, under DRDD's table (Lin et al., C.3)."""

    networks: ClassVar[tuple[str, ...]] = ("both",)

    class Options(procedure.Options):
        """The noise's level, what the network predicts, and how it is sampled."""

        level: float = Level
        predicts: Predicts = Field("clean", description="what the network predicts beside the residual")
        steps: int = Field(4, ge=1, le=1000, description="steps of the sampling")
        seed: int = Seed

    options: Options

    @property
    def passes(self) -> int:
        """One a step."""
        return self.options.steps

    def restore(self, degraded: Tensor, passes: Passes) -> Tensor:
        """The last picture of the sampling."""
        schedule = ResidualSchedule.normalised(self.options.level)

        def predict(state: Tensor, step: int) -> tuple[Tensor, Tensor]:
            def network(*images: Tensor, time: Tensor) -> Tensor:
                return passes("both", *images, time=float(time))

            return predict_both(network, schedule, state, degraded, step)

        noise = normal_draws(degraded, self.options.seed)()
        return _shown(coupled.sample(schedule, degraded, noise, predict, self.options.steps, clip=False), passes)


class MeanReverting(Sampling):
    """Restores along IR-SDE's posterior, in all its steps (`workbench.diffusion.mean_reverting`)."""

    networks: ClassVar[tuple[str, ...]] = ("noise",)

    class Options(procedure.Options):
        """The process; its steps are those of the sampling."""

        steps: int = Field(100, ge=1, le=1000, description="steps of the sampling")
        max_sigma: float = Field(10.0, gt=0, le=1000, description="level of the noise, 8-bit units")
        seed: int = Seed

    options: Options

    @property
    def passes(self) -> int:
        """One a step."""
        return self.options.steps

    def restore(self, degraded: Tensor, passes: Passes) -> Tensor:
        """The last picture of the sampling."""
        process = MeanRevertingSDE(self.options.steps, self.options.max_sigma)
        draw = normal_draws(degraded, self.options.seed)

        def predict_noise(state: Tensor, step: int) -> Tensor:
            return passes("noise", state - degraded, degraded, time=float(step))

        return _shown(process.sample(degraded, draw(), predict_noise, draw), passes)
