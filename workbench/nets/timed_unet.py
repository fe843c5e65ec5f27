"""U-Nets of residual diffusion: from one image or several and a time to an image.

What the time is, and which images are shown, is the method's choice: DRDD's residual network sees the state and the
degraded image and is told 1000 times the residual's share (workbench.diffusion.decoupled).

Tiles: `LeanTimedUNet` treats a tile as it would the whole image, for ``halo`` is how far a pixel reaches. `TimedUNet`
normalises over the whole image; for it a tile is an approximation, with the surroundings that ``halo`` says.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from workbench.nets.diffusion_unet import FiLMUNet
from workbench.nets.library import CONTEXT
from workbench.nets.unet import Window

POCKET_SLOPE, POCKET_GAIN = 0.2, 0.05


def _padded(images: Tensor, multiple: int) -> Tensor:
    """Images continued to the right and below to multiples of a number: by reflection, or replication if too small."""
    height, width = images.shape[-2:]
    below, right = -height % multiple, -width % multiple
    if not (below or right):
        return images
    mode = "reflect" if below < height and right < width else "replicate"
    return F.pad(images, (0, right, 0, below), mode=mode)


def join(images: tuple[Tensor, ...], multiple: int, time: Tensor | float) -> tuple[Tensor, Tensor]:
    """Images as channels, padded, and the time of each."""
    joined = torch.cat(images, dim=1)
    return _padded(joined, multiple), torch.as_tensor(time, dtype=joined.dtype, device=joined.device).expand(
        len(joined)
    )


class TimedUNet(nn.Module):
    """The U-Net of guided diffusion (Dhariwal and Nichol, 2021), built from ``diffusers.UNet2DModel``.

    Scale-shift normalisation by the time, self-attention in the middle and at the coarsest levels. Widths (128, 128,
    256, 256, 512, 512) with attention at three levels are DRDD's denoising network, 138.29 M parameters (Lin et al.,
    arXiv:2606.01048, App. B).

    Parameters
    ----------
    in_channels, out_channels : int
    widths : sequence of int
        Channels of each level, each a multiple of ``groups`` and, with attention, of 64, the width of its heads.
    blocks : int
        Residual blocks a level.
    attention : int
        Levels with self-attention, counted from the coarsest.
    resample : {"resnet", "conv"}
        Whether residual blocks or convolutions take the features from level to level.
    groups : int
        Groups of the group normalisation.
    middle_norm : bool
        Whether features are normalised before the attention in the middle, as those before the others are; the authors'
        network has that.

    Raises
    ------
    ValueError
        There is no such way to resample, or not so many levels.
    """

    memory_format = torch.contiguous_format

    def __init__(
        self,
        in_channels: int = 6,
        out_channels: int = 3,
        widths: tuple[int, ...] = (128, 128, 256, 256, 512, 512),
        blocks: int = 2,
        attention: int = 0,
        resample: str = "resnet",
        groups: int = 32,
        middle_norm: bool = False,
    ):
        super().__init__()
        # diffusers takes half a second to import: only those who build this network pay for it
        from diffusers import UNet2DModel

        self.multiple, self.halo = 2 ** (len(widths) - 1), CONTEXT
        plain = len(widths) - attention
        if plain < 0 or resample not in ("resnet", "conv"):
            raise ValueError("resample must be 'resnet' or 'conv', and attention at most the number of levels")
        down, up = (
            ("ResnetDownsampleBlock2D", "ResnetUpsampleBlock2D")
            if resample == "resnet"
            else ("DownBlock2D", "UpBlock2D")
        )
        self.unet = UNet2DModel(
            in_channels=in_channels,
            out_channels=out_channels,
            block_out_channels=tuple(widths),
            layers_per_block=blocks,
            norm_num_groups=groups,
            attn_norm_num_groups=groups if middle_norm else None,
            attention_head_dim=min(64, widths[-1]),
            down_block_types=(down,) * plain + ("AttnDownBlock2D",) * attention,
            up_block_types=("AttnUpBlock2D",) * attention + (up,) * plain,
            downsample_type=resample,
            upsample_type=resample,
            resnet_time_scale_shift="scale_shift",
        )

    def forward(self, *images: Tensor, time: Tensor | float, window: Window | None = None) -> Tensor:
        """The predicted image.

        Parameters
        ----------
        *images : Tensor, shape (N, C, H, W)
            Of any size, together ``in_channels`` channels.
        time : Tensor of shape (N,), or float
            A real number, of the order of 0..1000.
        window : Window, optional
            Where the images lie, if they are a tile; nothing depends on it.

        Returns
        -------
        Tensor, shape (N, out_channels, H, W)
        """
        joined, time = join(images, self.multiple, time)
        height, width = images[0].shape[-2:]
        return self.unet(joined, time).sample[..., :height, :width]


class LeanTimedUNet(FiLMUNet):
    """A timed U-Net for a CPU: a `FiLMUNet` at half the resolution, with squares of 2x2 pixels as channels.

    Convolutions are drawn from a Kaiming normal distribution and the last layer is scaled by 0.05: without
    normalisation, other starts learn slowly.

    Parameters
    ----------
    in_channels, out_channels : int
    widths : sequence of int
        Channels of each level; convolutions on a CPU are slow with other numbers than multiples of 16.
    embedding : int
        Size of the time's embedding.
    """

    def __init__(
        self, in_channels: int = 6, out_channels: int = 3, widths: tuple[int, ...] = (32, 64), embedding: int = 32
    ):
        super().__init__(4 * in_channels, 4 * out_channels, widths, embedding)
        self.multiple *= 2
        # Interval arithmetic over two 3x3 convolutions a level down and up, one at the end, pooling and upsampling
        self.halo = 7 * self.multiple - 7
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=POCKET_SLOPE)
                nn.init.zeros_(module.bias)
        with torch.no_grad():
            self.last.weight.mul_(POCKET_GAIN)

    def forward(self, *images: Tensor, time: Tensor | float, window: Window | None = None) -> Tensor:
        """The predicted image; arguments and result as in `TimedUNet.forward`."""
        joined, time = join(images, self.multiple, time)
        height, width = images[0].shape[-2:]
        predicted = self.modulated(F.pixel_unshuffle(joined, 2), time / 1000.0)
        return F.pixel_shuffle(predicted, 2)[..., :height, :width]
