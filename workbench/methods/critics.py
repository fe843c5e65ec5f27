"""Adversaries of images, PixelDA's and CyCADA's: a critic tells two domains apart, a translator learns to fool it.

Both losses go into one backward pass: the critic judges the translated images without gradient to the translator, and
the translator learns through a critic that is held (`workbench.methods.gradients.held`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from workbench.methods.gradients import held
from workbench.recipes.schema import Section

if TYPE_CHECKING:
    from deepinv.loss.adversarial import DiscriminatorMetric

Form = Literal["cross-entropy", "least-squares"]
"""Of the original GAN (Goodfellow et al., 2014), non-saturating, or of LSGAN (Mao et al., 2017)."""


class TranslationOptions(Section):
    """Settings that the methods with translators share; the sizes are PixelDA's, where it states them."""

    adversarial: float = Field(1.0, ge=0, description="weight of the adversarial losses of what is translated")
    task: float = Field(10.0, ge=0, description="weight of the task's gradient where it reaches the generator")
    width: int = Field(64, ge=1, description="channels of each generator and of each discriminator's first layer")
    blocks: int = Field(6, ge=0, description="residual blocks of a generator")
    critic_layers: int = Field(3, ge=1, description="halvings of a discriminator's resolution")
    learning_rate: float = Field(2e-4, gt=0, description="of the networks beside the restorer")


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
