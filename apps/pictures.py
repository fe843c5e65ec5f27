"""What the browser is shown of a comparison: pictures reduced to the screen, crops enlarged, differences."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import imagecodecs
import numpy as np
from PIL import Image as PillowImage

from apps.comparison import INPUT, REFERENCE, Comparison, View
from workbench.images import to_float, to_uint, write_png

PREVIEW_SIDE = 1600
"""Longest side in pixels of a whole photograph as the browser gets it."""
CROP_SIDE = 480
"""Side in pixels of a crop at zoom 1, and about that of an enlarged one on the screen."""

_DARK, _BRIGHT = 0.15, 0.9
"""Mean values between which a place shows what was done to it."""


class Crop(NamedTuple):
    """Which part of a photograph is looked at.

    Attributes
    ----------
    x, y : float
        Its centre, as shares of width and height.
    zoom : int
        Enlargement.
    """

    x: float = 0.5
    y: float = 0.5
    zoom: int = 4

    def window(self, width: int, height: int) -> tuple[slice, slice]:
        """Rows and columns, moved inwards where they would leave the photograph."""
        side = CROP_SIDE // self.zoom

        def part(centre: float, length: int) -> slice:
            size = min(side, length)
            start = min(max(round(centre * length - size / 2), 0), length - size)
            return slice(start, start + size)

        return part(self.y, height), part(self.x, width)


def to_8_bits(pixels: np.ndarray) -> np.ndarray:
    """Pixels as the screen shows them."""
    return np.asarray(pixels) if pixels.dtype == np.uint8 else to_uint(to_float(pixels))


def preview(comparison: Comparison, view: View, side: int = PREVIEW_SIDE) -> Path:
    """A PNG file of a whole view, its longest side at most ``side`` pixels; made once."""
    path = comparison.folder / f"{list(comparison.views).index(view.title)}-{side}.png"
    if not path.is_file():
        width, height = comparison.size
        pixels = view.pixels
        step = max(1, max(width, height) // (4 * side))  # a cheap first cut of very large ones
        pixels = to_8_bits(pixels[::step, ::step])
        if max(width, height) > side:
            share = side / max(width, height)
            size = max(1, round(width * share)), max(1, round(height * share))
            pixels = np.asarray(PillowImage.fromarray(pixels).resize(size, PillowImage.Resampling.LANCZOS))
        write_png(path, pixels, icc_profile=comparison.icc_profile)
    return path


def enlarged(comparison: Comparison, view: View, crop: Crop) -> Path:
    """A PNG file of a crop, enlarged with hard pixels."""
    window = crop.window(*comparison.size)
    name = f"crop-{list(comparison.views).index(view.title)}-{window[1].start}-{window[0].start}-{crop.zoom}.png"
    path = comparison.folder / name
    if not path.is_file():
        pixels = to_8_bits(view.pixels[window]).repeat(crop.zoom, axis=0).repeat(crop.zoom, axis=1)
        write_png(path, pixels, icc_profile=comparison.icc_profile)
    return path


def difference(view: np.ndarray, other: np.ndarray, gain: float) -> np.ndarray:
    """``view - other`` enlarged by ``gain`` about middle grey, (H, W, 3) uint8."""
    return to_uint(np.float32(0.5) + np.float32(gain) * (to_float(view) - to_float(other)))


def differing_place(comparison: Comparison, zoom: int) -> tuple[float, float]:
    """Where the results differ most from one another, or the only one from the input: shares of width and height.

    Dark and overexposed places, where eyes see little of it, come after all others.
    """
    results = comparison.restored
    views = results if len(results) > 1 else [comparison.views[INPUT], *results]
    places = [(x, y) for y in np.linspace(0.1, 0.9, 7) for x in np.linspace(0.1, 0.9, 7)]

    def apart(place: tuple[float, float]) -> tuple[bool, float]:
        window = Crop(*place, zoom).window(*comparison.size)
        crops = np.array([to_float(view.pixels[window]) for view in views])
        return bool(_DARK < crops.mean() < _BRIGHT), float(crops.std(axis=0).mean())

    return max(places, key=apart)


def crop_figures(comparison: Comparison, crop: Crop) -> str:
    """The same crop of every view, side by side, as HTML."""
    window = crop.window(*comparison.size)
    figures = [
        (view.title, _caption(view), to_8_bits(view.pixels[window]), f"Crop of {view.title}")
        for view in comparison.views.values()
    ]
    return grid(figures, len(comparison.views))


def difference_figures(comparison: Comparison, crop: Crop, against: str, gain: float) -> str:
    """The same crop of every difference to one view, as HTML."""
    window = crop.window(*comparison.size)
    base = comparison.views.get(against, comparison.views[INPUT])
    figures = [
        (
            f"{view.title} − {base.title}",
            "",
            difference(view.pixels[window], base.pixels[window], gain),
            f"Difference of {view.title} and {base.title}, times {gain:g}",
        )
        for view in comparison.views.values()
        if view is not base and not (view.title == REFERENCE and base.title == INPUT)
    ]
    return grid(figures, len(comparison.views))


def locator(comparison: Comparison, crop: Crop) -> str:
    """The whole input with a frame around the crop, as HTML."""
    rows, columns = crop.window(*comparison.size)
    width, height = comparison.size
    picture = data_url(preview(comparison, comparison.views[INPUT], 640))
    frame = (
        f"left:{100 * columns.start / width:.3f}%;top:{100 * rows.start / height:.3f}%;"
        f"width:{100 * (columns.stop - columns.start) / width:.3f}%;"
        f"height:{100 * (rows.stop - rows.start) / height:.3f}%"
    )
    return (
        f'<div class="wb-locator" tabindex="0" role="application" aria-label="Whole photo; click or use the arrow keys'
        f' to move the crop"><img src="{picture}" alt="Whole input" draggable="false">'
        f'<span class="wb-frame" style="{frame}"></span></div>'
        f'<p class="wb-hint">{width} × {height} pixels; shown: {columns.stop - columns.start} ×'
        f" {rows.stop - rows.start} at ({columns.start}, {rows.start})</p>"
    )


def _caption(view: View) -> str:
    psnr = view.scores.get("psnr")
    name = view.choice.name if view.choice is not None and view.choice.name != view.title else ""
    return " · ".join(text for text in ("" if psnr is None else f"{psnr:.2f} dB", name) if text)


def grid(figures: list[tuple[str, str, np.ndarray, str]], columns: int) -> str:
    """Pictures side by side as HTML: title, note, pixels (H, W, 3) uint8 and alternative text of each."""
    columns = f'style="--views:{columns}"'
    return f'<div class="wb-grid" {columns}>{"".join(_figures(figures))}</div>'


def _figures(figures: list[tuple[str, str, np.ndarray, str]]) -> Iterator[str]:
    for title, note, pixels, alternative in figures:
        source = data_url(pixels)
        yield (
            f'<figure><div class="wb-window"><img src="{source}" alt="{html.escape(alternative)}" draggable="false">'
            f"</div><figcaption><b>{html.escape(title)}</b> {html.escape(note)}</figcaption></figure>"
        )


def data_url(picture: Path | np.ndarray) -> str:
    """A PNG file, or pixels (H, W, 3) uint8 as PNG, to stand in a page."""
    if isinstance(picture, Path):
        encoded = picture.read_bytes()
    else:
        encoded = imagecodecs.png_encode(np.ascontiguousarray(picture), level=3)
    return "data:image/png;base64," + base64.b64encode(encoded).decode("ascii")
