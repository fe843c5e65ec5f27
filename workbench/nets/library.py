"""Restorers of well-kept libraries (deepinv, spandrel) behind the restorer contract, with fresh weights.

Each is called as ``restorer(degraded, window=None)`` on (N, 3, H, W) images in [0, 1] of any size: sides are padded by
replication to what the network takes, and cut again. Skips from input to output are those of the networks: all have one
but RCAN, which was made for super-resolution.

Tiles: `DnCNN` and a small `SwinIR` treat a tile as they would the whole image, for ``halo`` is how far a pixel reaches.
The others look further than that, Restormer, RCAN and NAFNet even at averages over the whole image; for them a tile is
an approximation, with the surroundings that ``halo`` says, as is the habit with these networks. How far off they were
seen to be, each says as `tiles_lack`, which is told to whoever restores in tiles; see docs/restorers.md.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from workbench.nets.layout import by_width
from workbench.nets.unet import Window

CONTEXT = 64
"""Pixels of surroundings that a tile is given where all that counts would be too many."""


@contextmanager
def _no_foreign_warnings() -> Iterator[None]:
    """Keep back what the libraries' own calls are warned of: a user can do nothing about it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.meshgrid", UserWarning)
        yield


class LibraryRestorer(nn.Module):
    """A network that maps images to images of the same size, as a restorer.

    Parameters
    ----------
    network : nn.Module
    multiple : int
        What the network's sides must be multiples of; also the grid on which tiles begin, so that windows of attention
        lie in a tile as in the whole image.
    halo : int
        Pixels of surroundings that a tile is given.
    square : bool
        Whether the network takes square images only; others are then padded to squares.
    """

    tiles_lack: str = ""
    """What a tile lacks of the whole picture and how far off it was seen to be; empty where nothing."""

    def __init__(self, network: nn.Module, multiple: int, halo: int, square: bool = False):
        super().__init__()
        self.network = network
        self.multiple, self.halo, self.square = multiple, halo, square
        # What follows from the hyper-parameters alone is not of the weights
        for module in network.modules():
            for name in ("relative_position_index", "attn_mask"):
                if isinstance(getattr(module, name, None), Tensor):
                    module.register_buffer(name, getattr(module, name), persistent=False)

    def forward(self, degraded: Tensor, window: Window | None = None) -> Tensor:
        """Restored images.

        Parameters
        ----------
        degraded : Tensor, shape (N, 3, H, W), range [0, 1]
        window : Window, optional
            Where ``degraded`` lies, if it is a tile; it begins at multiples of ``multiple``, so nothing depends on it.

        Returns
        -------
        Tensor, shape (N, 3, H, W)
            Not clipped.
        """
        height, width = degraded.shape[-2:]
        rows, columns = (-(-side // self.multiple) * self.multiple for side in (height, width))
        if self.square:
            rows = columns = max(rows, columns)
        pad = (0, columns - width, 0, rows - height)
        padded = F.pad(degraded, pad, mode="replicate") if any(pad) else degraded
        return self.network(padded)[..., :height, :width]


class DnCNN(LibraryRestorer):
    """Convolutions and ReLU that predict the residual (Zhang et al., TIP 2017), of deepinv: without normalisation.

    Parameters
    ----------
    width, depth : int
        Channels, and convolutions in all.
    """

    def __init__(self, width: int = 64, depth: int = 20):
        from deepinv.models import DnCNN as Network

        super().__init__(Network(nf=width, depth=depth, pretrained=None), multiple=1, halo=depth)
        self.memory_format = by_width(width)


class Restormer(LibraryRestorer):
    """U-shaped transformer whose attention runs across channels (Zamir et al., CVPR 2022), of deepinv.

    The defaults are the authors' network for denoising. Attention is taken from sums over the whole image.

    Parameters
    ----------
    width : int
        Channels of the first level; doubled at each further level.
    blocks, heads : sequence of int
        Blocks and heads of attention of each of the four levels.
    refinement : int
        Blocks after the last level.
    """

    tiles_lack = "the picture's sums in its attention (up to 66 of 255 seen at single pixels)"
    memory_format = torch.contiguous_format

    def __init__(
        self,
        width: int = 48,
        blocks: Sequence[int] = (4, 6, 6, 8),
        heads: Sequence[int] = (1, 2, 4, 8),
        refinement: int = 4,
    ):
        from deepinv.models import Restormer as Network

        if len(blocks) != 4 or len(heads) != 4:
            raise ValueError("blocks and heads are four numbers each, one a level")
        network = Network(dim=width, num_blocks=blocks, heads=heads, num_refinement_blocks=refinement, pretrained=None)
        super().__init__(network, multiple=8, halo=CONTEXT)


class SwinIR(LibraryRestorer):
    """Transformer with attention in shifted windows (Liang et al., ICCVW 2021), of deepinv.

    Parameters
    ----------
    width : int
        Channels, a multiple of each number of heads.
    depths, heads : sequence of int
        Layers and heads of attention of each group.
    window : int
        Side of the windows in pixels.
    drop_path : float
        Stochastic depth: the probability with which the last layer is left out in training.
    """

    def __init__(
        self,
        width: int = 180,
        depths: Sequence[int] = (6,) * 6,
        heads: Sequence[int] = (6,) * 6,
        window: int = 8,
        drop_path: float = 0.1,
    ):
        from deepinv.models import SwinIR as Network

        if len(depths) != len(heads):
            raise ValueError("depths and heads are one number a group each")
        with _no_foreign_warnings():
            network = Network(
                # The size for which the masks of shifted windows are kept; for others they are computed when needed
                img_size=16 * window,
                embed_dim=width, depths=depths, num_heads=heads, window_size=window, drop_path_rate=drop_path,
                pretrained=None,
            )  # fmt: skip
        super().__init__(network, multiple=window, halo=min(self.reach(depths, window), CONTEXT))
        if self.reach(depths, window) > CONTEXT:
            self.tiles_lack = f"what lies more than {CONTEXT} pixels away"

    @staticmethod
    def reach(depths: Sequence[int], window: int) -> int:
        """Radius in pixels beyond which an input pixel cannot change an output pixel."""
        reach = 0
        for pixel in range(window):
            # From the output to the input: the convolutions widen the interval, attention rounds it to whole windows
            first, last = pixel - 2, pixel + 2
            for depth in reversed(depths):
                first, last = first - 1, last + 1
                for layer in reversed(range(depth)):
                    shift = window // 2 if layer % 2 else 0
                    first = (first - shift) // window * window + shift
                    last = (last - shift) // window * window + shift + window - 1
            reach = max(reach, pixel - first + 1, last - pixel + 1)
        return reach


class Uformer(LibraryRestorer):
    """U-shaped transformer with attention in windows (Wang et al., CVPR 2022), of spandrel.

    Width 16 with two blocks a stage, width 32 with two, and width 32 with 1, 2, 8, 8 are the authors' Uformer-T / S / B
    with 5.29 / 20.75 / 50.88 M parameters. The paper of this workbench states the same widths and depths, but 9.50 /
    21.38 / 53.58 M (Liao et al., ICLR 2025, Appendix A1.3), and does not say what else its networks have.

    Parameters
    ----------
    width : int
        Channels of the first level; doubled at each further level.
    depths : sequence of int
        Blocks of the four stages down; those up mirror them.
    middle : int
        Blocks of the stage between.
    window : int
        Side of the windows in pixels, at each of the five levels; images are squares of multiples of ``16 * window``.
    drop_path : float
        Stochastic depth: the probability with which the deepest blocks are left out in training.
    """

    tiles_lack = "windows far away (up to 27 of 255 seen at single pixels)"

    def __init__(
        self,
        width: int = 32,
        depths: Sequence[int] = (2, 2, 2, 2),
        middle: int = 2,
        window: int = 8,
        drop_path: float = 0.1,
    ):
        from spandrel.architectures.Uformer import Uformer as Network

        if len(depths) != 4:
            raise ValueError("depths are four numbers, one a stage")
        with _no_foreign_warnings():
            network = Network(
                img_size=16 * window, embed_dim=width, depths=[*depths, middle, *reversed(depths)], win_size=window,
                modulator=True, drop_path_rate=drop_path,
            )  # fmt: skip
        super().__init__(network, multiple=16 * window, halo=16 * window, square=True)


class RCAN(LibraryRestorer):
    """Residual groups with channel attention (Zhang et al., ECCV 2018) at scale 1, of spandrel.

    The attention's weights come from averages over the whole image. There is no skip from input to output.

    Parameters
    ----------
    width, groups, blocks, reduction : int
        Channels, residual groups, blocks in each, and the factor by which attention narrows the channels.
    """

    tiles_lack = "the picture's means (0.2 of 255 seen)"

    def __init__(self, width: int = 64, groups: int = 10, blocks: int = 20, reduction: int = 16):
        from spandrel.architectures.RCAN import RCAN as Network  # noqa: N811

        network = Network(
            scale=1, n_feats=width, n_resgroups=groups, n_resblocks=blocks, reduction=reduction, norm=False
        )
        super().__init__(network, multiple=1, halo=CONTEXT)
        self.memory_format = by_width(width)

    def forward(self, degraded: Tensor, window: Window | None = None) -> Tensor:
        """Restored images, as of `LibraryRestorer.forward`."""
        # The network multiplies its input in place
        return super().forward(degraded.clone(), window)


class NAFNet(LibraryRestorer):
    """Convolutional U-Net without activation functions (Chen et al., ECCV 2022), of spandrel.

    The defaults are the authors' smaller network for SIDD. Channels are weighted by averages over the whole image.

    Parameters
    ----------
    width : int
        Channels of the first level; doubled at each further level.
    encoder, decoder : sequence of int
        Blocks of each level down and up.
    middle : int
        Blocks between.
    """

    tiles_lack = "the picture's means (0.2 of 255 seen)"
    memory_format = torch.contiguous_format

    def __init__(
        self,
        width: int = 32,
        encoder: Sequence[int] = (2, 2, 4, 8),
        middle: int = 12,
        decoder: Sequence[int] = (2, 2, 2, 2),
    ):
        from spandrel.architectures.NAFNet import NAFNet as Network

        if len(encoder) != len(decoder):
            raise ValueError("encoder and decoder are one number a level each")
        network = Network(width=width, enc_blk_nums=list(encoder), middle_blk_num=middle, dec_blk_nums=list(decoder))
        super().__init__(network, multiple=2 ** len(encoder), halo=CONTEXT)
