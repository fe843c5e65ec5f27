"""Small networks that stand beside a restorer while it is trained: critics and translators of images."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def domain_classifier(channels: int, width: int) -> nn.Sequential:
    """Tells at every position of a feature map which domain it comes from: (N, channels, H, W) to logits (N, 1, H, W).

    1x1 convolutions, so that it takes any size, as restorers do.
    """
    return nn.Sequential(nn.Conv2d(channels, width, 1), nn.LeakyReLU(0.2), nn.Conv2d(width, 1, 1))


def image_critic(width: int, layers: int) -> nn.Module:
    """PatchGAN discriminator of deepinv without batch normalisation: (N, 3, H, W) to a map of scores (N, 1, h, w).

    Batch normalisation would make a score depend on the other pictures of the batch, and its running averages are no
    parameters. An input must be at least ``2 ** layers`` pixels high and wide.
    """
    from deepinv.models.gan import PatchGANDiscriminator  # takes seconds; the methods without critics need not wait

    return PatchGANDiscriminator(ndf=width, n_layers=layers, batch_norm=False)


class _Residual(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.block(features)


class Translator(nn.Module):
    """Brings images of one domain into the style of another: ``translated = image + net(image, noise)``.

    Residual blocks at full resolution; the last layer starts at a twentieth of PyTorch's initialisation, so that the
    translation starts near the identity.

    Parameters
    ----------
    width : int
        Channels of the residual blocks.
    blocks : int
    noise : bool
        Whether three channels of noise are shown beside the image.
    """

    def __init__(self, width: int, blocks: int, *, noise: bool):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(6 if noise else 3, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            *(_Residual(width) for _ in range(blocks)),
            nn.Conv2d(width, 3, 3, padding=1),
        )
        with torch.no_grad():
            for parameter in self.layers[-1].parameters():
                parameter.mul_(0.05)

    def residual(self, image: Tensor, *noise: Tensor) -> Tensor:
        """What is added to images (N, 3, H, W) to translate them."""
        return self.layers(torch.cat([image, *noise], dim=1))

    def forward(self, image: Tensor, *noise: Tensor) -> Tensor:
        """Translated images (N, 3, H, W), not clipped."""
        return image + self.residual(image, *noise)
