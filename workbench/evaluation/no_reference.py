"""What can be said of a picture's noise and blur where there is no reference.

Both numbers are signs and no verdict: whatever smooths lowers the noise and may take detail with it, whatever sharpens
lowers the blur and may raise noise. They are to be read together, beside those of the input.
"""

from __future__ import annotations

import math

import numpy as np

from workbench.evaluation.metric import Metric, NoValue, Sample

WINDOW = 512
MOST_WINDOWS = 16
"""Larger pictures are measured on so many windows of `WINDOW` pixels a side."""
LEAST_SIDE = 16
"""Least side in pixels for which there are numbers."""

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_MEDIAN_OF_NORMAL = 0.6745
"""Median of the absolute value of a standard normal variable."""


def no_reference(image: np.ndarray) -> dict[str, float | None]:
    """Noise and blur of a picture's luma.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8, uint16, or float in [0, 1]
        Pictures of more than `MOST_WINDOWS` windows' pixels are measured on as many windows, evenly spaced, and the
        mean is taken.

    Returns
    -------
    dict
        ``noise``: `noise_level`; ``blur``: that of scikit-image's ``blur_effect``, 0 sharp to 1 blurred [1]_, None for
        a picture without any contrast. Both None if a side is less than `LEAST_SIDE`.

    References
    ----------
    .. [1] F. Crete, T. Dolmiere, P. Ladret and M. Nicolas. The blur effect: perception and estimation with a new
           no-reference perceptual blur metric. Proc. SPIE 6492, 2007.
    """
    from skimage.measure import blur_effect  # slow to import

    if min(image.shape[:2]) < LEAST_SIDE:
        return {"noise": None, "blur": None}
    full = np.iinfo(image.dtype).max if image.dtype.kind == "u" else 1
    lumas = [(window.astype(np.float32) / np.float32(full)) @ _LUMA for window in _windows(image)]
    blurs = [float(blur_effect(luma)) for luma in lumas if np.ptp(luma)]
    blurs = [blur for blur in blurs if math.isfinite(blur)]
    return {
        "noise": float(np.mean([noise_level(luma) for luma in lumas])),
        "blur": float(np.mean(blurs)) if blurs else None,
    }


def noise_level(luma: np.ndarray) -> float:
    """Standard deviation of white noise that would explain a picture's finest detail, in 8-bit units.

    The median of the absolute response to a filter that planes and straight edges along rows or columns do not pass
    [1]_, as is usual for the finest wavelets [2]_. Noise that is correlated between neighbours, as a camera's, comes
    out smaller than it is, texture as noise.

    Parameters
    ----------
    luma : ndarray, shape (H, W), float in [0, 1]

    References
    ----------
    .. [1] J. Immerkær. Fast noise variance estimation. Computer Vision and Image Understanding 64 (2), 1996.
    .. [2] D. L. Donoho and I. M. Johnstone. Ideal spatial adaptation by wavelet shrinkage. Biometrika 81 (3), 1994.
    """
    from scipy.ndimage import convolve1d  # as above

    kernel = np.array([1, -2, 1], luma.dtype)
    response = convolve1d(convolve1d(luma, kernel, axis=0), kernel, axis=1)[1:-1, 1:-1] / 6
    return 255 * float(np.median(np.abs(response))) / _MEDIAN_OF_NORMAL


class Noise(Metric):
    """`noise_level` of a picture; less is not better by itself."""

    name, title, unit, better, digits, needs_reference = "noise", "noise", "255", None, 2, False

    def measure(self, sample: Sample) -> float:
        """In 8-bit units."""
        return _of_picture(self, sample)


class Blur(Metric):
    """How blurred a picture is, see `no_reference`; less is not better by itself."""

    name, title, better, digits, needs_reference = "blur", "blur, 0 to 1", None, 3, False

    def measure(self, sample: Sample) -> float:
        """0 sharp to 1 blurred."""
        return _of_picture(self, sample)


def _of_picture(metric: Metric, sample: Sample) -> float:
    value = sample.once(no_reference)[metric.name]
    if value is None:
        raise NoValue(f"no {metric.name} for pictures without contrast or of less than {LEAST_SIDE} pixels a side")
    return value


def _windows(image: np.ndarray) -> list[np.ndarray]:
    """The picture itself, or evenly spaced parts of a large one."""
    if image.shape[0] * image.shape[1] <= MOST_WINDOWS * WINDOW**2:
        return [image]
    counts = [min(max(side // WINDOW, 1), round(math.sqrt(MOST_WINDOWS))) for side in image.shape[:2]]
    rows, columns = (
        np.linspace(0, max(side - WINDOW, 0), count).astype(int)
        for side, count in zip(image.shape[:2], counts, strict=True)
    )
    return [image[top : top + WINDOW, left : left + WINDOW] for top in rows for left in columns]
