"""Rain: flat white streaks, as synthetic data sets have it, and rain at many depths with its veil; snow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from workbench.data.degradations.depth import smooth_depth
from workbench.data.degradations.ranges import Range, check_range, log_uniform


def streak_layer(
    shape: tuple[int, int],
    rng: np.random.Generator,
    *,
    density: float,
    length: float,
    angle: float,
    width: float,
    spread: float = 0.0,
    variation: float = 0.0,
    unevenness: float = 0.0,
) -> np.ndarray:
    """Draw streaks of the same kind.

    Parameters
    ----------
    shape : tuple of int
        Height and width in pixels.
    rng : numpy.random.Generator
    density : float
        Mean number of streaks (their middles) on 1,000 pixels.
    length : float
        Mean length in pixels.
    angle : float
        Mean inclination to the vertical in radians; positive leans to the right at the top.
    width : float
        Standard deviation in pixels of the profile across a streak.
    spread : float
        Standard deviation of the inclination in radians.
    variation : float
        Standard deviation of the logarithm of the lengths, and of that of the strengths, of single streaks.
    unevenness : float
        How much a streak's strength changes along it, 0 to 1: drops oscillate as they fall [1]_.

    Returns
    -------
    layer : ndarray, shape (H, W), float32
        Strength, not negative; about 1 in the middle of a single mean streak.

    References
    ----------
    .. [1] K. Garg and S. K. Nayar. Photorealistic rendering of rain streaks. ACM Transactions on Graphics 25(3), 2006.
    """
    from scipy.ndimage import gaussian_filter  # slow to import, and whoever reads a recipe imports this module

    pad = math.ceil(length * math.exp(2 * variation) / 2 + 4 * width) + 1
    height, breadth = (side + 2 * pad for side in shape)
    count = rng.poisson(density / 1000 * height * breadth)
    middles = rng.uniform(0, 1, (2, count)) * [[height], [breadth]]
    angles = angle + spread * rng.standard_normal(count)
    lengths = length * np.exp(variation * rng.standard_normal(count).clip(-2, 2))
    strengths = np.exp(variation * rng.standard_normal(count).clip(-2, 2))
    waves = rng.uniform(0.5, 2.5, count), rng.uniform(0, 1, count)

    # Points about half a pixel apart; each is worth the length of streak it stands for.
    points = max(math.ceil(2 * length), 4)
    along = (np.arange(points) + 0.5) / points - 0.5
    profile = np.cos(np.pi * along) ** 0.5
    cycles, phases = waves
    dips = 0.5 + 0.5 * np.sin(2 * np.pi * (np.outer(cycles, along) + phases[:, None]))
    profile = profile * (1 - unevenness * dips)
    rows = middles[0][:, None] - np.outer(lengths * np.cos(angles), along)
    columns = middles[1][:, None] + np.outer(lengths * np.sin(angles), along)
    values = profile * (strengths * lengths / points)[:, None]
    layer = _splat((height, breadth), rows.ravel(), columns.ravel(), values.ravel())
    layer = gaussian_filter(layer, width, truncate=3)
    # A line of unit strength a pixel has this peak, its points being spread over two pixels before the blur.
    layer *= math.sqrt(2 * math.pi * (width**2 + 1 / 6))
    return layer[pad:-pad, pad:-pad]


def _splat(shape: tuple[int, int], rows: np.ndarray, columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Add points to an image, each shared bilinearly by four pixels; what lies outside is dropped. float32."""
    size = shape[0] * shape[1]
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    down, right = rows - top, columns - left
    image = np.zeros(size)
    for below in (0, 1):
        for beside in (0, 1):
            row, column = top + below, left + beside
            weight = values * np.abs(1 - below - down) * np.abs(1 - beside - right)
            inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
            image += np.bincount((row * shape[1] + column)[inside], weight[inside], size)
    return image.reshape(shape).astype(np.float32)


