"""Test protocols: what is clipped, rounded, cut and averaged before a number counts.

PSNR of the same two images differs by several dB between the protocols of the literature, so numbers compare within a
protocol only. LPIPS is always that of the whole image as :meth:`Protocol.prepare` returns it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workbench.errors import WorkbenchError
from workbench.evaluation import metrics
from workbench.images import to_uint


class Protocol:
    """A way of measuring.

    Attributes
    ----------
    name : str
        As the command line spells it.
    window : int
        Least side in pixels for which SSIM is defined.
    """

    name: str
    window: int

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """The image as it is measured.

        Parameters
        ----------
        image : ndarray, shape (H, W, 3), float32, nominally in [0, 1]

        Returns
        -------
        ndarray, shape (H, W, 3), uint8 or float32 in [0, 1]
        """
        raise NotImplementedError

    def psnr(self, restored: np.ndarray, reference: np.ndarray) -> float:
        """PSNR in dB of two prepared images, ``inf`` if they are equal."""
        raise NotImplementedError

    def ssim(self, restored: np.ndarray, reference: np.ndarray) -> float:
        """SSIM of two prepared images whose sides are at least ``window``."""
        raise NotImplementedError


class Rgb(Protocol):
    """Colour on 8 bits, as in deblurring.

    Both images are clipped to [0, 1] and rounded to 8 bits, nothing is cut. PSNR is that of the mean squared error over
    all pixels and channels. SSIM is scikit-image's with its defaults: a uniform 7x7 window, data range 255, mean over
    the three channels. The score of a set is the mean over its images.
    """

    name = "rgb"
    window = 7

    def prepare(self, image: np.ndarray) -> np.ndarray:
        return to_uint(image, 8)

    def psnr(self, restored: np.ndarray, reference: np.ndarray) -> float:
        return metrics.psnr(restored, reference, data_range=255)

    def ssim(self, restored: np.ndarray, reference: np.ndarray) -> float:
        return metrics.ssim(restored, reference, data_range=255)


class Luma(Protocol):
    """Luma of 8-bit colour, as in deraining.

    Both images are clipped to [0, 1] and rounded to 8 bits, then turned to the luma Y of BT.601 in [16, 235], which is
    not rounded again (MATLAB's ``rgb2ycbcr`` would; that costs about 0.1 dB at 40 dB). PSNR and SSIM are those of Y
    with data range 255; SSIM has an 11x11 Gaussian window of sigma 1.5 and leaves out 5 pixels at each border, where
    the window is not filled. The score of a set is the mean over its images.
    """

    name = "y"
    window = 11

    def prepare(self, image: np.ndarray) -> np.ndarray:
        return to_uint(image, 8)

    def psnr(self, restored: np.ndarray, reference: np.ndarray) -> float:
        return metrics.psnr(metrics.luma(restored), metrics.luma(reference), data_range=255)

    def ssim(self, restored: np.ndarray, reference: np.ndarray) -> float:
        return metrics.ssim_gaussian(metrics.luma(restored), metrics.luma(reference), data_range=255)


class Blocks(Protocol):
    """Colour in blocks of 256x256, not rounded, as in denoising of camera images.

    Both images are clipped to [0, 1] and stay floating point; the data range is 1. They are cut into blocks of 256x256
    from the upper left; what does not fill a block at the right and below is left out, and a side shorter than 256
    counts as one block. PSNR and SSIM (scikit-image's, uniform 7x7 window, mean over the channels) are computed for
    each block and averaged over the blocks of an image. The score of a set is the mean over its images.
    """

    name = "blocks"
    window = 7
    side = 256

    def prepare(self, image: np.ndarray) -> np.ndarray:
        return np.clip(image, 0, 1)

    def psnr(self, restored: np.ndarray, reference: np.ndarray) -> float:
        return float(np.mean([metrics.psnr(*blocks, data_range=1) for blocks in self._pairs(restored, reference)]))

    def ssim(self, restored: np.ndarray, reference: np.ndarray) -> float:
        return float(np.mean([self._block_ssim(*blocks) for blocks in self._pairs(restored, reference)]))

    def _block_ssim(self, restored: np.ndarray, reference: np.ndarray) -> float:
        return metrics.ssim(restored, reference, data_range=1)

    def _pairs(self, restored: np.ndarray, reference: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        height, width = (min(self.side, side) for side in reference.shape[:2])
        for top in range(0, reference.shape[0] - height + 1, height):
            for left in range(0, reference.shape[1] - width + 1, width):
                block = slice(top, top + height), slice(left, left + width)
                yield restored[block], reference[block]


class VolumeBlocks(Blocks):
    """As ``blocks``, with the SSIM of SIDD's official MATLAB code.

    MATLAB's ``ssim`` takes an RGB block for a volume, so its Gaussian window (11x11x11, sigma 1.5) runs across the
    colours and the values come out higher than those of ``blocks``. PSNR is that of ``blocks``.
    """

    name = "blocks-volume"
    window = 1

    def _block_ssim(self, restored: np.ndarray, reference: np.ndarray) -> float:
        return metrics.ssim_volume(restored, reference, data_range=1)


PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in (Rgb(), Luma(), Blocks(), VolumeBlocks())}


def get_protocol(name: str) -> Protocol:
    """The protocol of that name; WorkbenchError lists the names if there is none."""
    if name not in PROTOCOLS:
        raise WorkbenchError(f"protocol {name!r} does not exist; choose one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
