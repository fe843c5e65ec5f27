"""Ranges that random parameters are drawn from."""

from __future__ import annotations

import math

import numpy as np

Range = tuple[float, float]


def check_range(
    name: str, values: Range, *, least: float = 0.0, most: float = math.inf, above: float = -math.inf
) -> None:
    """Raise ValueError unless ``least <= low <= high <= most`` and ``low > above``."""
    low, high = values
    if not (least <= low <= high <= most and low > above):
        begin = f"above {above:g}" if above >= least else f"from {least:g}"
        raise ValueError(f"{name} must be two rising numbers {begin} to {most:g}, got {values}")


def log_uniform(rng: np.random.Generator, values: Range) -> float:
    """Draw a positive number whose logarithm is uniform."""
    low, high = values
    return math.exp(rng.uniform(math.log(low), math.log(high)))
