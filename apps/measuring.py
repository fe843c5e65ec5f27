"""Scores of a comparison's pictures, against its reference or without one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from workbench.evaluation import Lpips, Metric, NoValue, Sample, Unavailable, get_protocol
from workbench.evaluation.measures import STANDARD, chosen
from workbench.evaluation.no_reference import MOST_WINDOWS, WINDOW, no_reference
from workbench.images import to_float

if TYPE_CHECKING:
    from apps.comparison import Comparison

MOST_PIXELS = {"lpips": 4_000_000, "ssim": 30_000_000}
"""By metric: of larger photographs it is left out. LPIPS takes a kilobyte a pixel, SSIM some 150 bytes."""


def measure(comparison: Comparison, reference: np.ndarray, tell: Callable[[float], None]) -> None:
    """Fill in the scores of the views, protocol rgb; ``tell`` is called with the share that is done."""
    protocol = get_protocol("rgb")
    tell(0)
    metrics = _affordable(comparison, reference.shape[0] * reference.shape[1])
    clean = protocol.prepare(to_float(reference))
    for number, view in enumerate(comparison.views.values()):
        sample = Sample(protocol.prepare(to_float(view.pixels)), clean, protocol, with_ssim="ssim" in metrics)
        view.scores = dict.fromkeys(STANDARD)
        for name, metric in metrics.items():
            try:
                view.scores[name] = metric.measure(sample)
            except NoValue as reason:
                note = f"{reason} ({view.title})" if name == "psnr" else str(reason)
                comparison.notes.extend([note] if note not in comparison.notes else [])
        tell((number + 1) / len(comparison.views))


def _affordable(comparison: Comparison, pixels: int) -> dict[str, Metric]:
    """The metrics that there is weight and memory for; a note says of the others why not."""
    metrics = {}
    for metric in chosen(STANDARD):
        loaded, most = lpips_metric() if metric is Lpips else metric.load(), MOST_PIXELS.get(metric.name)
        if isinstance(loaded, Unavailable):
            comparison.notes.append(loaded.reason)
        elif most is not None and pixels > most:
            comparison.notes.append(f"{metric.title} is left out above {most // 1_000_000} megapixels")
        else:
            metrics[metric.name] = loaded
    return metrics


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
