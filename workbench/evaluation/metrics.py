"""Image quality measures as pure functions on arrays.

All compare two images of equal shape and need no torch; LPIPS, which does, is in :mod:`workbench.evaluation.lpips`.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity


def psnr(restored: np.ndarray, reference: np.ndarray, data_range: float, highest: float = math.inf) -> float:
    """Peak signal-to-noise ratio, ``10 log10(data_range^2 / MSE)``.

    Parameters
    ----------
    restored, reference : ndarray, equal shapes
    data_range : float
        Distance between the least and the greatest possible value.
    highest : float
        At most that, for curves and means that must stay finite.

    Returns
    -------
    float
        In dB; ``highest`` for identical images.

    Examples
    --------
    >>> round(psnr(np.zeros((8, 8, 3)), np.full((8, 8, 3), 0.1), data_range=1.0), 2)
    20.0
    """
    difference = np.subtract(restored, reference, dtype=np.float64)
    error = np.mean(np.square(difference, out=difference))
    return min(10 * math.log10(data_range**2 / error), highest) if error else highest


def ssim(restored: np.ndarray, reference: np.ndarray, data_range: float) -> float:
    """Structural similarity, mean over the channels, with a uniform 7x7 window: scikit-image's defaults.

    Only windows that lie inside the image count; variances are those of a sample (divided by 48).

    Parameters
    ----------
    restored, reference : ndarray, shape (H, W, C), at least 7x7
    data_range : float

    Returns
    -------
    float
        At most 1.

    References
    ----------
    Wang, Bovik, Sheikh, Simoncelli: Image quality assessment: from error visibility to structural similarity, IEEE
    Transactions on Image Processing 13 (4), 2004.
    """
    return float(structural_similarity(restored, reference, data_range=data_range, channel_axis=2))


def ssim_gaussian(restored: np.ndarray, reference: np.ndarray, data_range: float) -> float:
    """Structural similarity of one channel with the 11x11 Gaussian window (sigma 1.5) of Wang et al. (2004).

    Only windows that lie inside the image count; variances are those of a population.

    Parameters
    ----------
    restored, reference : ndarray, shape (H, W), at least 11x11
    data_range : float

    Returns
    -------
    float
        At most 1.
    """
    return float(
        structural_similarity(
            restored, reference, data_range=data_range, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    )


def psnr_inside(restored: np.ndarray, reference: np.ndarray, mask: np.ndarray, data_range: float) -> float:
    """`psnr` of the pixels for which ``mask``, shape (H, W), bool, is true; images (H, W, C)."""
    return psnr(restored[mask], reference[mask], data_range)


def ssim_inside(restored: np.ndarray, reference: np.ndarray, mask: np.ndarray, data_range: float) -> float:
    """Structural similarity of the pixels for which ``mask`` is true, in colour, with the window of `ssim_gaussian`.

    Outside of the mask both images count as black, which the windows of pixels near its edge still see. 5 pixels at
    each border of the image are left out. The mean is over pixels and channels.

    Parameters
    ----------
    restored, reference : ndarray, shape (H, W, C), at least 11x11
    mask : ndarray, shape (H, W), bool
    data_range : float

    Returns
    -------
    float
        At most 1.
    """
    _, similarity = structural_similarity(
        restored * mask[..., None], reference * mask[..., None], data_range=data_range, channel_axis=2,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True,
    )  # fmt: skip
    inner = slice(5, -5), slice(5, -5)
    return float(similarity[inner][mask[inner]].mean())


def ssim_volume(restored: np.ndarray, reference: np.ndarray, data_range: float) -> float:
    """Structural similarity of a colour image taken as a volume: an 11x11x11 Gaussian window (sigma 1.5).

    This is what MATLAB's ``ssim`` computes when it is handed an (H, W, 3) array, as the evaluation code of SIDD does.
    The window runs across the three colours too; borders are replicated, and every voxel counts.

    Parameters
    ----------
    restored, reference : ndarray, shape (H, W, C)
    data_range : float

    Returns
    -------
    float
        At most 1.
    """
    x, y = np.asarray(restored, np.float64), np.asarray(reference, np.float64)

    def smooth(values: np.ndarray) -> np.ndarray:
        return gaussian_filter(values, sigma=1.5, radius=5, mode="nearest")

    mean_x, mean_y = smooth(x), smooth(y)
    variances = smooth(x * x) + smooth(y * y) - mean_x**2 - mean_y**2
    covariance = smooth(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return float(np.mean(luminance * (2 * covariance + c2) / (variances + c2)))


def luma(rgb: np.ndarray) -> np.ndarray:
    """Luma Y of ITU-R BT.601 in its studio range, as MATLAB's ``rgb2ycbcr`` defines it, but not rounded.

    Parameters
    ----------
    rgb : ndarray, shape (H, W, 3), uint8

    Returns
    -------
    ndarray, shape (H, W), float64
        In [16, 235].
    """
    return 16 + rgb @ (np.array([65.481, 128.553, 24.966]) / 255)
