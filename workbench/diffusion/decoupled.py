"""Decoupled residual denoising diffusion (DRDD; Lin et al., arXiv:2606.01048): noise first, then the residual.

Forwards, the clean image first takes on noise and then, the noise held fixed, the residual. Backwards, a first network
takes the residual off the noisy image and a second one the noise. Predictors are functions ``(state, step)``; what else
a network sees, such as the degraded image, is theirs to hand on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from torch import Tensor

from workbench.diffusion.residual_schedule import ResidualSchedule, at, require_same_size, timesteps
from workbench.errors import WorkbenchError

Predictor = Callable[[Tensor, int], Tensor]


class State(NamedTuple):
    """A picture on its way from the degraded to the clean image.

    Attributes
    ----------
    stage : str
        ``"start"``, ``"residual"``, ``"noise"`` or, where one stage does both, ``"both"``.
    step : int
        Step of the stage's table that the picture has reached; 0 is the stage's end.
    image : Tensor, shape (N, C, H, W)
    without_noise : Tensor, shape (N, C, H, W), or None
        The same with its noise subtracted: the noise that was added, as long as none was taken off, then the predicted
        one. None where the process does not tell the two apart.
    """

    stage: str
    step: int
    image: Tensor
    without_noise: Tensor | None = None


def add_noise(schedule: ResidualSchedule, clean: Tensor, noise: Tensor, step: int | Tensor) -> Tensor:
    """A state of the noise stage, ``clean + beta_bar * noise`` (Eq. 2).

    Parameters
    ----------
    schedule : ResidualSchedule
    clean, noise : Tensor, shape (N, C, H, W)
    step : int or Tensor of int64, shape (N,)
        In 0 .. ``schedule.noise_steps``.
    """
    require_same_size(clean=clean, noise=noise)
    return clean + at(schedule.beta_bar, step, clean) * noise


def add_residual(
    schedule: ResidualSchedule, clean: Tensor, residual: Tensor, noise: Tensor, step: int | Tensor
) -> Tensor:
    """A state of the residual stage: the clean image with all its noise and a share of the residual (Eq. 3).

    Parameters
    ----------
    schedule : ResidualSchedule
    clean, residual, noise : Tensor, shape (N, C, H, W)
        The residual is ``degraded - clean``.
    step : int or Tensor of int64, shape (N,)
        In 0 .. ``schedule.residual_steps``. At the end of a normalised schedule the state is ``degraded + level *
        noise`` (Eq. 4).
    """
    require_same_size(clean=clean, residual=residual)
    noisy = add_noise(schedule, clean, noise, schedule.noise_steps)
    return noisy + at(schedule.alpha_bar, step, clean) * residual


def remove_residual(schedule: ResidualSchedule, state: Tensor, residual: Tensor, step: int, next_step: int) -> Tensor:
    """A step of the residual stage (Eq. 6), which draws nothing.

    Parameters
    ----------
    schedule : ResidualSchedule
    state, residual : Tensor, shape (N, C, H, W)
        The picture at ``step`` and the residual predicted there.
    step, next_step : int
        ``step > next_step``.
    """
    require_same_size(state=state, residual=residual)
    return state - float(schedule.alpha_bar[step] - schedule.alpha_bar[next_step]) * residual


def remove_noise(
    schedule: ResidualSchedule,
    state: Tensor,
    noise: Tensor,
    step: int,
    next_step: int,
    eta: float = 0.0,
    draw: Callable[[], Tensor] | None = None,
) -> Tensor:
    """A step of the noise stage (Eq. 8).

    Parameters
    ----------
    schedule : ResidualSchedule
    state, noise : Tensor, shape (N, C, H, W)
        The picture at ``step`` and the noise predicted there, of unit variance.
    step, next_step : int
        ``step > next_step``.
    eta : float
        0: nothing is drawn; 1: as much noise is drawn as Bayes' rule asks for.
    draw : callable, optional
        Gives standard normal numbers of the state's shape; needed where ``eta`` is positive and the step not the last.

    Raises
    ------
    WorkbenchError
        ``eta`` is out of range.
    """
    require_same_size(state=state, noise=noise)
    _require_eta(eta)
    here, there = (float(schedule.beta_bar[each]) for each in (step, next_step))
    variance = eta * (here**2 - there**2) * there**2 / here**2
    state = state - (here - (there**2 - variance) ** 0.5) * noise
    if not variance:
        return state
    if draw is None:
        raise WorkbenchError(f"eta {eta} draws noise: say where from, or set eta to 0")
    return state + variance**0.5 * draw()


def sample(
    schedule: ResidualSchedule,
    degraded: Tensor,
    noise: Tensor,
    predict_residual: Predictor | None = None,
    predict_noise: Predictor | None = None,
    residual_steps: int = 2,
    noise_steps: int = 2,
    eta: float = 0.0,
    draw: Callable[[], Tensor] | None = None,
) -> Iterator[State]:
    """Restore images in two stages (Algorithm 2); nothing is clipped.

    Parameters
    ----------
    schedule : ResidualSchedule
    degraded : Tensor, shape (N, C, H, W), range [-1, 1]
    noise : Tensor, shape (N, C, H, W)
        Standard normal numbers, added to the degraded image at the schedule's level.
    predict_residual : callable or None
        ``(state, step)`` to the residual ``degraded - clean``. None: there is no first network, and the residual is
        left to the second one.
    predict_noise : callable or None
        ``(state, step)`` to the noise, of unit variance. None: there is no second network, and the noise that was
        added is subtracted again.
    residual_steps, noise_steps : int
        Steps of the stages.
    eta : float
        In [0, 1], as for `remove_noise`; the residual stage draws nothing at any (Eq. 5). The authors' code, at an eta
        above 0, adds noise there too.
    draw : callable, optional
        As for `remove_noise`.

    Yields
    ------
    State
        The start, the picture after each step, the last of them restored.

    Raises
    ------
    WorkbenchError
        Numbers of steps, ``eta`` or sizes are impossible.
    """
    require_same_size(degraded=degraded, noise=noise)
    _require_eta(eta)
    removal = timesteps(schedule.residual_steps, residual_steps) if predict_residual else [0]
    denoising = timesteps(schedule.noise_steps, noise_steps)
    added = schedule.start_level * noise
    state = degraded + added
    yield State("start", removal[0], state, degraded)
    for step, next_step in zip(removal, removal[1:], strict=False):
        state = remove_residual(schedule, state, predict_residual(state, step), step, next_step)
        yield State("residual", next_step, state, state - added)
    if predict_noise is None:
        yield State("noise", 0, state - added, state - added)
        return
    for step, next_step in zip(denoising, denoising[1:], strict=False):
        predicted = predict_noise(state, step)
        without_noise = state - float(schedule.beta_bar[step]) * predicted
        state = remove_noise(schedule, state, predicted, step, next_step, eta, draw)
        yield State("noise", next_step, state, without_noise)


def noise_of(schedule: ResidualSchedule, state: Tensor, clean: Tensor, step: int | Tensor) -> Tensor:
    """The noise in a state of the noise stage, given a prediction of the clean image.

    A network may predict the clean image rather than the noise: the sampler is the same, and at high levels an error of
    the network no longer enters the picture at the level's scale.

    Parameters
    ----------
    schedule : ResidualSchedule
    state, clean : Tensor, shape (N, C, H, W)
    step : int or Tensor of int64, shape (N,)
        At least 1.
    """
    return (state - clean) / at(schedule.beta_bar, step, state)


def _require_eta(eta: float) -> None:
    if not 0 <= eta <= 1:
        raise WorkbenchError(f"eta {eta}: give a number from 0 (nothing is drawn) to 1")
