"""Motion blur: of straight motion, the same everywhere, and of a shaking camera, different from place to place."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workbench.data.degradations.ranges import Range, check_range

# Points of a path during the exposure.
STEPS = 128


def blur(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolve a picture, continued by reflection, with one kernel.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), float32
    kernel : ndarray, shape (2R + 1, 2R + 1), float32

    Returns
    -------
    blurred : ndarray, shape (H, W, 3), float32
    """
    from scipy.fft import irfft2, next_fast_len, rfft2  # slow to import, and whoever reads a recipe imports this module

    radius = kernel.shape[0] // 2
    padded = np.pad(image, [(radius, radius), (radius, radius), (0, 0)], mode="symmetric")
    # What wraps around lies in the padding, which is cut off.
    shape = [next_fast_len(side, real=True) for side in padded.shape[:2]]
    spectrum = rfft2(padded, shape, axes=(0, 1)) * rfft2(kernel, shape)[..., None]
    return irfft2(spectrum, shape, axes=(0, 1))[2 * radius :, 2 * radius :][: image.shape[0], : image.shape[1]]


def path_kernel(path: np.ndarray, radius: int) -> np.ndarray:
    """The kernel of a point that moves along a path, equally long at each of its points.

    Parameters
    ----------
    path : ndarray, shape (N, 2)
        Positions (row, column) in pixels, within `radius` of the origin.
    radius : int

    Returns
    -------
    kernel : ndarray, shape (2 * radius + 1, 2 * radius + 1), float32
        Not negative, sum 1. Each point is shared bilinearly by the four pixels around it.
    """
    side = 2 * radius + 1
    places = path + radius
    corner = np.floor(places).astype(int).clip(0, side - 1)
    far = (places - corner).clip(0, 1)
    kernel = np.zeros(side * side)
    for rows in (0, 1):
        for columns in (0, 1):
            weight = np.abs(1 - rows - far[:, 0]) * np.abs(1 - columns - far[:, 1])
            index = (corner + (rows, columns)).clip(0, side - 1)
            kernel += np.bincount(index[:, 0] * side + index[:, 1], weight, side * side)
    return (kernel.reshape(side, side) / len(path)).astype(np.float32)


def straight_path(length: float, angle: float) -> np.ndarray:
    """Points (row, column) of a straight line through the origin; `length` in pixels, `angle` in radians."""
    along = np.linspace(-length / 2, length / 2, STEPS)[:, None]
    return along * (-math.sin(angle), math.cos(angle))


def random_path(extent: float, rng: np.random.Generator) -> np.ndarray:
    """The path of a hand-held camera during an exposure.

    A particle moves at constant speed; its velocity is turned by Gaussian perturbations, by a pull towards where it
    started and, seldom, by a sudden jerk that nearly turns it around [1]_. How strongly by each is drawn first, so
    paths range from nearly straight to tangled.

    Parameters
    ----------
    extent : float
        Twice the largest distance from the path's centroid, in pixels.
    rng : numpy.random.Generator

    Returns
    -------
    path : ndarray, shape (STEPS, 2)
        Positions (row, column), their centroid at the origin, so that blurring does not shift the picture.

    References
    ----------
    .. [1] G. Boracchi and A. Foi. Modeling the performance of image restoration from motion blur. IEEE Transactions on
           Image Processing 21(8), 2012.
    """
    unrest = rng.uniform(0, 0.35)
    pull = rng.uniform(0, 0.006)
    jerks = rng.random(STEPS) < rng.uniform(0, 0.02)
    turns = rng.uniform(-0.5, 0.5, STEPS)
    pushes = rng.standard_normal(STEPS) + 1j * rng.standard_normal(STEPS)
    velocity = np.exp(2j * math.pi * rng.random())
    position, places = 0j, []
    for jerk, turn, push in zip(jerks, turns, pushes, strict=True):
        places.append(position)
        if jerk:
            velocity *= -np.exp(1j * turn)
        velocity += unrest * push - pull * position
        velocity /= abs(velocity)
        position += velocity
    path = np.array(places)
    path -= path.mean()
    path *= extent / 2 / np.abs(path).max()
    return np.stack([path.imag, path.real], axis=1)


