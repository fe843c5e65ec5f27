"""The Bayer mosaic of the simulated camera, and the two ways in which its colours are filled in."""

from __future__ import annotations

import numpy as np
import scipy

# Weights of a 3 x 3 neighbourhood that interpolate a colour sampled at one site of four, and at two of four (green).
ONE_OF_FOUR = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32) / 4
TWO_OF_FOUR = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]], np.float32) / 4
# Corrections of these by the Laplacian of the colour that was sampled there (Malvar et al., 2004): of green at a red or
# blue site, of red and blue where their neighbours are left and right (or, turned, above and below), and diagonal.
GREEN_CORRECTION = (
    np.array([[0, 0, -1, 0, 0], [0, 0, 0, 0, 0], [-1, 0, 4, 0, -1], [0, 0, 0, 0, 0], [0, 0, -1, 0, 0]], np.float32) / 8
)
BESIDE_CORRECTION = (
    np.array(
        [[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 0, 5, 0, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]], np.float32
    )
    / 8
)
DIAGONAL_CORRECTION = (
    np.array(
        [[0, 0, -1.5, 0, 0], [0, 0, 0, 0, 0], [-1.5, 0, 6, 0, -1.5], [0, 0, 0, 0, 0], [0, 0, -1.5, 0, 0]], np.float32
    )
    / 8
)


def bayer_sites(shape: tuple[int, int], phase: tuple[int, int]) -> np.ndarray:
    """Which of R, G, B each sensor site sees: (H, W, 3) bool; phase (0, 0) is RGGB from the top left."""
    row, column = np.ogrid[: shape[0], : shape[1]]
    row, column = (row + phase[0]) % 2, (column + phase[1]) % 2
    return np.stack([(row == 0) & (column == 0), row != column, (row == 1) & (column == 1)], axis=2)


def demosaic(mosaic: np.ndarray, sites: np.ndarray, gradient_correction: bool = False) -> np.ndarray:
    """Bilinear demosaicing of an (H, W) mosaic, or gradient-corrected (Malvar et al., 2004).

    Mirroring about the edge pixels keeps the Bayer pattern.
    """
    kernels = (ONE_OF_FOUR, TWO_OF_FOUR, ONE_OF_FOUR)
    channels = [scipy.ndimage.correlate(mosaic * sites[..., c], kernels[c], mode="mirror") for c in range(3)]
    colours = np.stack(channels, axis=2)
    return colours + _corrections(mosaic, sites) if gradient_correction else colours


def _corrections(mosaic: np.ndarray, sites: np.ndarray) -> np.ndarray:
    """What gradient-corrected demosaicing adds to the bilinear: (H, W, 3)."""
    at_green = sites[..., 1]
    red_rows = sites[..., 0].any(axis=1, keepdims=True)
    kernels = (GREEN_CORRECTION, BESIDE_CORRECTION, BESIDE_CORRECTION.T, DIAGONAL_CORRECTION)
    green, beside, above, diagonal = (scipy.ndimage.correlate(mosaic, kernel, mode="mirror") for kernel in kernels)
    red = np.where(at_green, np.where(red_rows, beside, above), diagonal * sites[..., 2])
    blue = np.where(at_green, np.where(red_rows, above, beside), diagonal * sites[..., 0])
    return np.stack([red, green * ~at_green, blue], axis=2)