@dataclass(frozen=True)
class RainStreaks:
    """White streaks of one kind and direction added to the picture: the common synthetic model ``O = B + S`` [1]_.

    Everything is drawn uniformly once an image. The sum is clipped to 1, as in the data sets that store it.

    Parameters
    ----------
    density : tuple of float
        Streaks on 1,000 pixels.
    length : tuple of float
        Pixels.
    slant : float
        Largest inclination to the vertical, in degrees to either side.
    width : tuple of float
        Standard deviation of the profile across a streak in pixels.
    strength : tuple of float
        What the middle of a streak adds, on the scale in which white is 1.

    Raises
    ------
    ValueError
        If a range is not ascending or negative.

    References
    ----------
    .. [1] W. Yang, R. T. Tan, J. Feng, J. Liu, Z. Guo and S. Yan. Deep joint rain detection and removal from a single
           image. CVPR 2017. (Rain100L and Rain100H.)
    """

    density: Range = (0.5, 4.0)
    length: Range = (10.0, 40.0)
    slant: float = 30.0
    width: Range = (0.5, 1.2)
    strength: Range = (0.2, 0.7)

    def __post_init__(self) -> None:
        for name in ("density", "length", "width", "strength"):
            check_range(name, getattr(self, name))

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image; arguments and result as of `Degradation`, in [0, 1] and nowhere darker."""
        layer = streak_layer(
            clean.shape[:2],
            rng,
            density=rng.uniform(*self.density),
            length=rng.uniform(*self.length),
            angle=math.radians(rng.uniform(-self.slant, self.slant)),
            width=rng.uniform(*self.width),
        )
        strength = np.float32(rng.uniform(*self.strength))
        return np.minimum(clean + strength * layer.clip(0, 1)[..., None], np.float32(1))


@dataclass(frozen=True)
class LayeredRain:
    """Rain at several depths, in front of its own veil.

    Near drops are few, long, wide and out of focus; far ones are many, short and thin; drops still farther merge into
    a veil. A drop shows the bright surroundings that it refracts, and covers a pixel for a small part of the exposure
    only, so a streak mixes a share of that light into the background [1]_:
    ``I = (1 - s) * B + s * L``. It brightens what is darker than the surroundings and leaves bright places alone. The
    veil is scattering along the line of sight, ``B = t * scene + (1 - t) * L`` with ``t`` falling with a smooth random
    depth [2]_.

    Meant for linear light (`workbench.data.camera.Camera.shoot`), where light adds up; works on any picture.

    Parameters
    ----------
    density : tuple of float
        Streaks on 1,000 pixels, all layers together; log-uniform, as `length`.
    length : tuple of float
        Length in pixels of a streak in the layer in focus.
    slant : float
        Largest mean inclination to the vertical, in degrees to either side.
    opacity : tuple of float
        Share of the surroundings' light in the middle of a streak in focus.
    veil : tuple of float
        Optical thickness of the veil at the largest depth.
    distances : tuple of float
        Distances of the layers, relative to the one in focus.

    Raises
    ------
    ValueError
        If a range is not ascending or negative, or leaves [0, 1] for `opacity`.

    Notes
    -----
    The defaults were chosen by eye beside photographs of rain, at 384 x 384 pixels taken by the simulated camera;
    ``benchmarks/rain_and_shake.py`` compares statistics with data sets. As in real pairs (SPA), rain brightens dark
    places (14 grey levels on average below 64; SPA 9) and leaves bright ones alone, where additive streaks brighten
    both. Not matched: its streaks are fainter, softer and more slanted than those of SPA; the light has one colour and
    brightness all over the picture; there are no splashes and no drops on the lens.

    References
    ----------
    .. [1] K. Garg and S. K. Nayar. Vision and rain. International Journal of Computer Vision 75(1), 2007.
    .. [2] R. Li, L.-F. Cheong and R. T. Tan. Heavy rain image restoration: integrating physics model and conditional
           adversarial learning. CVPR 2019.
    """

    density: Range = (0.8, 8.0)
    length: Range = (15.0, 60.0)
    slant: float = 20.0
    opacity: Range = (0.15, 0.6)
    veil: Range = (0.0, 0.1)
    distances: tuple[float, ...] = (0.4, 0.6, 0.8, 1.0, 1.4)

    def __post_init__(self) -> None:
        for name in ("density", "length"):
            check_range(name, getattr(self, name), above=0.0)
        check_range("veil", self.veil)
        check_range("opacity", self.opacity, most=1.0)
        check_range("distances", (min(self.distances), max(self.distances)), above=0.0)

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image; arguments and result as of `Degradation`, in [0, 1]."""
        shape = clean.shape[:2]
        density, length = log_uniform(rng, self.density), log_uniform(rng, self.length)
        angle = math.radians(rng.uniform(-self.slant, self.slant))
        opacity = rng.uniform(*self.opacity)
        # As bright as the bright parts of the scene, and nearly grey.
        light = max(float(np.quantile(clean, 0.95)), 0.4) * rng.uniform(0.7, 1.0)
        light = np.float32(light) * rng.uniform(0.97, 1.0, 3).astype(np.float32)

        distance = smooth_depth(shape, rng)[..., None]
        through = np.exp(-np.float32(rng.uniform(*self.veil)) * distance)
        degraded = through * clean + (1 - through) * light
        # The number of drops in a field of view grows with the square of the distance.
        shares = np.array(self.distances) ** 2
        for distance, share in sorted(zip(self.distances, shares / shares.sum(), strict=True), reverse=True):
            defocus = 1.2 * abs(1 / distance - 1)
            sharp = 0.7 / distance
            width = math.hypot(sharp, defocus, 0.35)
            layer = streak_layer(
                shape,
                rng,
                density=density * share,
                length=length / distance,
                angle=angle,
                width=width,
                spread=0.05,
                variation=0.25,
                unevenness=0.6,
            )
            # The same light, spread wider.
            streaks = (opacity * sharp / width) * layer[..., None]
            streaks = 1 - np.exp(-streaks)
            degraded = degraded + streaks * (light - degraded)
        return degraded


