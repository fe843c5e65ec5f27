"""The residual network of DRDD's released code: a timed U-Net of weight-standardised convolutions.

Groups are normalised over the whole image and attention joins all of it, so that a tile is an approximation, with the
surroundings that ``halo`` says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from workbench.nets.library import CONTEXT
from workbench.nets.timed_unet import join
from workbench.nets.unet import Window

_EPSILON = 1e-5
_GROUPS = 8
_HEADS, _HEAD_WIDTH = 4, 32


def _normalised(values: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Values less their mean, divided by their standard deviation, over some axes."""
    variance, mean = torch.var_mean(values, dims, correction=0, keepdim=True)
    return (values - mean) * (variance + _EPSILON).rsqrt()


class _StandardisedConv(nn.Conv2d):
    """A convolution whose filters have mean 0 and variance 1 (Qiao et al., arXiv:1903.10520)."""

    def forward(self, features: Tensor) -> Tensor:
        return self._conv_forward(features, _normalised(self.weight, (1, 2, 3)), self.bias)


class _ChannelNorm(nn.Module):
    """Normalises the channels of each pixel, with a gain and no bias."""

    def __init__(self, channels: int):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, features: Tensor) -> Tensor:
        return _normalised(features, (1,)) * self.gain


class _TimedBlock(nn.Module):
    """A residual block; the time scales and shifts what comes out of its first normalisation."""

    def __init__(self, before: int, after: int, embedding: int):
        super().__init__()
        self.modulation = nn.Linear(embedding, 2 * after)
        self.first, self.first_norm = _StandardisedConv(before, after, 3, padding=1), nn.GroupNorm(_GROUPS, after)
        self.second, self.second_norm = _StandardisedConv(after, after, 3, padding=1), nn.GroupNorm(_GROUPS, after)
        self.shortcut = nn.Identity() if before == after else nn.Conv2d(before, after, 1)

    def forward(self, features: Tensor, time: Tensor) -> Tensor:
        scale, shift = self.modulation(F.silu(time))[..., None, None].chunk(2, dim=1)
        inner = F.silu(self.first_norm(self.first(features)) * (1 + scale) + shift)
        return self.shortcut(features) + F.silu(self.second_norm(self.second(inner)))


class _Attention(nn.Module):
    """Attention of all pixels to all, added to its input.

    Linear attention (Shen et al., WACV 2021) normalises queries over their channels and keys over the pixels, so that
    its cost grows with the pixels and not with their square; what it gives is normalised.
    """

    def __init__(self, channels: int, linear: bool):
        super().__init__()
        inner = _HEADS * _HEAD_WIDTH
        self.norm, self.linear = _ChannelNorm(channels), linear
        self.into, self.out = nn.Conv2d(channels, 3 * inner, 1, bias=False), nn.Conv2d(inner, channels, 1)
        self.out_norm = _ChannelNorm(channels) if linear else nn.Identity()

    def forward(self, features: Tensor) -> Tensor:
        shape = features.shape
        parts = self.into(self.norm(features)).unflatten(1, (3, _HEADS, _HEAD_WIDTH)).flatten(-2).unbind(1)
        if self.linear:
            queries, keys, values = parts  # (N, heads, channels, pixels)
            context = keys.softmax(-1) @ values.mT / values.shape[-1]
            attended = context.mT @ queries.softmax(-2) * _HEAD_WIDTH**-0.5
        else:
            attended = F.scaled_dot_product_attention(*(part.mT for part in parts)).mT
        return features + self.out_norm(self.out(attended.reshape(shape[0], -1, *shape[2:])))


class _Level(nn.Module):
    """Two blocks, attention, and what leads to the next level."""

    def __init__(self, blocks: Sequence[_TimedBlock], channels: int, towards: nn.Module):
        super().__init__()
        self.first, self.second = blocks
        self.attention, self.towards = _Attention(channels, linear=True), towards


class StandardisedTimedUNet(nn.Module):
    """A U-Net told a time: two residual blocks and linear attention a level, full attention in the middle.

    With widths (64, 128, 256, 512) it is the residual network of DRDD's code (Lin et al., arXiv:2606.01048), 36.26 M
    parameters, and each of RDDM's two (Liu et al., CVPR 2024).

    Parameters
    ----------
    in_channels, out_channels : int
    widths : sequence of int
        Channels of each level, multiples of 8.
    """

    memory_format = torch.contiguous_format

    def __init__(self, in_channels: int = 6, out_channels: int = 3, widths: tuple[int, ...] = (64, 128, 256, 512)):
        super().__init__()
        width, embedding = widths[0], 4 * widths[0]
        self.multiple, self.halo, self.width = 2 ** len(widths), CONTEXT, width
        self.begin = nn.Conv2d(in_channels, width, 7, padding=3)
        self.embed = nn.Sequential(nn.Linear(width, embedding), nn.GELU(), nn.Linear(embedding, embedding))
        steps = list(zip([width, *widths[:-1]], widths, strict=True))

        def block(before: int, after: int) -> _TimedBlock:
            return _TimedBlock(before, after, embedding)

        def down(before: int, after: int, last: bool) -> nn.Module:
            return nn.Conv2d(before, after, 3, padding=1) if last else nn.Conv2d(before, after, 4, 2, 1)

        def up(before: int, after: int, last: bool) -> nn.Module:
            conv = nn.Conv2d(before, after, 3, padding=1)
            return conv if last else nn.Sequential(nn.Upsample(scale_factor=2), conv)

        self.down = nn.ModuleList(
            _Level([block(here, here) for _ in range(2)], here, down(here, below, level == len(widths) - 1))
            for level, (here, below) in enumerate(steps)
        )
        self.middle = nn.ModuleList([block(widths[-1], widths[-1]) for _ in range(2)])
        self.middle_attention = _Attention(widths[-1], linear=False)
        self.up = nn.ModuleList(
            _Level([block(below + here, below) for _ in range(2)], below, up(below, here, level == 0))
            for level, (here, below) in reversed(list(enumerate(steps)))
        )
        self.end, self.last = block(2 * width, width), nn.Conv2d(width, out_channels, 1)

    def forward(self, *images: Tensor, time: Tensor | float, window: Window | None = None) -> Tensor:
        """The predicted image; arguments and result as in `workbench.nets.timed_unet.TimedUNet.forward`."""
        joined, time = join(images, self.multiple, time)
        height, width = images[0].shape[-2:]
        half = self.width // 2
        frequencies = torch.exp(torch.arange(half, device=joined.device) * (-math.log(10_000) / (half - 1)))
        angles = time[:, None] * frequencies
        embedding = self.embed(torch.cat([angles.sin(), angles.cos()], dim=1))
        first = features = self.begin(joined)
        skips = []
        for level in self.down:
            features = level.first(features, embedding)
            skips.append(features)
            features = level.attention(level.second(features, embedding))
            skips.append(features)
            features = level.towards(features)
        features = self.middle_attention(self.middle[0](features, embedding))
        features = self.middle[1](features, embedding)
        for level in self.up:
            features = level.first(torch.cat([features, skips.pop()], dim=1), embedding)
            features = level.attention(level.second(torch.cat([features, skips.pop()], dim=1), embedding))
            features = level.towards(features)
        features = self.end(torch.cat([features, first], dim=1), embedding)
        return self.last(features)[..., :height, :width]
