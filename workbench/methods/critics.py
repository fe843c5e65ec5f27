"""Adversarial losses of images: a critic tells two domains apart, a translator learns to fool it.

Both losses go into one backward pass: the critic judges the translated images without gradient to the translator, and
the translator learns through a critic that is held (`workbench.methods.gradients.held`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from workbench.methods.gradients import held

if TYPE_CHECKING:
    from deepinv.loss.adversarial import DiscriminatorMetric

Form = Literal["cross-entropy", "least-squares"]
"""Of the original GAN (Goodfellow et al., 2014), non-saturating, or of LSGAN (Mao et al., 2017)."""


@cache
def _metric(form: Form, device: torch.device) -> DiscriminatorMetric:
    from deepinv.loss.adversarial import DiscriminatorMetric  # slow to import

    return DiscriminatorMetric(
        {"cross-entropy": nn.BCEWithLogitsLoss, "least-squares": nn.MSELoss}[form](), device=device
    )


def critic_loss(critic: nn.Module, genuine: Tensor, translated: Tensor, form: Form) -> Tensor:
    """What the critic descends: it is to call genuine images 1 and translated ones 0.

    Parameters
    ----------
    critic : nn.Module
        Gives a map of scores.
    genuine, translated : Tensor, shape (N, 3, H, W)
    form : {"cross-entropy", "least-squares"}

    Returns
    -------
    Tensor, scalar
        2 ln 2 = 1.39 (cross entropy) or 0.5 (least squares) where the critic cannot tell them apart.
    """
    metric = _metric(form, genuine.device)
    return metric(critic(genuine).float(), real=True) + metric(critic(translated.detach()).float(), real=False)


def fooling_loss(critic: nn.Module, translated: Tensor, form: Form) -> Tensor:
    """What the translator descends: the critic is to call translated images 1. No gradient reaches the critic."""
    return _metric(form, translated.device)(held(critic, translated).float(), real=True)
