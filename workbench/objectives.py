"""The losses, as pure functions (Liao et al., ICLR 2025, Sec. 3)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def charbonnier(restored: Tensor, clean: Tensor, eps: float = 1e-3) -> Tensor:
    """Charbonnier restoration loss, ``mean(sqrt((restored - clean)^2 + eps^2))``.

    Parameters
    ----------
    restored, clean : Tensor, same shape
    eps : float
        Smooths the absolute value near zero (Zamir et al., MPRNet, CVPR 2021).

    Returns
    -------
    Tensor, scalar

    Examples
    --------
    >>> round(float(charbonnier(torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), 0.5))), 4)
    0.5
    """
    return torch.sqrt((restored - clean).square() + eps**2).mean()


def noise_prediction_error(noise: Tensor, predicted: Tensor) -> Tensor:
    """Mean squared error of the predicted noise (the paper's Eq. 1); a scalar."""
    return F.mse_loss(predicted, noise)


def residual_swap_contrast(
    noise: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 0.1,
    *,
    over_batch: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Residual-swapping contrastive loss, ``max(d(positive) - d(negative) + margin, 0)`` (the paper's Eq. 3).

    ``d`` is the mean squared distance to the true noise over the whole batch, as in the authors' code. The paper does
    not give the margin; 0.1 is the authors'.

    Parameters
    ----------
    noise : Tensor, shape (N, C, H, W)
        The true noise, the anchor.
    positive, negative : Tensor, shape (N, C, H, W)
        Noise predicted under the restored conditions and under the residual-swapped ones.
    margin : float
    over_batch : callable, optional
        Applied to the difference of the distances before the hinge: the mean over processes when the batch is spread
        over several.

    Returns
    -------
    Tensor, scalar
    """
    difference = noise_prediction_error(noise, positive) - noise_prediction_error(noise, negative)
    if over_batch is not None:
        difference = over_batch(difference)
    return F.relu(difference + margin)


def diffusion_weight(progress: float, ceiling: float = 0.2, steepness: float = 5.0) -> float:
    """Weight of the diffusion loss over training (the paper's Eq. 5).

    Parameters
    ----------
    progress : float
        Share of the training done; clipped to [0, 1].
    ceiling : float
        beta of Eq. 5; reached only in the limit of a steep ramp.
    steepness : float
        gamma of Eq. 5.

    Returns
    -------
    float
        ``(2 / (1 + exp(-steepness * progress)) - 1) * ceiling``, rising from 0.

    Examples
    --------
    >>> [round(diffusion_weight(progress, ceiling=1), 2) for progress in (0, 0.1, 0.5, 1)]
    [0.0, 0.24, 0.85, 0.99]
    """
    progress = min(max(progress, 0.0), 1.0)
    return (2.0 / (1.0 + math.exp(-steepness * progress)) - 1.0) * ceiling
