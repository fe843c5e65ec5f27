"""Noise schedule with a continuous noise level."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class NoiseSchedule:
    """A discrete variance schedule whose noise level can be drawn continuously between its steps.

    Parameters
    ----------
    betas : Tensor, shape (T,), float64
        Variance added at steps 1..T, each in (0, 1).
    """

    betas: Tensor

    @classmethod
    def linear(cls, start: float = 1e-6, end: float = 1e-2, steps: int = 1000) -> NoiseSchedule:
        """The paper's linear schedule (Liao et al., ICLR 2025, Sec. 4, training settings)."""
        return cls(torch.linspace(start, end, steps, dtype=torch.float64))

    @property
    def alpha_bar(self) -> Tensor:
        """Cumulative signal variance at steps 1..T: Tensor of shape (T,), float64, falling, in (0, 1)."""
        return torch.cumprod(1.0 - self.betas, dim=0)

    def sample_alpha_bar(self, level: Tensor, timesteps: tuple[int, int] | None = None) -> Tensor:
        """Continuous noise levels: a step uniform in a range, then uniform between its two neighbouring levels.

        Parameters
        ----------
        level : Tensor, shape (N,), in [0, 1)
            Uniform random numbers: the integer part of ``level * number of steps`` chooses the step, the fraction
            the place between the levels of that step and the one before it.
        timesteps : (int, int), optional
            First and last step, 1-based and inclusive, such as (1, 100) or (900, 1000); by default all steps.

        Returns
        -------
        Tensor, shape (N,), float32
            ``alpha_bar`` of each sample; between 1 (no noise, before step 1) and the last step's.

        Raises
        ------
        ValueError
            When the range is empty or reaches outside 1..T.
        """
        levels = torch.cat([torch.ones(1, dtype=torch.float64), self.alpha_bar]).to(level.device)
        first, last = timesteps or (1, len(self.betas))
        if not 1 <= first <= last <= len(self.betas):
            raise ValueError(f"timesteps must lie in 1..{len(self.betas)} in rising order, not ({first}, {last})")
        position = level.double() * (last - first + 1)
        step = first + position.floor().long().clamp(max=last - first)
        fraction = position - position.floor()
        above, below = levels[step - 1], levels[step]
        return (above + (below - above) * fraction).float().clamp(max=1.0 - 1e-7)

    @staticmethod
    def add_noise(clean: Tensor, noise: Tensor, alpha_bar: Tensor) -> Tensor:
        """``sqrt(alpha_bar) * clean + sqrt(1 - alpha_bar) * noise`` (the paper's Eq. 1).

        Parameters
        ----------
        clean, noise : Tensor, shape (N, C, H, W)
        alpha_bar : Tensor, shape (N,), in (0, 1]
        """
        alpha_bar = alpha_bar[:, None, None, None]
        return alpha_bar.sqrt() * clean + (1.0 - alpha_bar).sqrt() * noise
