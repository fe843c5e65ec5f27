"""A U-Net that also sees what non-local means makes of the picture, and may choose it pixel by pixel."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from workbench.nets.layout import layout_of
from workbench.nets.unet import UNet, Window

SEARCH, PATCH = 6, 2
"""Radii in pixels of the square that is searched and of the patches that are compared."""
STRIP = 3 * 2**14
"""Pixels that are worked on at a time: as many as stay in a processor's cache, a third faster on large pictures."""


def non_local_means(images: Tensor, strongest: float, count: int) -> Tensor:
    """Non-local means of pictures at several strengths at once, all channels together.

    A pixel becomes the mean of those around it, each weighted by ``exp(-d / h ** 2)``: ``d`` is the mean squared
    difference of the patches of 5 by 5 pixels around both, ``h`` the strength. The search goes 6 pixels each way.

    Parameters
    ----------
    images : Tensor, shape (N, C, H, W)
        Continued by their outermost pixels.
    strongest : float
        The largest h, in units of the pictures' range, above 0.
    count : int
        How many strengths; each further one is half of the one before.

    Returns
    -------
    Tensor, shape (N, count, C, H, W)

    References
    ----------
    Buades, Coll, Morel: A non-local algorithm for image denoising, CVPR 2005.
    """
    height, width = images.shape[-2:]
    margin = SEARCH + PATCH
    surrounded = F.pad(images, (margin,) * 4, mode="replicate")
    on_cpu = images.device.type == "cpu"
    rows = max(STRIP // (len(images) * width), 3 * margin) if on_cpu else height  # strips begin with their margins anew
    strips = [surrounded[..., top : top + rows + 2 * margin, :] for top in range(0, height, rows)]
    return torch.cat([_means(strip, strongest, count) for strip in strips], dim=-2)


def _means(surrounded: Tensor, strongest: float, count: int) -> Tensor:
    """The means of a picture whose surroundings are given as well."""
    margin = SEARCH + PATCH
    images = surrounded[..., margin:-margin, margin:-margin]
    height, width = images.shape[-2:]

    def at(top: int, left: int, rows: int, columns: int) -> Tensor:
        return surrounded[..., margin + top : margin + top + rows, margin + left : margin + left + columns]

    total = images[:, None].repeat(1, count, 1, 1, 1)
    weights = torch.ones_like(total[:, :, :1])
    for down, right in _half_plane(SEARCH):
        # A pair of pixels has one weight, seen from either: once over all pixels of whom one lies in the picture
        top, left, rows, columns = -down, min(-right, 0), height + down, width + abs(right)
        around = (top - PATCH, left - PATCH, rows + 2 * PATCH, columns + 2 * PATCH)
        differences = at(*around) - at(around[0] + down, around[1] + right, *around[2:])
        weight = torch.exp(
            _box(differences.square().sum(1)) * (-1 / ((2 * PATCH + 1) ** 2 * images.shape[1] * strongest**2))
        )
        powers = [weight]
        for _ in range(count - 1):
            powers.append(powers[-1].square().square())  # half of h is four times the exponent
        weight = torch.stack(powers, dim=1)[:, :, None]
        for sign in (1, -1):
            row, column = (0, 0) if sign == 1 else (-down, -right)
            seen = weight[..., row - top : row - top + height, column - left : column - left + width]
            total.addcmul_(seen, at(sign * down, sign * right, height, width)[:, None])
            weights += seen
    return total / weights


def _half_plane(radius: int) -> Iterator[tuple[int, int]]:
    """Every offset of a square but the middle, one of each pair of opposite ones."""
    return (
        (down, right) for down in range(radius + 1) for right in range(-radius, radius + 1) if (down, right) > (0, 0)
    )


def _box(values: Tensor) -> Tensor:
    """Sums over squares of 5 by 5 (`PATCH` is 2), by sums of two; torch's pooling takes longer on a CPU."""
    for axis in (-2, -1):
        count = values.shape[axis] - 2 * PATCH
        pairs = values.narrow(axis, 0, count + 2) + values.narrow(axis, 1, count + 2)
        values = pairs.narrow(axis, 0, count) + pairs.narrow(axis, 2, count) + values.narrow(axis, 4, count)
    return values


class NonLocalUNet(UNet):
    """U-Net over a picture and its non-local means; restored = their mixture + net.

    The network sees the picture beside `non_local_means` of it at fixed strengths. Of its outputs, a softmax a pixel
    mixes the picture and its means, and three channels are added as in `UNet`. Averaging over like patches, which
    convolutions take long to learn, is thereby given; how strongly, and where, is learnt, not estimated.

    Parameters
    ----------
    strongest : float
        Strength of the strongest of the means, in units of the range [0, 1].
    means : int
        How many means; the strength is halved from one to the next.
    **options
        As for `UNet`.
    """

    def __init__(self, strongest: float = 0.2, means: int = 4, **options):
        if not (strongest > 0 and means >= 1):
            raise ValueError("strongest must be above 0 and means at least 1")
        self.strongest, self.means = strongest, means
        self.in_channels, self.out_channels = 3 * (1 + means), 3 + 1 + means
        super().__init__(**options)

    @property
    def halo(self) -> int:
        """Radius in pixels beyond which an input pixel cannot change an output pixel."""
        return super().halo + SEARCH + PATCH

    def _candidates(self, degraded: Tensor) -> Tensor:
        # Padded first: a picture that comes padded gives the same. Means are faster taken of planes
        picture = self._padded(degraded).contiguous()
        return torch.cat([picture[:, None], non_local_means(picture, self.strongest, self.means)], dim=1)

    def encode(self, degraded: Tensor) -> list[Tensor]:
        """As `UNet.encode`."""
        return self._encoded(self._candidates(degraded), layout_of(degraded))

    def decode(self, levels: list[Tensor], degraded: Tensor, window: Window | None = None) -> Tensor:
        """As `UNet.decode`."""
        return self._mixed(levels, self._candidates(degraded), degraded, window)

    def forward(self, degraded: Tensor, window: Window | None = None) -> Tensor:
        """Restored images, same shape as ``degraded``; not clipped."""
        candidates = self._candidates(degraded)
        return self._mixed(self._encoded(candidates, layout_of(degraded)), candidates, degraded, window)

    def residual(self, degraded: Tensor, window: Window | None = None) -> Tensor:
        """The predicted residual ``restored - degraded``, as `UNet.residual`."""
        return self(degraded, window) - degraded

    def _encoded(self, candidates: Tensor, layout: torch.memory_format) -> list[Tensor]:
        picture = candidates[:, :1]
        seen = torch.cat([picture, candidates[:, 1:] - picture], dim=1).flatten(1, 2)
        return super().encode(seen.contiguous(memory_format=layout))

    def _mixed(self, levels: list[Tensor], candidates: Tensor, degraded: Tensor, window: Window | None) -> Tensor:
        decoded = self._decoded(levels, candidates[:, 0], window).contiguous()
        shares, residual = decoded.split([candidates.shape[1], 3], dim=1)
        mixed = (shares.softmax(dim=1)[:, :, None] * candidates).sum(1) + residual
        return mixed[..., : degraded.shape[-2], : degraded.shape[-1]]