@dataclass(frozen=True)
class LinearMotionBlur:
    """Blur by straight, even motion, the same everywhere: the simplest synthetic model.

    Length and direction are drawn uniformly once an image; the picture is convolved as it is stored (sRGB).

    Parameters
    ----------
    length : tuple of float
        Range of the length of the motion in pixels.

    Raises
    ------
    ValueError
        If `length` is not ascending or negative.
    """

    length: Range = (3.0, 27.0)

    def __post_init__(self) -> None:
        check_range("length", self.length)

    @property
    def margin(self) -> int:
        """Pixels around a place that are mixed into it."""
        return math.ceil(self.length[1] / 2)

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image; arguments and result as of `Degradation`."""
        length, angle = rng.uniform(*self.length), rng.uniform(0, math.pi)
        return blur(clean, path_kernel(straight_path(length, angle), math.ceil(length / 2)))


@dataclass(frozen=True)
class CameraShake:
    """Blur by a camera that shakes: random paths that change over the picture, and highlights that saturate.

    The camera shifts and rolls about a random point during the exposure, so the path of a point depends on where it
    lies. The picture is blurred by the kernels of a grid of points, blended linearly between them [1]_. Before that,
    what is nearly white is made brighter, as lamps and glints are that a photograph clips; their traces then stay
    bright, and what is still brighter than white is clipped after [2]_.

    Meant for linear light (`workbench.data.camera.Camera.shoot`), where light adds up; works on any picture.

    Parameters
    ----------
    extent : tuple of float
        Range of the size of the path in pixels: twice the largest distance from its centroid.
    roll : tuple of float
        Range of the length in pixels, to either side, that the camera's roll adds at half the picture's diagonal.
    highlights : tuple of float
        Range of the brightness of what was clipped, relative to white; 1 for none beyond it.
    spacing : int
        Largest distance in pixels between points of the grid.

    Raises
    ------
    ValueError
        If a range is not ascending or negative, or `highlights` below 1.

    Notes
    -----
    The defaults were chosen by eye beside RealBlur-J, at 384 x 384 pixels taken by the simulated camera;
    ``benchmarks/rain_and_shake.py`` compares statistics with real shake (Levin) and GoPro. The scene is flat and at
    rest: no parallax, nothing that moves by itself, no rolling shutter.

    References
    ----------
    .. [1] M. Hirsch, S. Sra, B. Schölkopf and S. Harmeling. Efficient filter flow for space-variant multiframe blind
           deconvolution. CVPR 2010.
    .. [2] J. Rim, G. Kim, J. Kim, J. Lee, S. Lee and S. Cho. Realistic blur synthesis for learning image deblurring.
           ECCV 2022.
    """

    extent: Range = (6.0, 28.0)
    roll: Range = (0.0, 6.0)
    highlights: Range = (1.0, 4.0)
    spacing: int = 128

    def __post_init__(self) -> None:
        check_range("extent", self.extent)
        check_range("roll", self.roll)
        check_range("highlights", self.highlights, least=1.0)

    @property
    def margin(self) -> int:
        """Pixels around a place that are mixed into it."""
        # The pivot may lie three quarters of the diagonal away.
        return math.ceil(self.extent[1] / 2 + 1.5 * self.roll[1])

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image; arguments and result as of `Degradation`, in [0, 1]."""
        height, width = clean.shape[:2]
        shift = random_path(rng.uniform(*self.extent), rng)
        roll = random_path(2 * rng.uniform(*self.roll), rng)[:, 0] / (math.hypot(height, width) / 2)
        pivot = rng.uniform(0.25, 0.75, 2) * (height, width)
        gain = rng.uniform(*self.highlights)
        # A smooth step up to the gain between 0.9 and 1.
        white = ((clean.min(axis=2, keepdims=True) - 0.9) / 0.1).clip(0, 1)
        radiance = clean * (1 + np.float32(gain - 1) * white**2)

        degraded = np.zeros_like(clean)
        for row, rows, weight_down in _hats(height, self.spacing):
            for column, columns, weight_across in _hats(width, self.spacing):
                # Rolling by a small angle moves a point at right angles to the line from the pivot.
                path = shift + roll[:, None] * (column - pivot[1], pivot[0] - row)
                radius = math.ceil(np.abs(path).max())
                # Reflection is for the picture's border: elsewhere the crop brings its surroundings.
                top, left = max(rows.start - radius, 0), max(columns.start - radius, 0)
                crop = radiance[top : rows.stop + radius, left : columns.stop + radius]
                blurred = blur(crop, path_kernel(path, radius))
                inside = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
                degraded[rows, columns] += weight_down[:, None, None] * weight_across[:, None] * blurred[inside]
        return degraded.clip(0, 1)


def _hats(side: int, spacing: int) -> list[tuple[float, slice, np.ndarray]]:
    """Knots of a piecewise linear interpolation over `side` pixels: place, pixels reached, float32 weights of those."""
    pixels, cells = np.arange(side) + 0.5, math.ceil(side / spacing)
    hats = []
    for knot in np.linspace(0, side, cells + 1):
        weights = 1 - np.abs(pixels - knot) * (cells / side)
        (reached,) = np.nonzero(weights > 0)
        place = slice(int(reached[0]), int(reached[-1]) + 1)
        hats.append((float(knot), place, weights[place].astype(np.float32)))
    return hats