@dataclass(frozen=True)
class Snow:
    """White flakes at several depths in front of the picture: ``I = (1 - s) * B + s * L``.

    Near flakes are few and large, far ones many and small; each is a soft spot, drawn out a little as it falls. Chosen
    by eye; not matched to a data set.

    Parameters
    ----------
    density : tuple of float
        Flakes on 1,000 pixels, all layers together; drawn log-uniformly once an image.
    size : tuple of float
        Standard deviation in pixels of the profile of a flake in the middle layer.
    slant : float
        Largest inclination to the vertical, in degrees to either side.
    opacity : tuple of float
        Share of the flakes' light in the middle of one.
    distances : tuple of float
        Of the layers, relative to the middle one.

    Raises
    ------
    ValueError
        If a range is not ascending or not positive, or leaves [0, 1] for `opacity`.
    """

    density: Range = (2.0, 12.0)
    size: Range = (0.7, 1.8)
    slant: float = 30.0
    opacity: Range = (0.5, 0.9)
    distances: tuple[float, ...] = (0.5, 1.0, 1.5)

    def __post_init__(self) -> None:
        for name in ("density", "size"):
            check_range(name, getattr(self, name), above=0.0)
        check_range("opacity", self.opacity, most=1.0)
        check_range("distances", (min(self.distances), max(self.distances)), above=0.0)

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image; arguments and result as of `Degradation`, in [0, 1] and nowhere darker."""
        density, size = log_uniform(rng, self.density), rng.uniform(*self.size)
        angle, opacity = math.radians(rng.uniform(-self.slant, self.slant)), np.float32(rng.uniform(*self.opacity))
        shares = np.array(self.distances) ** 2
        degraded = clean
        for distance, share in sorted(zip(self.distances, shares / shares.sum(), strict=True), reverse=True):
            flake = {"length": 2 * size / distance, "width": size / distance, "variation": 0.3, "spread": 0.3}
            layer = streak_layer(clean.shape[:2], rng, density=density * share, angle=angle, **flake)
            # Of a short streak that is blurred the peak is that of a spot.
            degraded = degraded + (opacity * (2 * layer).clip(0, 1))[..., None] * (1 - degraded)
        return degraded
