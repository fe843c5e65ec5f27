"""The radially averaged spectrum of a picture, for looking at; nothing is judged by it."""

from __future__ import annotations

import numpy as np
from plotly.graph_objects import Figure

from apps.comparison import REFERENCE, Comparison
from workbench.data.camera import LUMA
from workbench.images import to_float

BLOCK = 256
MOST_BLOCKS = 48
# Okabe and Ito's palette, which the colour-blind can tell apart, on light and dark alike
_COLOURS = ("#999999", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00")


def radial_spectrum(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Power density of the luma by spatial frequency.

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


def plot(comparison: Comparison) -> Figure | None:
    """The spectra of all views of a comparison as a figure; None for very small pictures."""
    figure = Figure()
    for (title, view), colour in zip(comparison.views.items(), _COLOURS, strict=False):
        if (spectrum := radial_spectrum(view.pixels)) is None:
            return None
        frequency, power = spectrum
        line = {"color": colour, "width": 2, "dash": "dot" if title == REFERENCE else "solid"}
        figure.add_scatter(x=frequency, y=power, name=title, mode="lines", line=line)
    axis = {"gridcolor": "rgba(128,128,128,0.25)", "zeroline": False}
    figure.update_layout(
        height=340, margin={"l": 60, "r": 10, "t": 40, "b": 50}, hovermode="x unified", showlegend=True,
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", font={"color": "#808080", "family": "sans-serif"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"}, hoverlabel={"font": {"color": "#333"}},
        xaxis={**axis, "title": "frequency / cycles per pixel", "range": [0, 0.5], "hoverformat": ".3f"},
        yaxis={**axis, "title": "power / dB", "hoverformat": ".1f"},
    )  # fmt: skip
    return figure


def _starts(length: int, side: int) -> list[int]:
    most = int(MOST_BLOCKS**0.5)
    count = min(max(length // side, 1), most)
    return [round(number * (length - side) / max(count - 1, 1)) for number in range(count)]
