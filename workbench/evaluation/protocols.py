"""Test protocols: what is clipped, rounded, cut and averaged before a number counts.

PSNR of the same two images differs by several dB between the protocols of the literature, so numbers compare within a
protocol only. LPIPS is always that of the whole image as :meth:`Protocol.prepare` returns it, never aligned or cut.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from workbench.errors import WorkbenchError
from workbench.evaluation import ecc, metrics
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

    def measure(
        self, restored: np.ndarray, reference: np.ndarray, with_ssim: bool = True
    ) -> tuple[float, float | None]:
        """PSNR and SSIM of two prepared images; SSIM is None if not asked for, or if a side is less than ``window``.

        Raises
        ------
        WorkbenchError
            The protocol cannot measure these two.
        """
        with_ssim = with_ssim and min(reference.shape[:2]) >= self.window
        return self.psnr(restored, reference), self.ssim(restored, reference) if with_ssim else None

    def psnr(self, restored: np.ndarray, reference: np.ndarray) -> float:
        """PSNR in dB of two prepared images, ``inf`` if they are equal."""
        raise NotImplementedError

    def ssim(self, restored: np.ndarray, reference: np.ndarray) -> float:
        """SSIM of two prepared images whose sides are at least ``window``."""
        raise NotImplementedError


class Rgb(Protocol):
    """Colour on 8 bits, as in deblurring (RealBlur-J without alignment, as in Liao et al., ICLR 2025).

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


class AlignedRgb(Rgb):
    """Colour on 8 bits after alignment, as RealBlur's own evaluation has it.

    Both images are clipped to [0, 1] and rounded to 8 bits. The restored one is scaled by the factor that brings it
    closest to the reference, aligned with it by a projective transformation that maximises their correlation
    (:mod:`workbench.evaluation.ecc`) and resampled by bicubic interpolation, not rounded or clipped again. PSNR is that
    of the mean squared error over all pixels that come from inside the restored image. SSIM has an 11x11 Gaussian
    window of sigma 1.5, in colour; it leaves out 5 pixels at each border of the image, and is the mean over those same
    pixels. The score of a set is the mean over its images.

    References
    ----------
    Rim, Lee, Won, Cho: Real-World Blur Dataset for Learning and Benchmarking Deblurring Algorithms, ECCV 2020; its
    evaluation follows Koehler et al.: Recording and Playback of Camera Shake, ECCV 2012.
    """

    name = "rgb-ecc"
    window = 11

    def measure(
        self, restored: np.ndarray, reference: np.ndarray, with_ssim: bool = True
    ) -> tuple[float, float | None]:
        if np.array_equal(restored, reference):
            return math.inf, 1.0
        moving, fixed = (image / 255.0 for image in (restored, reference))
        if not moving.any():
            raise WorkbenchError("not available where images cannot be aligned, one is flat")
        moving *= np.sum(fixed * moving) / np.sum(moving * moving)
        matrix = ecc.homography(moving, fixed)
        aligned, mask = ecc.warp_cubic(moving, matrix), ecc.valid(matrix, fixed.shape[:2])
        psnr = metrics.psnr_inside(aligned, fixed, mask, data_range=1)
        with_ssim = with_ssim and min(fixed.shape[:2]) >= self.window
        return psnr, metrics.ssim_inside(aligned, fixed, mask, data_range=1) if with_ssim else None

    def psnr(self, restored: np.ndarray, reference: np.ndarray) -> float:
        return self.measure(restored, reference)[0]

    def ssim(self, restored: np.ndarray, reference: np.ndarray) -> float:
        return self.measure(restored, reference)[1]


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
    """Colour in blocks of 256x256, not rounded, as in denoising of camera images (SIDD).

    Both images are clipped to [0, 1] and stay floating point; the data range is 1. They are cut into blocks of 256x256
    from the upper left; what does not fill a block at the right and below is left out, and a side shorter than 256
    counts as one block. PSNR and SSIM (scikit-image's, uniform 7x7 window, mean over the channels) are computed for
    each block and averaged over the blocks of an image. The score of a set is the mean over its images; SIDD's
    validation set has 1280 of them, each of one block.
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
    """As ``blocks``, with the SSIM of MATLAB, in which SIDD's results are computed (Liao et al., ICLR 2025).

    MATLAB's ``ssim`` takes an RGB block for a volume, so its Gaussian window (11x11x11, sigma 1.5) runs across the
    colours and the values come out higher than those of ``blocks``. PSNR is that of ``blocks``.
    """

    name = "blocks-volume"
    window = 1

    def _block_ssim(self, restored: np.ndarray, reference: np.ndarray) -> float:
        return metrics.ssim_volume(restored, reference, data_range=1)


PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol for protocol in (Rgb(), Luma(), Blocks(), VolumeBlocks(), AlignedRgb())
}


def get_protocol(name: str) -> Protocol:
    """The protocol of that name; WorkbenchError lists the names if there is none."""
    if name not in PROTOCOLS:
        raise WorkbenchError(f"protocol {name!r} does not exist; choose one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
