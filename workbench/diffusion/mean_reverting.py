"""Mean-reverting diffusion: IR-SDE with its form for plain noise, and IR-SDE decoupled (Luo et al., ICML 2023).

``dx = theta (mu - x) dt + sigma dw`` with ``sigma^2 = 2 lambda^2 theta`` pulls a clean image towards ``mu``, the
degraded one, while noise of standard deviation up to ``lambda`` gathers. Images are in [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from workbench.diffusion.decoupled import State
from workbench.diffusion.residual_schedule import ResidualSchedule, at, level_in_255, require_level, require_same_size
from workbench.errors import WorkbenchError


class MeanRevertingSDE:
    """IR-SDE: the process, its reverse step and its sampler, discretised as in the authors' code.

    Parameters
    ----------
    steps : int
        T; ``theta`` rises along a cosine.
    max_sigma : float
        Stationary standard deviation of the noise on the scale of 0..255.
    remainder : float
        In (0, 1): what is left of ``x - mu`` at the end.

    Attributes
    ----------
    theta : Tensor, shape (T + 1,), float64
        Speed of the reversion; its entry 0 is not used.
    dt : float
    decay : Tensor, shape (T + 1,), float64
        What is left of ``x - mu`` at each step, from 1 to ``remainder``.
    level : float
        ``lambda``, on images in [0, 1].
    sigma_bar : Tensor, shape (T + 1,), float64
        Standard deviation of the noise at each step.

    Raises
    ------
    WorkbenchError
        A number is out of range.
    """

    def __init__(self, steps: int = 100, max_sigma: float = 10.0, remainder: float = 0.005):
        if steps < 1:
            raise WorkbenchError(f"steps {steps}: give at least 1")
        if not (0 < max_sigma < math.inf and 0 < remainder < 1):
            raise WorkbenchError(f"max_sigma {max_sigma} must be positive and remainder {remainder} between 0 and 1")
        self.steps = steps
        self.level = max_sigma / 255
        position = torch.arange(steps + 2, dtype=torch.float64, device="cpu") / (steps + 2)
        curve = ((position + 0.008) / 1.008 * math.pi / 2).cos().square()
        self.theta = 1 - curve[1:] / curve[0]
        passed = self.theta.cumsum(0) - self.theta[0]
        self.dt = -math.log(remainder) / float(passed[-1])
        self.decay = torch.exp(-self.dt * passed)
        self.sigma_bar = self.level * (1 - self.decay.square()).sqrt()

    @classmethod
    def denoising(cls) -> MeanRevertingSDE:
        """The authors' DenoisingSDE, for `denoise`."""
        return cls(steps=1000, max_sigma=70.0, remainder=0.04)

    def state(self, clean: Tensor, degraded: Tensor, noise: Tensor, step: int | Tensor) -> Tensor:
        """A state of the process, ``mu + (clean - mu) * decay + sigma_bar * noise``.

        Parameters
        ----------
        clean, degraded, noise : Tensor, shape (N, C, H, W)
        step : int or Tensor of int64, shape (N,)
            In 0..T.
        """
        require_same_size(clean=clean, degraded=degraded, noise=noise)
        mean = degraded + (clean - degraded) * at(self.decay, step, clean)
        return mean + at(self.sigma_bar, step, clean) * noise

    def clean_from_noise(self, state: Tensor, degraded: Tensor, noise: Tensor, step: int | Tensor) -> Tensor:
        """The clean image that a state and the noise in it speak for: `state` solved for ``clean``."""
        return degraded + (state - degraded - at(self.sigma_bar, step, state) * noise) / at(self.decay, step, state)

    def optimum(self, state: Tensor, clean: Tensor, degraded: Tensor, step: int | Tensor) -> Tensor:
        """The mean of the state one step earlier, given the clean image (the paper's Proposition 3.2).

        With ``degraded = clean`` it is that of the DenoisingSDE (Lin et al., arXiv:2606.01048, Eq. 44).

        Parameters
        ----------
        state, clean, degraded : Tensor, shape (N, C, H, W)
        step : int or Tensor of int64, shape (N,)
            In 1..T.
        """
        here, there = at(self.decay, step, state), at(self.decay, step - 1, state)
        ratio = here / there
        return (
            degraded
            + ratio * (1 - there**2) / (1 - here**2) * (state - degraded)
            + there * (1 - ratio**2) / (1 - here**2) * (clean - degraded)
        )

    def optimum_std(self, step: int) -> float:
        """The standard deviation of the state one step earlier, given the clean image."""
        here, there = float(self.decay[step]), float(self.decay[step - 1])
        ratio = here / there
        return self.level * math.sqrt((1 - ratio**2) * (1 - there**2) / (1 - here**2))

    def reverse_mean(self, state: Tensor, degraded: Tensor, noise: Tensor, step: int | Tensor) -> Tensor:
        """The mean of a step of the reverse SDE whose score is that of the noise; what IR-SDE trains on.

        Parameters
        ----------
        state, degraded, noise : Tensor, shape (N, C, H, W)
            The noise has unit variance; the score is ``-noise / sigma_bar``.
        step : int or Tensor of int64, shape (N,)
            In 1..T.
        """
        theta = at(self.theta, step, state)
        score = -noise / at(self.sigma_bar, step, state)
        return state - (theta * (degraded - state) - 2 * self.level**2 * theta * score) * self.dt

    def sample(
        self,
        degraded: Tensor,
        noise: Tensor,
        predict_noise: Callable[[Tensor, int], Tensor],
        draw: Callable[[], Tensor],
    ) -> Iterator[State]:
        """Restore images by the posterior sampler, in all T steps.

        Parameters
        ----------
        degraded, noise : Tensor, shape (N, C, H, W)
            The noise, of unit variance, is added to the degraded image at the stationary level.
        predict_noise : callable
            ``(state, step)`` to the noise in the state, of unit variance.
        draw : callable
            Gives standard normal numbers of the state's shape.

        Yields
        ------
        State
            The start and the picture after each step, the last of them restored; nothing is clipped.
        """
        require_same_size(degraded=degraded, noise=noise)
        state = degraded + self.level * noise
        yield State("start", self.steps, state)
        for step in range(self.steps, 0, -1):
            clean = self.clean_from_noise(state, degraded, predict_noise(state, step), step)
            state = self.optimum(state, clean, degraded, step) + self.optimum_std(step) * draw()
            yield State("both", step - 1, state)

    def start_step(self, sigma: float) -> int:
        """The step whose noise is the nearest to a standard deviation on the scale of 0..255.

        Raises
        ------
        WorkbenchError
            The process does not reach that level.
        """
        if not 0 < sigma <= 255 * float(self.sigma_bar[-1]):
            raise WorkbenchError(
                f"sigma {sigma}: this process reaches up to {255 * float(self.sigma_bar[-1]):.1f}; raise max_sigma"
            )
        return int((self.sigma_bar - sigma / 255).abs().argmin())

    def denoise(self, noisy: Tensor, sigma: float, predict_noise: Callable[[Tensor, int], Tensor]) -> Iterator[State]:
        """Denoise images along the DenoisingSDE's ODE, which draws nothing, in single steps from `start_step`.

        The mean is the clean image itself, so that only noise gathers. Each step solves the ODE exactly for the clean
        image that the prediction speaks for.

        Parameters
        ----------
        noisy : Tensor, shape (N, C, H, W)
        sigma : float
            Their noise's standard deviation on the scale of 0..255.
        predict_noise : callable
            ``(state, step)`` to the noise in the state, of unit variance.

        Yields
        ------
        State
        """
        step = self.start_step(sigma)
        yield State("start", step, noisy)
        state = noisy
        for here in range(step, 0, -1):
            difference = float(self.sigma_bar[here] - self.sigma_bar[here - 1])
            state = state - difference * predict_noise(state, here)
            yield State("noise", here - 1, state)


def decoupled_mean_reverting(level: float = 20 / 255, steps: int = 100, remainder: float = 0.005) -> ResidualSchedule:
    """IR-SDE taken apart into two stages (De-IRSDE), as a table for `workbench.diffusion.decoupled`.

    The paper (Lin et al., arXiv:2606.01048, A.4) prints a second stage that still gathers noise and so equals all of
    IR-SDE, and there is no code. Read so that the stages are what the text says: the first is the DenoisingSDE, the
    second the ODE ``dx = theta (mu - x) dt`` with the noise held fixed, whose states are ``clean + (1 - decay) *
    residual + level * noise``. Both are those of decoupled residual diffusion under another table.

    Parameters
    ----------
    level : float
        On images in [-1, 1], as of all residual schedules: twice that on [0, 1].
    steps, remainder
        As for `MeanRevertingSDE`; ``remainder`` of the residual and its square of the noise's variance are missing at
        the end.
    """
    require_level(level)
    process = MeanRevertingSDE(steps, level_in_255(level), remainder)
    return ResidualSchedule(1 - process.decay, 2 * process.sigma_bar, level)
