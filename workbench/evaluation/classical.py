"""Classical denoisers that need no training: what a trained restorer must be better than.

Each takes a picture of independent or mildly correlated noise of unknown level, which it estimates from the picture
itself. Their strengths are multiples of that level, chosen once on photographs that no table tests on
(benchmarks/classical_settings.py).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

SMALLEST = 0.01
"""The noise level that is assumed at least, in [0, 1]: photographs are not free of it."""
CORRELATION = 1.5
"""What the estimate is multiplied by: it looks at the finest band of the grey picture, and demosaicing has smoothed
a photograph's noise just there."""


def noise_level(image: np.ndarray) -> float:
    """Standard deviation of the noise in a photograph, estimated without a reference.

    The median absolute deviation of the diagonal second difference of the grey picture (its finest diagonal Haar band),
    times `CORRELATION`; for independent noise of equal level in all channels the result is about 1.1 times that level.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), floating point in [0, 1]
        At least 2 pixels a side.

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


def non_local_means(image: np.ndarray, strength: float = 2.0) -> np.ndarray:
    """Non-local means of scikit-image, all channels together: patches of 5, searched 6 pixels around.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), floating point in [0, 1]
    strength : float
        The filter's h, by which patches' differences are judged, in multiples of the noise level.

    Returns
    -------
    ndarray, shape (H, W, 3), float32

    References
    ----------
    Buades, Coll, Morel: A non-local algorithm for image denoising, CVPR 2005.
    """
    from skimage.restoration import denoise_nl_means

    return denoise_nl_means(
        image.astype(np.float32), patch_size=5, patch_distance=6, h=strength * noise_level(image), channel_axis=-1
    )


def total_variation(image: np.ndarray, strength: float = 2.0) -> np.ndarray:
    """Total variation denoising of scikit-image (Chambolle's projection), all channels together.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), floating point in [0, 1]
    strength : float
        Weight of the total variation in multiples of the noise level.

    Returns
    -------
    ndarray, shape (H, W, 3), float32

    References
    ----------
    Rudin, Osher, Fatemi: Nonlinear total variation based noise removal algorithms, Physica D 60, 1992; Chambolle: An
    algorithm for total variation minimization and applications, JMIV 20, 2004.
    """
    from skimage.restoration import denoise_tv_chambolle

    weight = strength * noise_level(image)
    return denoise_tv_chambolle(image.astype(np.float32), weight=weight, channel_axis=-1)


OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
"""Orthonormal opponent colours: brightness first, which BM3D matches its blocks by; noise keeps its level."""


def bm3d(image: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """Block matching and 3D filtering of deepinv, in opponent colours, with discrete cosine transforms throughout.

    Blocks are searched 9 pixels around every third pixel. (The original's wavelets would need a further package; the
    authors' own programme is not free.)

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), floating point in [0, 1]
        Sides of less than a block's 8 pixels are continued by reflection.
    strength : float
        Noise level to remove in multiples of the estimated one.

    Returns
    -------
    ndarray, shape (H, W, 3), float32

    References
    ----------
    Dabov, Foi, Katkovnik, Egiazarian: Image denoising by sparse 3-D transform-domain collaborative filtering, IEEE TIP
    16(8), 2007.
    """
    import torch
    from deepinv.models import BM3D

    cosine = {f"{stage}_transform": "dct" for stage in ("spatial_ht", "group_ht", "group_wiener")}
    denoiser = BM3D(use_legacy=False, search_radius=9, chunk_size=1024, **cosine)
    height, width = image.shape[:2]
    padded = np.pad(image, ((0, max(8 - height, 0)), (0, max(8 - width, 0)), (0, 0)), mode="symmetric")
    opponent = torch.from_numpy((padded @ OPPONENT.T).astype(np.float32)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        restored = denoiser(opponent, strength * noise_level(image))[0].permute(1, 2, 0).numpy()
    return (restored @ OPPONENT).astype(np.float32)[:height, :width]


CLASSICAL: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "nlm": non_local_means,
    "tv": total_variation,
    "bm3d": bm3d,
}
"""By the names that tables and the command line use."""
