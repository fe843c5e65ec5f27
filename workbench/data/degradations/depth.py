"""A made-up depth for what lies between scene and camera."""

from __future__ import annotations

import numpy as np


def smooth_depth(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A smooth random depth: far at the top, near at the bottom, with low hills; (H, W) float32 in [0, 1]."""
    rows, columns = np.linspace(0, 1, shape[0])[:, None], np.linspace(0, 1, shape[1])[None]
    depth = rng.uniform(0.5, 1.0) * (1 - rows) + np.zeros_like(columns)
    for _ in range(3):
        row, column = rng.uniform(0, 1, 2)
        size = rng.uniform(0.15, 0.4)
        depth += rng.uniform(-0.4, 0.4) * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * size**2))
    return depth.clip(0, 1).astype(np.float32)
