"""What methods that make degraded pictures do to clean pictures and to what is added to them."""

from __future__ import annotations

import math
from typing import Literal

from torch import Tensor

Freedom = Literal["free", "zero-mean", "high-pass"]
"""What a generator may add to a picture: anything; no mean colour; nothing wide, blotches of colour included."""
WIDE = 2.0
"""Standard deviation in pixels of the Gaussian whose result counts as wide."""


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Images (N, C, H, W) after a Gaussian blur of so many pixels, continued by reflection; as they are for 0."""
    if not sigma:
        return images
    from torchvision.transforms.functional import gaussian_blur  # slow to import

    return gaussian_blur(images, 2 * math.ceil(3 * sigma) + 1, sigma)


def restrained(residual: Tensor, freedom: Freedom) -> Tensor:
    """What is left of a residual (N, C, H, W): all, all but its mean colour, or what is narrow.

    A discriminator that sees target images tells a generator of their colours, too; a clean image keeps its own, and
    the restorer would learn to shift them.
    """
    if freedom == "zero-mean":
        return residual - residual.mean(dim=(-2, -1), keepdim=True)
    return residual if freedom == "free" else residual - blurred(residual, WIDE)
