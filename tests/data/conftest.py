"""A picture that degradations are tried on."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def picture():
    """Smooth blobs and a few edges, 90 x 110, in [0, 1]."""
    rng = np.random.default_rng(0)
    row, column = np.mgrid[0:1:90j, 0:1:110j]
    scene = np.stack([0.2 + 0.5 * row, 0.3 + 0.4 * column, 0.6 - 0.4 * row * column], axis=2)
    for _ in range(12):
        top, left = rng.integers(0, 80, 2)
        scene[top : top + 15, left : left + 15] = rng.uniform(0, 1, 3)
    return scene.astype(np.float32)
