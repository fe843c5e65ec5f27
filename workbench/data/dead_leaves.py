"""Dead leaves: random images of overlapping disks with the scale invariance of natural images."""

from __future__ import annotations

import math

import numpy as np
import scipy

from workbench.images import to_uint

# Leaves are painted in batches of about this many bounding-box pixels, which bounds the memory used.
BATCH_PIXELS = 2_000_000


def dead_leaves(
    size: int | tuple[int, int],
    rng: np.random.Generator,
    *,
    palette: np.ndarray | None = None,
    radius: tuple[float, float | None] = (1.0, None),
    exponent: float = 3.0,
    texture: float = 0.04,
    oversampling: int = 2,
    blur: float = 0.0,
) -> np.ndarray:
    """Draw a colour dead-leaves image.

    Disks with centres uniform on the plane and radii of density proportional to ``r ** -exponent`` on
    ``[r_min, r_max]`` are laid behind one another until every pixel is covered, which samples the stationary model
    exactly (no background is left). The picture is drawn `oversampling` times larger and reduced by averaging, so that
    edges are anti-aliased and detail below a pixel is mixed, as in a photograph.

    Parameters
    ----------
    size : int or tuple of int
        Height and width in pixels; one number for a square.
    rng : numpy.random.Generator
        Source of all randomness.
    palette : ndarray, shape (N, 3), uint8, optional
        Colours to draw from, with replacement: pixels of photographs. Without it colours are uniform in the RGB cube.
    radius : tuple
        Smallest and largest radius in pixels; a largest radius of None is half the longer side.
    exponent : float
        Exponent of the radius density, above 1; 3 gives scale invariance [1]_.
    texture : float
        Largest amplitude, in [0, 1], of the sinusoidal grating that each leaf carries (random period of 3 to 12
        pixels, random direction and phase, amplitude uniform up to this). 0 for plain leaves.
    oversampling : int
        Factor by which the picture is drawn larger.
    blur : float
        Standard deviation in pixels of a final Gaussian blur; 0 for none.

    Returns
    -------
    image : ndarray, shape (H, W, 3), uint8
        RGB picture.

    References
    ----------
    .. [1] A. B. Lee, D. Mumford and J. Huang. Occlusion models for natural images: a statistical study of a
           scale-invariant dead leaves model. International Journal of Computer Vision 41, 2001.
    .. [2] R. Achddou, Y. Gousseau and S. Ladjal. Synthetic images as a regularity prior for image restoration neural
           networks. Scale Space and Variational Methods in Computer Vision (SSVM), 2021.
    """
    height, width = (size, size) if isinstance(size, int) else size
    smallest, largest = radius
    largest = max(height, width) / 2 if largest is None else largest
    canvas = (height * oversampling, width * oversampling)
    leaves = leaf_map(canvas, rng, (smallest * oversampling, largest * oversampling), exponent)

    count = int(leaves.max()) + 1
    if palette is None:
        colours = rng.random((count, 3), dtype=np.float32)
    else:
        colours = palette[rng.integers(len(palette), size=count)].astype(np.float32) / 255
    image = colours[leaves]
    if texture > 0:
        image += _gratings(leaves, count, rng, texture, oversampling)[..., None]
    image = image.reshape(height, oversampling, width, oversampling, 3).mean(axis=(1, 3))
    if blur > 0:
        image = scipy.ndimage.gaussian_filter(image, (blur, blur, 0))
    return to_uint(image)


