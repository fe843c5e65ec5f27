"""RingNet: dilated convolutions that predict the residual, after Zhang et al. (CVPR 2017, IRCNN)."""

import torch
from torch import Tensor, nn


class RingNet(nn.Module):
    """A residual network with an even wide view and no pooling.

    Parameters
    ----------
    width : int
        Channels.
    dilations : sequence of int
        Of its 3x3 convolutions.
    """

    multiple = 1

    def __init__(self, width: int = 24, dilations: tuple[int, ...] = (1, 2, 3, 2, 1)):
        super().__init__()
        channels = [3, *[width] * (len(dilations) - 1), 3]
        layers = []
        for before, after, dilation in zip(channels, channels[1:], dilations, strict=False):
            layers += [nn.Conv2d(before, after, 3, padding=dilation, dilation=dilation), nn.LeakyReLU(0.2)]
        self.body = nn.Sequential(*layers[:-1])
        self.halo = sum(dilations)
        with torch.no_grad():
            self.body[-1].weight.mul_(0.1)

    def forward(self, degraded: Tensor, window=None) -> Tensor:
        """Restored images (N, 3, H, W), as large as the degraded ones; not clipped."""
        return degraded + self.body(degraded)
