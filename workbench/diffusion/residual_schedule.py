"""How much of the residual and of the noise a picture carries at each step: the tables of residual diffusion.

A degraded image is its clean image and a residual, ``degraded = clean + residual``. Residual diffusion goes from one to
the other through states ``clean + alpha_bar * residual + beta_bar * noise``. Images are in [-1, 1] unless said
otherwise, so a noise level (a standard deviation) of 1 is 127.5 on the scale of 0..255.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.errors import WorkbenchError


def level_in_255(level: float) -> float:
    """A noise level on images in [-1, 1] as a standard deviation on the scale of 0..255."""
    return 127.5 * level


def require_level(level: float) -> None:
    """Refuse a noise level that is not positive and finite.

    Raises
    ------
    WorkbenchError
    """
    if not 0 < level < float("inf"):
        raise WorkbenchError(f"noise level {level}: give a positive number, a standard deviation on images in [-1, 1]")


def require_same_size(**images: Tensor) -> None:
    """Refuse images of unequal sizes.

    Parameters
    ----------
    **images : Tensor
        By the name that the message gives them.

    Raises
    ------
    WorkbenchError
    """
    sizes = {name: tuple(image.shape) for name, image in images.items()}
    if len(set(sizes.values())) > 1:
        described = ", ".join(f"{name} {'x'.join(map(str, size))}" for name, size in sizes.items())
        raise WorkbenchError(f"images of unequal sizes: {described}; they must be equal")


def at(table: Tensor, step: int | Tensor, image: Tensor) -> Tensor:
    """The entries of a table at a step, one for all or one an image, ready to multiply images with."""
    entry = table.to(image.device)[step].to(image.dtype)
    return entry[:, None, None, None] if entry.ndim else entry


def timesteps(total: int, steps: int) -> list[int]:
    """The steps at which a sampler stops: ``total`` first, 0 (the end) last, as evenly apart as integers allow.

    Parameters
    ----------
    total : int
        Steps of the process, T.
    steps : int
        Steps of the sampler, 1..T.

    Returns
    -------
    list of int, length ``steps + 1``

    Raises
    ------
    WorkbenchError
        There are no such steps.
    """
    if not 1 <= steps <= total:
        raise WorkbenchError(f"sampling steps {steps}: give a number from 1 to {total}")
    return [part * total // steps for part in range(steps, -1, -1)]


@dataclass(frozen=True)
class ResidualSchedule:
    """Shares of residual and noise at steps 0..T; step 0 is the clean image. The tables are on the CPU.

    Parameters
    ----------
    alpha_bar : Tensor, shape (T + 1,), float64
        Share of the residual, rising from 0 (Lin et al., arXiv:2606.01048, Eq. 3).
    beta_bar : Tensor, shape (T' + 1,), float64
        Standard deviation of the noise, rising from 0 (Eq. 2). T' is T unless the noise table is cut.
    start_level : float
        Standard deviation of the noise that sampling adds to the degraded image.
    """

    alpha_bar: Tensor
    beta_bar: Tensor
    start_level: float

    @classmethod
    def released(cls, level: float = 1.0) -> ResidualSchedule:
        """The table of the authors' code: betas rising linearly from 1e-4 to 0.02 in 1000 steps.

        With ``A`` the cumulative product of ``1 - beta``, ``alpha_bar = 1 - sqrt(A)`` and ``beta_bar = sqrt(1 - A)``.
        The table ends at 0.99365 of the residual and a noise level of 0.99998, while sampling starts from the whole
        residual and level 1, so that even perfect networks leave 0.635 % of the residual. The paper prints no table.

        Parameters
        ----------
        level : float
            Noise level; below 1 the noise stage ends at the step whose level is the nearest.

        Raises
        ------
        WorkbenchError
            The table does not reach the level.
        """
        alpha_bar, beta_bar = _variance_preserving()
        if not beta_bar[1] <= level <= 1:
            raise WorkbenchError(
                f"noise level {level}: the released schedule has levels from {beta_bar[1]:.2f} to 1;"
                " choose the normalised one"
            )
        last = int((beta_bar - level).abs().argmin())
        return cls(alpha_bar, beta_bar[: last + 1], level)

    @classmethod
    def normalised(cls, level: float = 1.0) -> ResidualSchedule:
        """The released table stretched so that it ends at the whole residual and at the noise level asked for.

        Parameters
        ----------
        level : float
            Noise level, any positive number.
        """
        require_level(level)
        alpha_bar, beta_bar = _variance_preserving()
        return cls(alpha_bar / alpha_bar[-1], level * beta_bar / beta_bar[-1], level)

    @classmethod
    def rddm(cls, level: float = 1.0, steps: int = 1000) -> ResidualSchedule:
        """The table of residual denoising diffusion models (Liu et al., CVPR 2024).

        The residual's increments fall linearly, the noise's variances rise linearly.

        Parameters
        ----------
        level : float
            Noise level at the end; the square root of the authors' ``sum_scale``.
        steps : int
            T.
        """
        require_level(level)
        step = torch.arange(steps + 1, dtype=torch.float64, device="cpu")
        left = steps - step
        total = steps * (steps + 1)
        return cls(1 - left * (left + 1) / total, level * (step * (step + 1) / total).sqrt(), level)

    @property
    def residual_steps(self) -> int:
        """Steps of the residual's table."""
        return len(self.alpha_bar) - 1

    @property
    def noise_steps(self) -> int:
        """Steps of the noise's table."""
        return len(self.beta_bar) - 1


def _variance_preserving() -> tuple[Tensor, Tensor]:
    """``1 - sqrt(A)`` and ``sqrt(1 - A)`` at steps 0..1000."""
    signal = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64, device="cpu"), dim=0)
    signal = torch.cat([torch.ones(1, dtype=torch.float64, device="cpu"), signal])
    return 1 - signal.sqrt(), (1 - signal).sqrt()
