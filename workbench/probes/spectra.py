"""Spectra of images and of what a restorer did to their fine detail."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from workbench.data.camera import LUMA
from workbench.images import to_float

BLOCK = 256
MOST_BLOCKS = 48
CUTOFF = 0.25
"""Cycles a pixel above which frequencies count as high: half of the highest along a row or column."""


def radial_spectrum(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Power density of the luma of a picture by spatial frequency.

    Blocks of at most 256 x 256 pixels, evenly spread over the picture, are weighted with a Hann window and transformed;
    their power is averaged over blocks and over rings of equal frequency.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, 3), uint8 or uint16

    Returns
    -------
    frequency : ndarray
        Centres of the rings in cycles a pixel, below 0.5.
    power : ndarray
        In decibels; 0 dB is the density of white noise with a standard deviation of 1/255. None for pictures of less
        than 16 pixels a side.
    """
    side = min(BLOCK, *pixels.shape[:2])
    if side < 16:
        return None
    tops, lefts = (_starts(length, side) for length in pixels.shape[:2])
    window = np.outer(np.hanning(side), np.hanning(side)).astype(np.float32)
    total = np.zeros((side, side // 2 + 1))
    for top in tops:
        for left in lefts:
            luma = to_float(pixels[top : top + side, left : left + side]) @ LUMA
            total += np.abs(np.fft.rfft2((luma - luma.mean()) * window)) ** 2
    total /= len(tops) * len(lefts) * np.sum(window**2)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    bins = side // 4
    ring = np.minimum((frequency * 2 * bins).astype(int), bins).ravel()
    power = np.bincount(ring, total.ravel(), bins + 1)[:bins] / np.bincount(ring, minlength=bins + 1)[:bins]
    centres = (np.arange(bins) + 0.5) / (2 * bins)
    # The first ring holds little but what the window leaks of the mean.
    return centres[1:], 10 * np.log10(np.maximum(power[1:] * 255**2, 1e-3))


def _starts(length: int, side: int) -> list[int]:
    most = int(MOST_BLOCKS**0.5)
    count = min(max(length // side, 1), most)
    return [round(number * (length - side) / max(count - 1, 1)) for number in range(count)]


def spectrum(images: Tensor) -> tuple[Tensor, Tensor]:
    """Radially averaged power density of square patches, linear, mean over channels.

    Parameters
    ----------
    images : Tensor, shape (N, C, P, P), P at least 16
        Weighted with a Hann window; each channel's mean is taken off.

    Returns
    -------
    frequency : Tensor, shape (P // 4 - 1,)
        Centres of the rings in cycles a pixel; the innermost ring is left out.
    power : Tensor, shape (N, P // 4 - 1)
        White noise of variance v has the density v at every frequency.

    Raises
    ------
    ValueError
        When the patches are not square or too small.
    """
    side = images.shape[-1]
    if images.shape[-2] != side or side < 16:
        raise ValueError(f"patches must be square with at least 16 pixels a side, not {tuple(images.shape[-2:])}")
    transform, frequency, window_power = _transform(images)
    power = transform.abs().square().mean(dim=1) / window_power
    bins = side // 4
    ring = (frequency * 2 * bins).long().clamp(max=bins).flatten()
    sums = torch.zeros(len(images), bins + 1, dtype=power.dtype).index_add_(1, ring, power.flatten(1).cpu())
    power = sums[:, 1:bins] / torch.bincount(ring, minlength=bins + 1)[1:bins]
    return (torch.arange(1, bins) + 0.5) / (2 * bins), power


def high_frequency_ratio(images: Tensor, reference: Tensor, cutoff: float = CUTOFF) -> Tensor:
    """Energy above a frequency relative to that of a reference; 1 where both have as much, of detail or of noise.

    Parameters
    ----------
    images, reference : Tensor, shape (N, C, H, W)
    cutoff : float
        Cycles a pixel.

    Returns
    -------
    Tensor, shape (N,)
    """
    ours, theirs = (high_band(each, cutoff).square().sum(dim=1) for each in (images, reference))
    return ours / theirs


def detail_and_noise(restored: Tensor, reference: Tensor, cutoff: float = CUTOFF) -> tuple[Tensor, Tensor]:
    """How much of the reference's fine detail an image has, and how much else.

    The image's band above the cutoff is projected on the reference's: ``h = detail * r + rest``. The plain ratio of
    energies (`high_frequency_ratio`) cannot tell detail from noise; it is ``detail**2 + noise``.

    Parameters
    ----------
    restored, reference : Tensor, shape (N, C, H, W)
    cutoff : float
        Cycles a pixel.

    Returns
    -------
    detail : Tensor, shape (N,)
        The coefficient of the projection: 1 if all detail is kept, 0 if none.
    noise : Tensor, shape (N,)
        Energy of the rest relative to the reference's band.

    Examples
    --------
    Half of the detail and nothing else:

    >>> reference = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    >>> [round(float(part), 3) for part in detail_and_noise(0.5 * reference, reference)]
    [0.5, 0.0]
    """
    detail, rest, theirs = project_high_band(restored, reference, cutoff)
    return detail, rest.square().sum(dim=1) / theirs.square().sum(dim=1)


def high_band(images: Tensor, cutoff: float = CUTOFF) -> Tensor:
    """Real and imaginary parts of the windowed pictures' spectra above a frequency; shape (N, K)."""
    transform, frequency, _ = _transform(images)
    return torch.view_as_real(transform[..., (frequency >= cutoff).to(transform.device)]).flatten(1)


def project_high_band(images: Tensor, reference: Tensor, cutoff: float = CUTOFF) -> tuple[Tensor, Tensor, Tensor]:
    """Split the high band of images into the reference's and the rest, as in `detail_and_noise`.

    Parameters
    ----------
    images, reference : Tensor, shape (N, C, H, W)
    cutoff : float
        Cycles a pixel.

    Returns
    -------
    detail : Tensor, shape (N,)
        The coefficient of the reference's band.
    rest, band : Tensor, shape (N, K)
        What remains, and the reference's band: real and imaginary parts of the windowed pictures' spectra.
    """
    ours, theirs = (high_band(each, cutoff) for each in (images, reference))
    detail = (ours * theirs).sum(dim=1) / theirs.square().sum(dim=1)
    return detail, ours - detail[:, None] * theirs, theirs


def residual_statistics(restored: Tensor, degraded: Tensor) -> pd.DataFrame:
    """What a restorer added to its input, image by image.

    Parameters
    ----------
    restored, degraded : Tensor, shape (N, C, H, W)

    Returns
    -------
    DataFrame
        ``mean`` and ``std`` of ``restored - degraded``; ``neighbour_correlation``, the correlation of horizontally and
        vertically adjacent residuals (0 for white noise); ``kurtosis``, the excess over a Gaussian's.
    """
    residual = (restored - degraded).double()
    mean = residual.flatten(1).mean(dim=1)
    centred = residual - residual.mean(dim=(2, 3), keepdim=True)
    variance = centred.square().flatten(1).mean(dim=1)
    across = (centred[..., 1:] * centred[..., :-1]).flatten(1).mean(dim=1)
    down = (centred[..., 1:, :] * centred[..., :-1, :]).flatten(1).mean(dim=1)
    columns = {
        "mean": mean,
        "std": variance.sqrt(),
        "neighbour_correlation": (across + down) / 2 / variance,
        "kurtosis": centred.pow(4).flatten(1).mean(dim=1) / variance.square() - 3,
    }
    return pd.DataFrame({name: values.cpu().numpy() for name, values in columns.items()})


def _transform(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Spectrum (N, C, H, W) of the windowed images, its frequencies (H, W) in cycles a pixel, the window's energy."""
    height, width = images.shape[-2:]
    images = images.detach().float()
    windows = [torch.hann_window(side, periodic=False, device=images.device) for side in (height, width)]
    window = windows[0][:, None] * windows[1]
    rows, columns = torch.fft.fftfreq(height), torch.fft.fftfreq(width)
    frequency = torch.hypot(rows[:, None], columns[None])
    centred = images - images.mean(dim=(2, 3), keepdim=True)
    return torch.fft.fft2(centred * window), frequency, window.square().sum()
