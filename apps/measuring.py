"""Scores of a comparison's pictures, against its reference or without one."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from workbench.evaluation import Lpips, Unavailable, get_protocol
from workbench.evaluation.no_reference import MOST_WINDOWS, WINDOW, no_reference
from workbench.images import to_float

if TYPE_CHECKING:
    from apps.comparison import Comparison

MAX_LPIPS_PIXELS = 4_000_000
"""LPIPS of larger photographs is left out: it takes a kilobyte a pixel."""
MAX_SSIM_PIXELS = 30_000_000
"""SSIM of larger photographs is left out: it takes some 150 bytes a pixel."""


def measure(comparison: Comparison, reference: np.ndarray, tell: Callable[[float], None]) -> None:
    """Fill in the scores of the views, protocol rgb; ``tell`` is called with the share that is done."""
    protocol = get_protocol("rgb")
    tell(0)
    lpips = lpips_metric()
    side, pixels = min(reference.shape[:2]), reference.shape[0] * reference.shape[1]
    if isinstance(lpips, Unavailable):
        comparison.notes.append(lpips.reason)
    elif pixels > MAX_LPIPS_PIXELS:
        comparison.notes.append(f"LPIPS is left out above {MAX_LPIPS_PIXELS // 1_000_000} megapixels")
    elif side < lpips.min_side:
        comparison.notes.append(f"LPIPS needs at least {lpips.min_side} pixels a side")
    with_lpips = isinstance(lpips, Lpips) and side >= lpips.min_side and pixels <= MAX_LPIPS_PIXELS
    with_ssim = protocol.window <= side and pixels <= MAX_SSIM_PIXELS
    if side < protocol.window:
        comparison.notes.append(f"SSIM needs at least {protocol.window} pixels a side")
    elif not with_ssim:
        comparison.notes.append(f"SSIM is left out above {MAX_SSIM_PIXELS // 1_000_000} megapixels")
    clean = protocol.prepare(to_float(reference))
    for number, view in enumerate(comparison.views.values()):
        picture = protocol.prepare(to_float(view.pixels))
        psnr = protocol.psnr(picture, clean)
        if math.isinf(psnr):
            comparison.notes.append(f"PSNR of {view.title} is infinite: it equals the reference")
        view.scores = {
            "psnr": psnr if math.isfinite(psnr) else None,
            "ssim": protocol.ssim(picture, clean) if with_ssim else None,
            "lpips": lpips(picture, clean) if with_lpips else None,
        }
        tell((number + 1) / len(comparison.views))


def measure_alone(comparison: Comparison, tell: Callable[[float], None]) -> None:
    """Fill in the scores of the views where there is no reference; ``tell`` as for `measure`."""
    tell(0)
    for number, view in enumerate(comparison.views.values()):
        view.scores = no_reference(view.pixels)
        tell((number + 1) / len(comparison.views))
    comparison.notes.append(
        "No reference: noise and blur are estimated from each picture alone. A lower value is not better by itself:"
        " less noise may be detail lost, less blur may be noise left."
    )
    width, height = comparison.size
    if width * height > MOST_WINDOWS * WINDOW**2:
        comparison.notes.append(f"They are measured on windows of {WINDOW} × {WINDOW} pixels, evenly spaced.")


@cache
def lpips_metric() -> Lpips | Unavailable:
    """LPIPS, looked for once, on this machine alone."""
    return Lpips.load(download=False)
