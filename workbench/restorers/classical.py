"""Classical denoisers, which need no training: what a trained restorer must be better than.

Each takes a picture whose noise level is not known and estimates it from the picture itself (`noise_level`). By default
their strength is a multiple of that level that was chosen once, on photographs that no table tests on
(``workbench study classical-settings``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from workbench.restorers import procedure
from workbench.restorers.passes import Passes

SMALLEST = 0.01
"""The noise level that is assumed at least, in [0, 1]: photographs are not free of it."""
CORRELATION = 1.5
"""What the estimate is multiplied by: it looks at the finest band of the grey picture, and demosaicing has smoothed
a photograph's noise just there."""
OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
"""Orthonormal opponent colours: brightness first, which BM3D matches its blocks by; noise keeps its level."""
_BLOCK = 8


def noise_level(image: np.ndarray) -> float:
    """Standard deviation of the noise in a photograph, estimated without a reference.

    The median absolute deviation of the diagonal second difference of the grey picture (its finest diagonal Haar band),
    times `CORRELATION`; for independent noise of equal level in all channels the result is about 1.1 times that level.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), floating point in [0, 1]

    Returns
    -------
    float
        In units of the range [0, 1], at least `SMALLEST`.

    References
    ----------
    Donoho, Johnstone: Ideal spatial adaptation by wavelet shrinkage, Biometrika 81(3), 1994.
    """
    from skimage.color import rgb2gray

    if min(image.shape[:2]) < 2:
        return SMALLEST
    grey = rgb2gray(image)
    diagonal = (grey[1:, 1:] - grey[1:, :-1] - grey[:-1, 1:] + grey[:-1, :-1]) / 2
    return max(float(np.median(np.abs(diagonal))) / 0.6745 * CORRELATION, SMALLEST)


def non_local_means(image: np.ndarray, strength: float = 2.0, level: float | None = None) -> np.ndarray:
    """Non-local means of scikit-image, all channels together: patches of 5, searched 6 pixels around.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), floating point in [0, 1]
    strength : float
        The filter's h, by which patches' differences are judged, in multiples of the noise level.
    level : float, optional
        The noise level; estimated if not given.

    Returns
    -------
    ndarray, shape (H, W, 3), float32

    References
    ----------
    Buades, Coll, Morel: A non-local algorithm for image denoising, CVPR 2005.
    """
    from skimage.restoration import denoise_nl_means

    h = strength * (noise_level(image) if level is None else level)
    return denoise_nl_means(image.astype(np.float32), patch_size=5, patch_distance=6, h=h, channel_axis=-1)


def total_variation(image: np.ndarray, strength: float = 2.0, level: float | None = None) -> np.ndarray:
    """Total variation denoising of scikit-image (Chambolle's projection), all channels together.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), floating point in [0, 1]
    strength : float
        Weight of the total variation in multiples of the noise level.
    level : float, optional
        The noise level; estimated if not given.

    Returns
    -------
    ndarray, shape (H, W, 3), float32

    References
    ----------
    Rudin, Osher, Fatemi: Nonlinear total variation based noise removal algorithms, Physica D 60, 1992; Chambolle: An
    algorithm for total variation minimization and applications, JMIV 20, 2004.
    """
    from skimage.restoration import denoise_tv_chambolle

    weight = strength * (noise_level(image) if level is None else level)
    return denoise_tv_chambolle(image.astype(np.float32), weight=weight, channel_axis=-1)


def bm3d(image: np.ndarray, strength: float = 2.0, level: float | None = None) -> np.ndarray:
    """Block matching and 3D filtering of deepinv, in opponent colours, with discrete cosine transforms throughout.

    Blocks are searched 9 pixels around every third pixel. (The original's wavelets would need a further package; the
    authors' own programme is not free.)

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), floating point in [0, 1]
        Sides of less than a block's 8 pixels are continued by reflection.
    strength : float
        Noise level to remove in multiples of the estimated one.
    level : float, optional
        The noise level; estimated if not given.

    Returns
    -------
    ndarray, shape (H, W, 3), float32

    References
    ----------
    Dabov, Foi, Katkovnik, Egiazarian: Image denoising by sparse 3-D transform-domain collaborative filtering, IEEE TIP
    16(8), 2007.
    """
    from deepinv.models import BM3D

    sigma = strength * (noise_level(image) if level is None else level)
    cosine = {f"{stage}_transform": "dct" for stage in ("spatial_ht", "group_ht", "group_wiener")}
    denoiser = BM3D(use_legacy=False, search_radius=9, chunk_size=1024, **cosine)
    height, width = image.shape[:2]
    padding = ((0, max(_BLOCK - height, 0)), (0, max(_BLOCK - width, 0)), (0, 0))
    padded = np.pad(image, padding, mode="symmetric") @ OPPONENT.T
    opponent = torch.from_numpy(padded.astype(np.float32)).permute(2, 0, 1)[None]
    restored = denoiser(opponent, sigma)[0].permute(1, 2, 0).numpy()
    return (restored @ OPPONENT).astype(np.float32)[:height, :width]


class Classical(procedure.Procedure):
    """A denoiser without networks; the noise level is that of the whole picture, also where it is cut into tiles."""

    networks: ClassVar[tuple[str, ...]] = ()
    denoise: ClassVar[Callable[[np.ndarray, float, float], np.ndarray]]
    """Maps a picture (H, W, 3), the strength and the noise level to the denoised picture."""
    halo: ClassVar[int]
    """Pixels of surroundings that a tile is given."""

    class Options(procedure.Options):
        """Strength of the denoiser."""

        strength: float = Field(2.0, gt=0, le=100, description="in multiples of the noise level that is estimated")

    options: Options

    def restore(self, degraded: Tensor, passes: Passes) -> Tensor:
        """The denoised picture."""
        level = noise_level(_array(degraded))

        def denoised(_window, tile: Tensor) -> Tensor:
            picture = self.denoise(_array(tile), self.options.strength, level)
            return torch.from_numpy(picture).permute(2, 0, 1)[None].to(degraded)

        return passes.tiled(denoised, degraded, multiple=1, halo=self.halo)


class NonLocalMeans(Classical):
    """`non_local_means`."""

    halo = 8
    denoise = staticmethod(non_local_means)


class TotalVariation(Classical):
    """`total_variation`; its minimum is that of the whole picture, which tiles approximate."""

    halo = 32
    denoise = staticmethod(total_variation)


class Bm3d(Classical):
    """`bm3d`; blocks lie on a grid of each tile's own, so that tiles approximate the whole."""

    halo = 40
    denoise = staticmethod(bm3d)


def _array(picture: Tensor) -> np.ndarray:
    return picture[0].permute(1, 2, 0).cpu().numpy()
