"""Decoded samples: as an `Image`, of how many bits, and as floating point values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.errors import WorkbenchError

MAX_PIXELS = 300_000_000
"""Larger images are refused before they are decoded: a small file can hold an image that fills the memory."""


@dataclass(frozen=True)
class Image:
    """A decoded image, upright.

    Attributes
    ----------
    pixels : ndarray, shape (H, W, 3), uint8 or uint16
        RGB; grey images have three equal channels.
    alpha : ndarray, shape (H, W), same type as ``pixels``, or None
        Opacity, if the file has any.
    icc_profile : bytes or None
        The colour profile in which ``pixels`` are to be understood; None means sRGB.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc_profile: bytes | None = None

    @property
    def bits(self) -> int:
        """Bits a channel, 8 or 16."""
        return 8 * self.pixels.itemsize


def to_float(pixels: np.ndarray) -> np.ndarray:
    """Integer pixels to float32 in [0, 1]; floating point arrays only change their type, without a copy if float32.

    Parameters
    ----------
    pixels : ndarray, uint8, uint16 or floating point

    Returns
    -------
    ndarray, float32, same shape
    """
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float32, copy=False)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"pixels must be uint8, uint16 or floating point, not {pixels.dtype}")
    # Division, not multiplication by the reciprocal: the latter misses the nearest float for some values.
    return np.divide(pixels, np.float32(np.iinfo(pixels.dtype).max), dtype=np.float32)


def to_uint(values: np.ndarray, bits: int = 8) -> np.ndarray:
    """Floating point values to integer pixels: clipped to [0, 1], scaled and rounded to the nearest.

    Parameters
    ----------
    values : ndarray, floating point, nominally in [0, 1]
    bits : {8, 16}

    Returns
    -------
    ndarray, uint8 or uint16, same shape
    """
    if values.dtype.kind != "f":
        raise TypeError(f"values must be floating point, not {values.dtype}")
    dtype = {8: np.uint8, 16: np.uint16}[bits]
    scaled = np.clip(values, 0, 1)
    scaled *= np.iinfo(dtype).max
    return np.rint(scaled, out=scaled).astype(dtype)


def stretched(samples: np.ndarray, highest: int) -> np.ndarray:
    """Integer samples of [0, ``highest``] as uint8 or uint16 over the whole range, rounded to the nearest.

    Raises
    ------
    ValueError
        A sample is greater than ``highest``.
    """
    dtype = np.uint8 if highest < 256 else np.uint16
    top = np.iinfo(dtype).max
    if samples.size and samples.max() > highest:
        raise ValueError(f"a value above {highest}")
    if highest == top:
        return samples.astype(dtype)
    return ((samples.astype(np.uint32) * top + highest // 2) // highest).astype(dtype)


def from_samples(samples: np.ndarray, orientation: int, icc_profile: bytes | None) -> Image:
    """Split decoded samples (H, W) or (H, W, 1 to 4), uint8 or uint16, into colour and alpha, upright.

    Parameters
    ----------
    orientation : int
        As of EXIF, 1 to 8; anything else counts as 1.
    icc_profile : bytes or None
        Those of CMYK and grey files are left out: they no longer fit the converted pixels.
    """
    if samples.ndim == 2:
        samples = samples[..., None]
    samples = _upright(samples, orientation)
    channels = samples.shape[2]
    if channels > 4:
        raise ValueError(f"{channels} channels")
    alpha = np.ascontiguousarray(samples[..., -1]) if channels in (2, 4) else None
    pixels = samples[..., :3] if channels >= 3 else np.repeat(samples[..., :1], 3, axis=2)
    rgb = bool(icc_profile) and icc_profile[16:20] == b"RGB "
    return Image(np.ascontiguousarray(pixels), alpha, icc_profile if rgb else None)


def check_size(path: Path, width: int, height: int) -> None:
    """Refuse an image of more than ``MAX_PIXELS``."""
    if width * height > MAX_PIXELS:
        raise WorkbenchError(f"{path}: more than {MAX_PIXELS // 1_000_000} million pixels; cut or shrink it first")


def _upright(samples: np.ndarray, orientation: int) -> np.ndarray:
    """A view with the EXIF orientation undone."""
    if orientation in (5, 6, 7, 8):
        samples = samples.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    return samples
