"""The blind-spot network of AP-BSN; its procedure at test time is `workbench.restorers.blind_spot`."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from workbench.nets.layout import by_width
from workbench.nets.unet import Window


class _CentreMasked(nn.Conv2d):
    """A convolution that does not see the pixel it computes."""

    def forward(self, features: Tensor) -> Tensor:
        seen = torch.ones_like(self.weight)
        seen[..., self.kernel_size[0] // 2, self.kernel_size[1] // 2] = 0
        return self._conv_forward(features, self.weight * seen, self.bias)


class _Dilated(nn.Module):
    """A dilated convolution and a 1x1 convolution beside a skip."""

    def __init__(self, width: int, dilation: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation), nn.ReLU(), nn.Conv2d(width, width, 1)
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.body(features)


def _branch(width: int, modules: int, dilation: int) -> nn.Sequential:
    """Reaches a pixel's surroundings at multiples of the dilation, and never the pixel itself.

    The masked convolution sees offsets of less than the dilation, zero left out. What follows moves by multiples of the
    dilation, so no sum of moves is zero.
    """
    return nn.Sequential(
        _CentreMasked(width, width, 2 * dilation - 1, padding=dilation - 1), nn.ReLU(),
        nn.Conv2d(width, width, 1), nn.ReLU(),
        nn.Conv2d(width, width, 1), nn.ReLU(),
        *(_Dilated(width, dilation) for _ in range(modules)),
        nn.Conv2d(width, width, 1), nn.ReLU(),
    )  # fmt: skip


def shuffle_down(images: Tensor, stride: int) -> Tensor:
    """Every ``stride``-th pixel as an image of its own: (N, C, H, W) to (N * stride**2, C, H / stride, W / stride)."""
    count, channels = images.shape[:2]
    parts = F.pixel_unshuffle(images, stride).unflatten(1, (channels, stride**2))
    return parts.transpose(1, 2).reshape(count * stride**2, channels, *parts.shape[-2:])


def shuffle_up(parts: Tensor, stride: int) -> Tensor:
    """The inverse of `shuffle_down`."""
    return F.pixel_shuffle(parts.unflatten(0, (-1, stride**2)).transpose(1, 2).flatten(1, 2), stride)


def split(images: Tensor, stride: int) -> Tensor:
    """`shuffle_down` of images of any size: sides that are no multiple of the stride are continued by replication."""
    pad = (0, -images.shape[-1] % stride, 0, -images.shape[-2] % stride)
    return shuffle_down(F.pad(images, pad, mode="replicate") if any(pad) else images, stride)


def join(parts: Tensor, stride: int, size: tuple[int, int]) -> Tensor:
    """The inverse of `split` for images of ``size`` (height, width)."""
    return shuffle_up(parts, stride)[..., : size[0], : size[1]]


class _MeanAround(nn.Module):
    """The mean of the pixels around each pixel, itself left out: (N, C, H, W) to the same, in a square of ``radius``.

    Pixels beyond the picture do not count; the mean of none is 0.
    """

    def __init__(self, radius: int):
        super().__init__()
        around = torch.ones(1, 1, 2 * radius + 1, 2 * radius + 1)
        around[..., radius, radius] = 0
        self.register_buffer("around", around, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        radius, channels = self.around.shape[-1] // 2, images.shape[1]
        counts = F.conv2d(torch.ones_like(images[:1, :1]), self.around, padding=radius).clamp(min=1)
        return F.conv2d(images, self.around.expand(channels, -1, -1, -1), padding=radius, groups=channels) / counts


class BlindSpot(nn.Module):
    """AP-BSN (Lee et al., CVPR 2022): a network that predicts each pixel from its surroundings alone.

    Trained to predict noisy images from themselves, it cannot learn to copy the noise of a pixel; what of the noise is
    correlated with that of the neighbours is broken up by pixel-shuffle downsampling. The defaults are the authors'.

    In training, images are downsampled by ``train_stride``; at test time by ``stride``, and refined.

    Differing from the authors' code, downsampled images are restored each for itself, not side by side in one picture,
    and sides that are no multiple of the stride are continued by replication.

    Parameters
    ----------
    width, modules : int
        Channels, and dilated modules in each of the two branches.
    train_stride : int
        Factor of the downsampling in training.
    stride, refinements, replaced
        Options of the procedure that go with these weights (`workbench.restorers.blind_spot.BlindSpot`).
    init : {"default", "kaiming"}
        ``"kaiming"`` draws the convolutions from a Kaiming normal distribution and scales the last of each dilated
        module by 0.1: with PyTorch's initialisation a short training hardly leaves the mean colour.
    mean_skip : int
        Radius in pixels of the square around a pixel, itself left out, whose mean the network's output is added to; 0
        for none, as in the paper. It has no weights. A short training leaves a colour shift of some grey levels
        without it, for every colour has to pass through the network.
    """

    kind: ClassVar[str] = "blind-spot"
    multiple: ClassVar[int] = 1

    def __init__(
        self,
        width: int = 128,
        modules: int = 9,
        train_stride: int = 5,
        stride: int = 2,
        refinements: int = 8,
        replaced: float = 0.16,
        init: str = "default",
        mean_skip: int = 0,
    ):
        super().__init__()
        smallest = min(width // 2, modules, train_stride, stride, refinements + 1, mean_skip + 1)
        if smallest < 1 or not 0 <= replaced <= 1:
            raise ValueError(
                "width is at least 2, modules and strides 1, refinements and mean_skip 0, and replaced in 0..1"
            )
        self.mean_around = _MeanAround(mean_skip) if mean_skip else None
        self.memory_format = by_width(width)
        self.train_stride = train_stride
        self.options = {"stride": stride, "refinements": refinements, "replaced": replaced}
        self.halo = max(2 + 3 * modules, mean_skip)
        self.head = nn.Sequential(nn.Conv2d(3, width, 1), nn.ReLU())
        self.branches = nn.ModuleList(_branch(width, modules, dilation) for dilation in (2, 3))
        self.tail = nn.Sequential(
            nn.Conv2d(2 * width, width, 1), nn.ReLU(),
            nn.Conv2d(width, width // 2, 1), nn.ReLU(),
            nn.Conv2d(width // 2, width // 2, 1), nn.ReLU(),
            nn.Conv2d(width // 2, 3, 1),
        )  # fmt: skip
        if init == "kaiming":
            self._kaiming_init()
        elif init != "default":
            raise ValueError(f"init must be 'kaiming' or 'default', not {init!r}")

    def _kaiming_init(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
                nn.init.zeros_(module.bias)
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, _Dilated):
                    module.body[-1].weight.mul_(0.1)

    def forward(self, degraded: Tensor, window: Window | None = None) -> Tensor:
        """Each pixel predicted from its surroundings, without itself.

        Parameters
        ----------
        degraded : Tensor, shape (N, 3, H, W), range [0, 1]
        window : Window, optional
            Ignored: nothing depends on where a tile lies.

        Returns
        -------
        Tensor, shape (N, 3, H, W)
            Not clipped.
        """
        features = self.head(degraded)
        predicted = self.tail(torch.cat([branch(features) for branch in self.branches], dim=1))
        return predicted if self.mean_around is None else self.mean_around(degraded) + predicted

    def downsampled(self, degraded: Tensor, stride: int) -> Tensor:
        """The images of every ``stride``-th pixel restored and put together again; shapes as of `forward`."""
        return join(self(split(degraded, stride)), stride, degraded.shape[-2:])
