"""Diffusion U-Nets: predict the noise in an image from the noisy image, two conditions and the noise level."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

CONDITION_CHANNELS = 6


class DiffusionUNet(nn.Module):
    """The paper's conditional diffusion U-Net, built from ``diffusers.UNet2DModel``.

    Two residual blocks a level, residual down- and upsampling, scale-shift normalisation by the noise level and
    self-attention in the middle block only. Widths [64, 128, 256, 512] are Diffusion-B (62.64 M parameters), the two
    smaller ones Diffusion-S and -T (Liao et al., ICLR 2025, Appendix A4.6).

    Parameters
    ----------
    widths : sequence of int
        Channels of each level, each a multiple of ``groups``.
    blocks : int
        Residual blocks a level.
    dropout : float
        Dropout inside the residual blocks.
    groups : int
        Groups of the group normalisation.
    """

    memory_format = torch.contiguous_format

    def __init__(
        self, widths: tuple[int, ...] = (64, 128, 256, 512), blocks: int = 2, dropout: float = 0.2, groups: int = 32
    ):
        super().__init__()
        # diffusers takes half a second to import: only those who build this network pay for it
        from diffusers import UNet2DModel

        self.multiple = 2 ** (len(widths) - 1)
        self.unet = UNet2DModel(
            in_channels=3 + CONDITION_CHANNELS,
            out_channels=3,
            block_out_channels=tuple(widths),
            layers_per_block=blocks,
            dropout=dropout,
            norm_num_groups=groups,
            attention_head_dim=min(32, widths[-1]),
            down_block_types=("ResnetDownsampleBlock2D",) * len(widths),
            up_block_types=("ResnetUpsampleBlock2D",) * len(widths),
            resnet_time_scale_shift="scale_shift",
        )

    def forward(self, noised: Tensor, conditions: Tensor, alpha_bar: Tensor) -> Tensor:
        """Predict the noise.

        Parameters
        ----------
        noised : Tensor, shape (N, 3, H, W)
            ``sqrt(alpha_bar) * clean + sqrt(1 - alpha_bar) * noise``; H and W multiples of ``self.multiple``.
        conditions : Tensor, shape (N, 6, H, W)
            The two conditions, concatenated along the channels.
        alpha_bar : Tensor, shape (N,), in (0, 1)
            The continuous noise level (Chen et al., WaveGrad, 2020). The sinusoidal embedding sees
            ``1000 * sqrt(alpha_bar)``, so that neighbouring steps of T = 1000 stay apart.

        Returns
        -------
        Tensor, shape (N, 3, H, W)
        """
        level = 1000.0 * alpha_bar.sqrt()
        return self.unet(torch.cat([noised, conditions], dim=1), level).sample


class _FiLMBlock(nn.Module):
    """Residual block of two convolutions whose features are scaled and shifted by a number's embedding."""

    def __init__(self, in_channels: int, out_channels: int, embedding: int):
        super().__init__()
        self.first = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.film = nn.Linear(embedding, 2 * out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else nn.Identity()

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.film(embedding)[..., None, None].chunk(2, dim=1)
        hidden = F.silu(self.first(features) * (1 + scale) + shift)
        return F.silu(self.shortcut(features) + self.second(hidden))


class FiLMUNet(nn.Module):
    """A U-Net for a CPU that is told a number: no normalisation, no attention, one block a level each way.

    Group normalisation costs 40 % of a training step on a CPU; feature-wise modulation by an embedding of the number
    replaces it.

    Parameters
    ----------
    in_channels, out_channels : int
    widths : sequence of int
        Channels of each level.
    embedding : int
        Size of the number's embedding.
    """

    def __init__(self, in_channels: int, out_channels: int, widths: tuple[int, ...], embedding: int = 64):
        super().__init__()
        self.multiple = 2 ** (len(widths) - 1)
        self.embedding = embedding
        self.embed = nn.Sequential(nn.Linear(embedding, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.down = nn.ModuleList(
            _FiLMBlock(before, after, embedding)
            for before, after in zip([in_channels, *widths[:-1]], widths, strict=True)
        )
        self.up = nn.ModuleList(
            _FiLMBlock(below + here, here, embedding) for below, here in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.last = nn.Conv2d(widths[0], out_channels, 3, padding=1)

    def modulated(self, features: Tensor, number: Tensor) -> Tensor:
        """The network's output (N, out_channels, H, W).

        Parameters
        ----------
        features : Tensor, shape (N, in_channels, H, W)
            H and W multiples of ``self.multiple``.
        number : Tensor, shape (N,)
            Of the order of 1.
        """
        frequencies = torch.exp(torch.linspace(0, math.log(100.0), self.embedding // 2, device=features.device))
        angles = number[:, None] * frequencies
        embedding = self.embed(torch.cat([angles.sin(), angles.cos()], dim=1))
        skips = []
        for level, block in enumerate(self.down):
            if level:
                features = F.avg_pool2d(features, 2)
            features = block(features, embedding)
            skips.append(features)
        skips.pop()
        for block in self.up:
            features = F.interpolate(features, scale_factor=2, mode="nearest")
            features = block(torch.cat([features, skips.pop()], dim=1), embedding)
        return self.last(features)


class LeanDiffusionUNet(FiLMUNet):
    """A diffusion U-Net for a CPU, told the log-signal-to-noise ratio.

    Parameters
    ----------
    widths : sequence of int
        Channels of each level.
    embedding : int
        Size of the noise level's embedding.
    """

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64), embedding: int = 64):
        super().__init__(3 + CONDITION_CHANNELS, 3, widths, embedding)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, noised: Tensor, conditions: Tensor, alpha_bar: Tensor) -> Tensor:
        """Predict the noise; arguments and result as in `DiffusionUNet.forward`."""
        log_snr = torch.log(alpha_bar) - torch.log1p(-alpha_bar)
        return self.modulated(torch.cat([noised, conditions], dim=1), log_snr.float() / 10.0)
