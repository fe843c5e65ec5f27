"""Coupled residual denoising diffusion: residual and noise come off together, step by step.

The process of RDDM (Liu et al., *Residual Denoising Diffusion Models*, CVPR 2024) and, with another table, of DRDD's
entangled baseline (Lin et al., arXiv:2606.01048, C.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import Tensor

from workbench.diffusion.decoupled import State
from workbench.diffusion.residual_schedule import ResidualSchedule, at, require_same_size, timesteps


def add_both(schedule: ResidualSchedule, clean: Tensor, residual: Tensor, noise: Tensor, step: int | Tensor) -> Tensor:
    """A state of the process, ``clean + alpha_bar * residual + beta_bar * noise``.

    Parameters
    ----------
    schedule : ResidualSchedule
        With tables of equal length.
    clean, residual, noise : Tensor, shape (N, C, H, W)
        The residual is ``degraded - clean``.
    step : int or Tensor of int64, shape (N,)
        In 0 .. ``schedule.residual_steps``.
    """
    require_same_size(clean=clean, residual=residual, noise=noise)
    return clean + at(schedule.alpha_bar, step, clean) * residual + at(schedule.beta_bar, step, clean) * noise


def sample(
    schedule: ResidualSchedule,
    degraded: Tensor,
    noise: Tensor,
    predict: Callable[[Tensor, int], tuple[Tensor, Tensor]],
    steps: int = 4,
    clip: bool = True,
) -> Iterator[State]:
    """Restore images, residual and noise together; nothing is drawn on the way.

    Parameters
    ----------
    schedule : ResidualSchedule
        With tables of equal length.
    degraded : Tensor, shape (N, C, H, W), range [-1, 1]
    noise : Tensor, shape (N, C, H, W)
        Standard normal numbers, added to the degraded image at the schedule's level.
    predict : callable
        ``(state, step)`` to the residual ``degraded - clean`` and the noise of unit variance.
    steps : int
    clip : bool
        Clip predicted residuals and the restored image to [-1, 1], as RDDM does.

    Yields
    ------
    State
        The start, the picture after each step, the last of them restored.

    Raises
    ------
    WorkbenchError
        The number of steps or the sizes are impossible.
    """
    require_same_size(degraded=degraded, noise=noise)
    stops = timesteps(schedule.residual_steps, steps)
    state = degraded + schedule.start_level * noise
    yield State("start", stops[0], state, degraded)
    for step, next_step in zip(stops, stops[1:], strict=False):
        residual, predicted = predict(state, step)
        if clip:
            residual = residual.clamp(-1, 1)
        state = (
            state
            - float(schedule.alpha_bar[step] - schedule.alpha_bar[next_step]) * residual
            - float(schedule.beta_bar[step] - schedule.beta_bar[next_step]) * predicted
        )
        if clip and next_step == 0:
            state = state.clamp(-1, 1)
        yield State("both", next_step, state, state - float(schedule.beta_bar[next_step]) * predicted)
