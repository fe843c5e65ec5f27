"""Aligning two domains in a restorer's bottleneck features."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from workbench.errors import WorkbenchError
from workbench.methods.gradients import scale_gradient
from workbench.recipes import Recipe


class Bottleneck(NamedTuple):
    """The size of a restorer's bottleneck features: channels, and pixels of the image along a side of a position."""

    channels: int
    factor: int


def bottleneck(restorer: nn.Module, recipe: Recipe) -> Bottleneck:
    """The size of the restorer's bottleneck features.

    Raises
    ------
    WorkbenchError
        When the restorer has none: it lacks ``encode`` and ``decode`` (see `workbench.nets.unet.UNet`).
    """
    if not (hasattr(restorer, "encode") and hasattr(restorer, "decode")):
        raise WorkbenchError(
            f"method {recipe.method} works on bottleneck features, which restorer {recipe.restorer.name} does not show;"
            " use a U-Net, such as --set restorer.name=unet-pocket"
        )
    with torch.no_grad():
        features = restorer.encode(torch.zeros(1, 3, restorer.multiple, restorer.multiple))[-1]
    return Bottleneck(features.shape[1], restorer.multiple // features.shape[-1])


def restore_with_features(restorer: nn.Module, degraded: Tensor, *others: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Restore the first images, and only encode the others, in one pass of the encoder.

    Returns
    -------
    restored : Tensor
        Of ``degraded``.
    bottlenecks : list of Tensor, shape (N, C, h, w)
        Of ``degraded`` and each of the others.
    """
    levels = restorer.encode(torch.cat([degraded, *others]))
    restored = restorer.decode([level[: len(degraded)] for level in levels], degraded)
    return restored, list(levels[-1].split([len(images) for images in (degraded, *others)]))


def domain_confusion(classifier: nn.Module, source: Tensor, target: Tensor, weight: float) -> Tensor:
    """Cross entropy of a domain classifier whose gradient comes back from it reversed (Ganin and Lempitsky, 2015).

    The classifier descends it; what made the features climbs it, with the gradient times ``weight``.

    Parameters
    ----------
    classifier : nn.Module
        Gives logits of "target".
    source, target : Tensor, shape (N, C, h, w)
        Features.
    weight : float

    Returns
    -------
    Tensor, scalar
        ln 2 = 0.69 where the classifier cannot tell the domains apart.
    """
    logits = [classifier(scale_gradient(features, -weight)).float() for features in (source, target)]
    labels = [torch.zeros_like(logits[0]), torch.ones_like(logits[1])]
    return F.binary_cross_entropy_with_logits(torch.cat(logits), torch.cat(labels))