def leaf_map(
    shape: tuple[int, int], rng: np.random.Generator, radius: tuple[float, float], exponent: float = 3.0
) -> np.ndarray:
    """Number the leaf that is visible at every pixel, front leaf first.

    Parameters
    ----------
    shape : tuple of int
        Height and width in pixels.
    rng : numpy.random.Generator
        Source of centres and radii.
    radius : tuple of float
        Smallest and largest radius in pixels.
    exponent : float
        Exponent of the radius density, above 1.

    Returns
    -------
    leaves : ndarray, shape (H, W), int32
        Index of the front-most leaf; 0 was laid first and hides all others.
    """
    height, width = shape
    margin = radius[1]
    # The expected bounding box sets how many leaves make one batch.
    sample = leaf_radii(1000, np.random.default_rng(0), radius, exponent)
    batch = max(1, int(BATCH_PIXELS / np.mean((2 * sample + 1) ** 2)))
    leaves = np.full(height * width, -1, np.int32)
    laid = 0
    while (free := leaves < 0).any():
        radii = leaf_radii(batch, rng, radius, exponent)
        rows = rng.uniform(-margin, height + margin, batch)
        columns = rng.uniform(-margin, width + margin, batch)
        owner, pixel = _free_pixels(free, *_disk_rows(rows, columns, radii, shape))
        # Of repeated indices numpy keeps the last assignment: paint from the back to the front of this batch.
        leaves[pixel[::-1]] = owner[::-1] + laid
        laid += batch
    visible = np.zeros(laid, bool)
    visible[leaves] = True
    return (np.cumsum(visible, dtype=np.int32) - 1)[leaves].reshape(shape)


def leaf_radii(count: int, rng: np.random.Generator, radius: tuple[float, float], exponent: float = 3.0) -> np.ndarray:
    """Draw radii of density proportional to ``r ** -exponent`` on an interval, by inverting the distribution.

    Parameters
    ----------
    count : int
        How many.
    rng : numpy.random.Generator
        Source of randomness.
    radius : tuple of float
        Smallest and largest radius, both positive.
    exponent : float
        Above 1.

    Returns
    -------
    radii : ndarray, shape (count,), float64
    """
    low, high = (bound ** (1 - exponent) for bound in radius)
    return (low + (high - low) * rng.random(count)) ** (1 / (1 - exponent))


def _disk_rows(
    rows: np.ndarray, columns: np.ndarray, radii: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """List (disk, first flat pixel index, one past the last) for all rows of each disk, in the order of the disks."""
    height, width = shape
    top = np.maximum(np.ceil(rows - radii), 0).astype(int)
    bottom = np.minimum(np.floor(rows + radii), height - 1).astype(int)
    owner, row = _runs(top, bottom + 1)
    half = np.sqrt(np.maximum(radii[owner] ** 2 - (row - rows[owner]) ** 2, 0))
    left, right = np.ceil(columns[owner] - half), np.floor(columns[owner] + half) + 1
    first, end = (row * width + np.clip(edge, 0, width).astype(int) for edge in (left, right))
    return owner, first, end


def _free_pixels(
    free: np.ndarray, owner: np.ndarray, first: np.ndarray, end: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """List (disk, flat pixel index) for the free pixels of rows of disks, in their order."""
    before = np.concatenate([[0], np.cumsum(free)])
    some = before[end] > before[first]
    number, pixel = _runs(first[some], end[some])
    kept = free[pixel]
    return owner[some][number[kept]], pixel[kept]


def _runs(first: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The whole numbers of each interval ``[first, end)``, one after the other: (number of the interval, number)."""
    length = np.maximum(end - first, 0)
    number = np.repeat(np.arange(len(length)), length)
    return number, np.arange(len(number)) + np.repeat(first - np.cumsum(length) + length, length)


def _gratings(
    leaves: np.ndarray, count: int, rng: np.random.Generator, amplitude: float, oversampling: int
) -> np.ndarray:
    """One sinusoid a leaf, evaluated at every pixel of the leaf map: (H, W) float32 in [-amplitude, amplitude]."""
    frequency = 2 * math.pi / (oversampling * np.exp(rng.uniform(math.log(3), math.log(12), count)))
    angle, phase = rng.uniform(0, 2 * math.pi, (2, count))
    strength = rng.uniform(0, amplitude, count).astype(np.float32)
    along_rows = (frequency * np.sin(angle)).astype(np.float32)[leaves]
    along_columns = (frequency * np.cos(angle)).astype(np.float32)[leaves]
    row, column = np.ogrid[: leaves.shape[0], : leaves.shape[1]]
    argument = along_rows * row.astype(np.float32) + along_columns * column.astype(np.float32)
    return strength[leaves] * np.sin(argument + phase.astype(np.float32)[leaves])
