"""Ranges of timesteps, over which noise-prediction errors are averaged."""

from __future__ import annotations

Band = tuple[int, int]
BANDS: tuple[Band, ...] = ((1, 100), (101, 300), (301, 600), (601, 1000))
"""Timestep ranges, from little to much diffusion noise."""
ALL_BANDS = "all"
"""The mean over bands, in tables of errors."""


def band_steps(band: Band, count: int) -> list[int]:
    """``count`` timesteps in the middles of equal parts of a band, such as 13, 38, 63, 88 of (1, 100)."""
    first, last = band
    width = (last - first + 1) / count
    return [int(first + (index + 0.5) * width) for index in range(count)]
