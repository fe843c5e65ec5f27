"""The restoration U-Net of the paper's experiments."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


def _double_conv(in_channels: int, out_channels: int, slope: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1),
        nn.LeakyReLU(slope),
        nn.Conv2d(out_channels, out_channels, 3, padding=1),
        nn.LeakyReLU(slope),
    )


class _Up(nn.Module):
    """Bilinear upsampling, a 3x3 convolution, the skip by concatenation and two convolutions."""

    def __init__(self, in_channels: int, out_channels: int, slope: float):
        super().__init__()
        self.reduce = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.block = _double_conv(2 * out_channels, out_channels, slope)

    def forward(self, features: Tensor, skip: Tensor) -> Tensor:
        features = F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=True)
        return self.block(torch.cat([self.reduce(features), skip], dim=1))


class UNet(nn.Module):
    """Residual restoration U-Net: ``restored = degraded + net(degraded)``.

    Two 3x3 convolutions a level with LeakyReLU, average pooling on the way down, bilinear upsampling followed by a
    3x3 convolution on the way up, skips by concatenation. Width 32 / 64 / 76 at four levels are the paper's
    Unet-T / S / B with 2.14 / 8.56 / 12.07 M parameters (Liao et al., ICLR 2025, Appendix A1.3).

    Parameters
    ----------
    width : int
        Channels of the first level; doubled at each further level.
    depth : int
        Number of levels, at least 1.
    slope : float
        Negative slope of the LeakyReLU.
    init : {"kaiming", "default"}
        ``"kaiming"`` draws the convolutions from a Kaiming normal distribution and scales the last layer by 0.05, so
        that training starts near the identity; ``"default"`` keeps PyTorch's initialisation.
    """

    def __init__(self, width: int = 64, depth: int = 4, slope: float = 0.2, init: str = "default"):
        super().__init__()
        widths = [width * 2**level for level in range(depth)]
        self.multiple = 2 ** (depth - 1)
        self.encoder = nn.ModuleList(
            _double_conv(before, after, slope) for before, after in zip([3, *widths[:-1]], widths, strict=True)
        )
        self.decoder = nn.ModuleList(
            _Up(below, here, slope) for below, here in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.last = nn.Conv2d(width, 3, 3, padding=1)
        if init == "kaiming":
            self._kaiming_init(slope)
        elif init != "default":
            raise ValueError(f"init must be 'kaiming' or 'default', not {init!r}")

    def _kaiming_init(self, slope: float) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=slope)
                nn.init.zeros_(module.bias)
        with torch.no_grad():
            self.last.weight.mul_(0.05)

    @property
    def halo(self) -> int:
        """Radius in pixels beyond which an input pixel cannot change an output pixel (bounded from above)."""
        # Two convolutions down, three up and two for the bilinear kernel at each level; the last convolution.
        return 1 + sum(8 * 2**level for level in range(len(self.encoder)))

    def residual(self, degraded: Tensor) -> Tensor:
        """The predicted residual ``restored - degraded``.

        Parameters
        ----------
        degraded : Tensor, shape (N, 3, H, W), range [0, 1]
            Any height and width; sides are padded by replication to a multiple of ``2 ** (depth - 1)``.

        Returns
        -------
        Tensor, shape (N, 3, H, W)
        """
        height, width = degraded.shape[-2:]
        pad = (0, -width % self.multiple, 0, -height % self.multiple)
        features = F.pad(degraded, pad, mode="replicate") if any(pad) else degraded
        skips = []
        for level, block in enumerate(self.encoder):
            if level:
                features = F.avg_pool2d(features, 2)
            features = block(features)
            skips.append(features)
        skips.pop()
        for up in self.decoder:
            features = up(features, skips.pop())
        return self.last(features)[..., :height, :width]

    def forward(self, degraded: Tensor) -> Tensor:
        """Restored images, same shape as ``degraded``; not clipped."""
        return degraded + self.residual(degraded)
