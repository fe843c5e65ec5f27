"""What the networks of decoupled residual diffusion see and predict, in training as in sampling.

A network is called as ``network(*images, time=...)`` and returns an image (`workbench.nets.timed_unet`). Its time is
1000 times the share of the residual or the level of the noise, as in the code of Lin et al. (arXiv:2606.01048).
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from workbench.diffusion.decoupled import noise_of
from workbench.diffusion.mean_reverting import decoupled_mean_reverting
from workbench.diffusion.residual_schedule import ResidualSchedule, at

Network = Callable[..., Tensor]

SCHEDULES: dict[str, Callable[[float], ResidualSchedule]] = {
    "normalised": ResidualSchedule.normalised,
    "released": ResidualSchedule.released,
    "mean-reverting": decoupled_mean_reverting,
}
"""Schedules of decoupled residual diffusion by name, each for a noise level."""

CONTRAST = 0.5
"""Standard deviation of photographs in [-1, 1], as Karras et al. (NeurIPS 2022) take it."""


def residual_time(schedule: ResidualSchedule, step: int | Tensor) -> Tensor:
    """The time that a network of the residual stage is told."""
    return 1000 * _entries(schedule.alpha_bar, step)


def noise_time(schedule: ResidualSchedule, step: int | Tensor) -> Tensor:
    """The time that a network of the noise stage is told."""
    return 1000 * _entries(schedule.beta_bar, step)


def _entries(table: Tensor, step: int | Tensor) -> Tensor:
    return table.to(step.device)[step] if isinstance(step, Tensor) else table[step]


def predict_in_noise_stage(
    network: Network,
    schedule: ResidualSchedule,
    state: Tensor,
    degraded: Tensor | None,
    step: int | Tensor,
    predicts: str,
) -> tuple[Tensor, Tensor]:
    """The clean image and the noise that a network of the noise stage speaks for.

    Parameters
    ----------
    network : callable
    schedule : ResidualSchedule
    state : Tensor, shape (N, C, H, W)
    degraded : Tensor, shape (N, C, H, W), or None
        What it sees beside the state: the degraded image, as in the authors' code, or nothing, as in the paper.
    step : int or Tensor of int64, shape (N,)
        At least 1.
    predicts : {"noise", "clean"}
        ``"noise"``: its output is the noise of unit variance (Eq. 10); an error in it enters the picture at the level's
        scale. ``"clean"``: its output is taken off the degraded image if it sees that, else mixed with the state by
        the preconditioning of Karras et al. (NeurIPS 2022, Table 1), and the noise follows.

    Returns
    -------
    clean, noise : Tensor, shape (N, C, H, W)
    """
    time, level = noise_time(schedule, step), at(schedule.beta_bar, step, state)
    if predicts == "noise":
        noise = network(*([state] if degraded is None else [state, degraded]), time=time)
        return state - level * noise, noise
    if degraded is not None:
        clean = degraded - network(state, degraded, time=time)
    else:
        variance = CONTRAST**2 + level**2
        predicted = network(state / variance**0.5, time=time)
        clean = CONTRAST**2 / variance * state + CONTRAST * level / variance**0.5 * predicted
    return clean, noise_of(schedule, state, clean, step)


def predict_both(
    network: Network, schedule: ResidualSchedule, state: Tensor, degraded: Tensor, step: int | Tensor
) -> tuple[Tensor, Tensor]:
    """Residual and noise that the one network of coupled diffusion speaks for.

    One with six channels predicts both. From one with three, which predicts the residual, the noise follows: the clean
    image being ``degraded - residual``, it is what is left of the state.
    """
    predicted = network(state, degraded, time=noise_time(schedule, step))
    if predicted.shape[1] > state.shape[1]:
        residual, noise = predicted.chunk(2, dim=1)
        return residual, noise
    left = state - degraded + (1 - at(schedule.alpha_bar, step, state)) * predicted
    return predicted, left / at(schedule.beta_bar, step, state)
