"""The error of a conditional diffusion network's noise prediction: what every probe is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from workbench.diffusion import NoiseSchedule


class Critic(Protocol):
    """A training method that has a conditional diffusion network."""

    diffusion: nn.Module
    noise_schedule: NoiseSchedule
    options: Any


@dataclass(frozen=True)
class NoisePredictor:
    """A conditional diffusion network, shown images in [0, 1].

    Parameters
    ----------
    network : nn.Module
        Maps ``(noised (N, 3, H, W), conditions (N, 6, H, W), alpha_bar (N,))`` to the predicted noise.
    schedule : NoiseSchedule
    symmetric_range : bool
        Whether the network knows images in [-1, 1] instead of [0, 1].
    """

    network: nn.Module
    schedule: NoiseSchedule
    symmetric_range: bool = True

    @classmethod
    def of(cls, method: Critic) -> NoisePredictor:
        """The diffusion network of a method that has one (``noise-space``, ``condition-quality``)."""
        return cls(method.diffusion, method.noise_schedule, method.options.symmetric_range)

    def noised(self, clean: Tensor, noise: Tensor, alpha_bar: Tensor) -> Tensor:
        """What the network is to denoise: clean images (N, 3, H, W) in [0, 1], in its range, with noise (Eq. 1)."""
        return self.schedule.add_noise(self._scale(clean), noise, alpha_bar)

    def __call__(self, noised: Tensor, first: Tensor, second: Tensor, alpha_bar: Tensor) -> Tensor:
        """Predict the noise.

        Parameters
        ----------
        noised : Tensor, shape (N, 3, H, W)
            See `noised`.
        first, second : Tensor, shape (N, 3, H, W)
            The two conditions in the order of their channels, in [0, 1].
        alpha_bar : Tensor, shape (N,)

        Returns
        -------
        Tensor, shape (N, 3, H, W)
        """
        conditions = self._scale(torch.cat([first, second], dim=1))
        return self.network(noised, conditions, alpha_bar).float()

    def _scale(self, images: Tensor) -> Tensor:
        return 2.0 * images - 1.0 if self.symmetric_range else images


@torch.no_grad()
def predict(
    predictor: NoisePredictor,
    clean: Tensor,
    first: Tensor,
    second: Tensor | None = None,
    timesteps: Sequence[int] = (100,),
    seed: int = 0,
    batch_size: int = 64,
) -> tuple[Tensor, Tensor]:
    """Noise an image at each timestep and predict that noise.

    Parameters
    ----------
    predictor : NoisePredictor
    clean : Tensor, shape (N, 3, H, W), range [0, 1]
        The images that are noised.
    first, second : Tensor, shape (N, 3, H, W), range [0, 1]
        The conditions in the order of their channels; the second is blank (0) if not given.
    timesteps : sequence of int
        Steps in 1..T.
    seed : int
        Equal seeds draw the same noise for the same shape and timesteps, whatever the conditions: differences between
        conditions are then paired.
    batch_size : int
        Images a pass; does not change the result beyond rounding.

    Returns
    -------
    predicted, noise : Tensor, shape (N, T, 3, H, W)

    Raises
    ------
    ValueError
        When a timestep lies outside 1..T.
    """
    levels = predictor.schedule.alpha_bar
    if not all(1 <= step <= len(levels) for step in timesteps):
        raise ValueError(f"timesteps must lie in 1..{len(levels)}, not {tuple(timesteps)}")
    second = torch.zeros_like(first) if second is None else second
    generator = torch.Generator().manual_seed(seed)
    noises, predictions = [], []
    for step in timesteps:
        noise = torch.randn(clean.shape, generator=generator).to(clean)
        alpha_bar = levels[step - 1].float().to(clean).expand(len(clean))
        noised = predictor.noised(clean, noise, alpha_bar)
        parts = zip(*(part.split(batch_size) for part in (noised, first, second, alpha_bar)), strict=True)
        predictions.append(torch.cat([predictor(*part) for part in parts]))
        noises.append(noise)
    return torch.stack(predictions, dim=1), torch.stack(noises, dim=1)


def noise_errors(
    predictor: NoisePredictor,
    clean: Tensor,
    first: Tensor,
    second: Tensor | None = None,
    timesteps: Sequence[int] = (100,),
    seed: int = 0,
) -> Tensor:
    """Mean squared error of the predicted noise of each image at each timestep, Tensor (N, T).

    Arguments and errors as in `predict`.
    """
    predicted, noise = predict(predictor, clean, first, second, timesteps, seed)
    return (predicted - noise).square().mean(dim=(2, 3, 4))
