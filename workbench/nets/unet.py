"""The restoration U-Net of the paper's experiments."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from workbench.nets.layout import by_width, layout_of


class Window(NamedTuple):
    """Where a tile lies in the whole image, in pixels; what a restorer needs to treat it as it would the whole.

    Attributes
    ----------
    top, left : int
        The tile's upper left corner, multiples of the restorer's ``multiple``.
    height, width : int
        Sides of the whole image.
    """

    top: int
    left: int
    height: int
    width: int


class _Cuts(NamedTuple):
    """The sides of a tile that are no sides of the image: 1 there, else 0; in the order of ``F.pad``."""

    left: int
    right: int
    top: int
    bottom: int


def _cuts(tile: Tensor, window: Window | None, halo: int) -> _Cuts:
    """None in a tile that is all surroundings."""
    rows, columns = tile.shape[-2:]
    if window is None or min(rows, columns) <= 2 * halo:
        return _Cuts(0, 0, 0, 0)
    bottom, right = window.top + rows < window.height, window.left + columns < window.width
    return _Cuts(int(window.left > 0), int(right), int(window.top > 0), int(bottom))


def _trimmed(features: Tensor, cuts: _Cuts, margin: int) -> Tensor:
    """Features without so many pixels beside each cut."""
    if not any(cuts):
        return features
    (rows, columns), (left, right, top, bottom) = features.shape[-2:], (margin * cut for cut in cuts)
    return features[..., top : rows - bottom, left : columns - right].contiguous(memory_format=layout_of(features))


def _double_conv(in_channels: int, out_channels: int, slope: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1),
        nn.LeakyReLU(slope, inplace=True),
        nn.Conv2d(out_channels, out_channels, 3, padding=1),
        nn.LeakyReLU(slope, inplace=True),
    )


class _Up(nn.Module):
    """Bilinear upsampling, a 3x3 convolution, the skip by concatenation and two convolutions."""

    def __init__(self, in_channels: int, out_channels: int, slope: float):
        super().__init__()
        self.reduce = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.block = _double_conv(2 * out_channels, out_channels, slope)

    def forward(self, features: Tensor, skip: Tensor, window: Window | None = None) -> Tensor:
        if window is None:
            features = F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=True)
        else:
            features = _upsample_tile(features, window)
        features = self.reduce(features)  # by the same name: nothing else must hold what is no longer needed
        features = torch.cat([features, skip], dim=1)
        for layer in self.block:
            features = layer(features)
        return features


def _upsample_tile(features: Tensor, window: Window) -> Tensor:
    """Double the sides of a tile the way bilinear upsampling with aligned corners doubles those of the whole.

    With aligned corners, row ``i`` of the result is taken at ``i (n - 1) / (2 n - 1)``, where ``n`` is the height of
    the whole: upsampling a tile by itself would shift its content by up to half a row.

    Parameters
    ----------
    features : Tensor, shape (N, C, rows, columns)
    window : Window
        Where ``features`` lies, in its own pixels.

    Returns
    -------
    Tensor, shape (N, C, 2 * rows, 2 * columns)
        Where the result needs a row or column just outside the tile, the outermost of the tile stands in for it.
    """

    def coordinates(start: int, length: int, total: int) -> Tensor:
        index = torch.arange(2 * start, 2 * (start + length), dtype=torch.float64)
        position = index * ((total - 1) / (2 * total - 1)) - start
        return position.clamp(0, length - 1) * (2 / max(length - 1, 1)) - 1

    rows = coordinates(window.top, features.shape[-2], window.height)
    columns = coordinates(window.left, features.shape[-1], window.width)
    grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij")[::-1], dim=-1).to(features)
    doubled = F.grid_sample(features, grid.expand(len(features), -1, -1, -1), mode="bilinear", align_corners=True)
    return doubled.contiguous(memory_format=layout_of(features))  # it does not keep it


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
    unshuffle : int
        The network sees squares of so many pixels a side as channels of one pixel, and its output is laid out again
        (FFDNet; Zhang, Zuo, Zhang, TIP 2018): a quarter of the cost and twice the field of view for 2.
    """

    in_channels, out_channels = 3, 3

    def __init__(self, width: int = 64, depth: int = 4, slope: float = 0.2, init: str = "default", unshuffle: int = 1):
        super().__init__()
        widths = [width * 2**level for level in range(depth)]
        channels = self.in_channels * unshuffle**2
        self.memory_format = by_width(width)
        self.unshuffle = unshuffle
        self.multiple = unshuffle * 2 ** (depth - 1)
        self.encoder = nn.ModuleList(
            _double_conv(before, after, slope) for before, after in zip([channels, *widths[:-1]], widths, strict=True)
        )
        self.decoder = nn.ModuleList(
            _Up(below, here, slope) for below, here in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.last = nn.Conv2d(width, self.out_channels * unshuffle**2, 3, padding=1)
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
        """Radius in pixels beyond which an input pixel cannot change an output pixel."""
        # Interval arithmetic over two 3x3 convolutions a level down, three up, one at the end, pooling and upsampling:
        # 10 * 2 ** (depth - 1) - 7 pixels of the first level, and what lies in a square beside the pixel itself
        return 10 * self.multiple - 6 * self.unshuffle - 1

    def encode(self, degraded: Tensor) -> list[Tensor]:
        """The features of every level, the finest first; the last are those of the bottleneck.

        Parameters
        ----------
        degraded : Tensor, shape (N, 3, H, W), range [0, 1]
            Any height and width; sides are padded by replication to a multiple of ``multiple``.

        Returns
        -------
        list of Tensor
            Level ``l`` has shape (N, width * 2 ** l, H' / s, W' / s) with the padded sides H' and W' and
            ``s = unshuffle * 2 ** l``.
        """
        features = self._padded(degraded)
        if self.unshuffle > 1:
            features = F.pixel_unshuffle(features, self.unshuffle)
        levels = []
        for level, block in enumerate(self.encoder):
            if level:
                features = F.avg_pool2d(features, 2)
            features = block(features)
            levels.append(features)
        return levels

    def _padded(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        pad = (0, -width % self.multiple, 0, -height % self.multiple)
        return F.pad(images, pad, mode="replicate") if any(pad) else images

    def decode(self, levels: list[Tensor], degraded: Tensor, window: Window | None = None) -> Tensor:
        """Restored images from the features that `encode` found in ``degraded``; for ``window`` see `residual`."""
        return degraded + self._decoded(levels, degraded, window)

    def _decoded(self, levels: list[Tensor], degraded: Tensor, window: Window | None) -> Tensor:
        *skips, features = levels
        cuts, trimmed = _cuts(degraded, window, self.halo), 0
        for level, margin, up in zip(range(len(skips), 0, -1), self._margins(), self.decoder, strict=True):
            features = _trimmed(features, cuts, margin - trimmed)
            trimmed = 2 * margin
            skip = _trimmed(skips.pop(), cuts, trimmed)
            below = None
            if window is not None:  # in the padded whole, in pixels of the level below
                scale = self.unshuffle << level
                below = Window(*(-(-side // self.multiple) * self.multiple // scale for side in window))
                below = below._replace(top=below.top + margin * cuts.top, left=below.left + margin * cuts.left)
            features = up(features, skip, below)
        residual = self.last(features)
        if self.unshuffle > 1:
            residual = F.pixel_shuffle(residual, self.unshuffle)
        if any(cuts):
            residual = F.pad(residual, [cut * trimmed * self.unshuffle for cut in cuts])
        return residual[..., : degraded.shape[-2], : degraded.shape[-1]]

    def _margins(self) -> list[int]:
        """How far from a cut each level's features are not worth decoding, in its pixels, the coarsest level first.

        Only pixels ``halo`` away from every cut need be exact; each level takes what lies at most 5 pixels nearer to
        the cut: by two or three convolutions, one before them, and the interpolation.
        """
        margins = [self.halo // self.unshuffle]
        for _ in self.decoder:
            margins.append(max((margins[-1] - 5) // 2, 0))
        return margins[:0:-1]

    def residual(self, degraded: Tensor, window: Window | None = None) -> Tensor:
        """The predicted residual ``restored - degraded``.

        Parameters
        ----------
        degraded : Tensor, shape (N, 3, H, W), range [0, 1]
            Any height and width, as for `encode`.
        window : Window, optional
            Where ``degraded`` lies, if it is a tile. Pixels at least ``halo`` away from every cut (a side of the tile
            that is no side of the image) then come out as they would from the whole image.

        Returns
        -------
        Tensor, shape (N, 3, H, W)
        """
        return self._decoded(self.encode(degraded), degraded, window)

    def forward(self, degraded: Tensor, window: Window | None = None) -> Tensor:
        """Restored images, same shape as ``degraded``; not clipped. For ``window`` see `residual`."""
        return degraded + self.residual(degraded, window)
