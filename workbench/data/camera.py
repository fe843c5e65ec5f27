"""A simulated smartphone camera: the target domain that needs no download. Its pictures are simulated, never "real"."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy
from PIL import Image

from workbench.data.degradations import Degradation, cut, margin_of
from workbench.data.demosaicing import bayer_sites, demosaic
from workbench.images import to_uint

# XYZ to camera colour matrices of the four cameras of the Darmstadt data set, as listed by Brooks et al. (2019).
XYZ_TO_CAMERA = np.array(
    [
        [[1.0234, -0.2969, -0.2266], [-0.5625, 1.6328, -0.0469], [-0.0703, 0.2188, 0.6406]],
        [[0.4913, -0.0541, -0.0202], [-0.613, 1.3513, 0.2906], [-0.1564, 0.2151, 0.7183]],
        [[0.838, -0.263, -0.0639], [-0.2887, 1.0725, 0.2496], [-0.0627, 0.1427, 0.5438]],
        [[0.6596, -0.2079, -0.0562], [-0.4782, 1.3016, 0.1933], [-0.097, 0.1581, 0.5181]],
    ]
)
SRGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
GAMMA = 2.2
# Rec. 601 weights, as in JPEG.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Camera:
    """A simulated smartphone camera.

    A photograph is turned back into what a sensor would have seen (inverse tone curve, inverse gamma, inverse colour
    matrix, inverse white balance [1]_), sampled through a Bayer mosaic of random phase, made noisy, and developed:
    bilinear demosaicing, white balance, colour matrix, gamma, tone curve, noise reduction, quantisation, JPEG.

    Parameters
    ----------
    shot_gain : tuple of float
        Range of the shot-noise gain, drawn log-uniformly for each picture: the variance of the shot noise is the gain
        times the linear raw signal, whose full scale is 1. (0, 0) switches shot and read noise off.
    read_scale : float
        Factor on the standard deviation of the read noise. At 1 the read noise follows the shot gain log-linearly with
        a log-normal spread, as fitted to real sensors by [1]_.
    enlargement : int
        Factor by which a scene is enlarged (bicubic) before it is photographed. A phone's picture at its native
        resolution is that smooth; 1 keeps the texture of a reduced picture.
    lens_blur : float
        Standard deviation in (enlarged) pixels of the Gaussian blur of the lens; 0 for none.
    black_level : float
        How far below zero the raw signal may go before it clips, as a share of full scale.
    noise_reduction : tuple of float
        Standard deviations in pixels of the Gaussian blur of luma and of chroma with which the camera hides its noise;
        0 for none. A linear stand-in for what phones do.
    jpeg_quality : int or None
        JPEG quality (4:2:0 chroma) of the photograph; None for no compression.
    gradient_correction : bool
        Demosaic with gradient correction [2]_ instead of bilinearly: noise of one colour then reaches the others, which
        makes it greyer and finer.
    tone_curve : bool
        Whether the picture has a tone curve beside gamma; it holds the noise of dark places down.

    Raises
    ------
    ValueError
        If `shot_gain` is neither (0, 0) nor an ascending pair of positive numbers.

    Notes
    -----
    The defaults were chosen by hand so that the noise looks like that of three sets of paired real photographs: PolyU
    (69 crops), CC (10) and Nam (17). ``benchmarks/camera_calibration.py`` measures it
    (``benchmarks/results/camera_calibration.csv``):

    ======================================  ==========  ===================
    statistic of the noise                  real sets   simulated, standard
    ======================================  ==========  ===================
    luma correlation, next neighbour        .54 to .59  .55, .57
    luma correlation, second neighbour      .11 to .23  .15, .15
    chroma correlation, next neighbour      .84 to .91  .92, .92
    chroma correlation, second neighbour    .61 to .81  .76, .76
    correlation between colour channels     .28 to .72  .40 to .45
    chroma level relative to luma           .42 to .77  .64
    input PSNR [dB], mean of the set        33.6, 35.8, 31.5
                                            37.5
    reference above half Nyquist [grey]     1.9 to 2.5  2.0
    ======================================  ==========  ===================

    What is not matched: the default's level is deliberately above the real sets' (the ``mild`` camera has PolyU's 35.9
    dB); it falls off less in dark tones and peaks at brighter ones (128 to 159 grey levels; real sets between 32 and
    127); chroma noise above .3 cycles a pixel is weaker (density .02 to .04; real sets .05 to .12); PolyU's drift at
    the lowest frequencies is absent; the scenes have more contrast (mean gradient of the reference 3.1 grey levels;
    real sets 1.3 to 2.3). Real photographs come from several cameras; this is one model with random parameters.

    References
    ----------
    .. [1] T. Brooks, B. Mildenhall, T. Xue, J. Chen, D. Sharlet and J. T. Barron. Unprocessing images for learned raw
           denoising. CVPR 2019.
    .. [2] H. S. Malvar, L. He and R. Cutler. High-quality linear interpolation for demosaicing of Bayer-patterned color
           images. ICASSP 2004.
    """

    shot_gain: tuple[float, float] = (0.0007, 0.0034)
    read_scale: float = 3.0
    enlargement: int = 2
    lens_blur: float = 0.8
    black_level: float = 1 / 16
    noise_reduction: tuple[float, float] = (0.42, 1.5)
    jpeg_quality: int | None = 90
    gradient_correction: bool = False
    tone_curve: bool = True

    def __post_init__(self) -> None:
        low, high = self.shot_gain
        if not (0 < low <= high or low == high == 0):
            raise ValueError(f"shot_gain is (0, 0) or ascending and positive, not {self.shot_gain}")

    def shoot(
        self, scene: np.ndarray, rng: np.random.Generator, effect: Degradation | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Photograph a scene once.

        Parameters
        ----------
        scene : ndarray, shape (H, W, 3), uint8 or floating point
            Clean picture; floating-point values are in [0, 1].
        rng : numpy.random.Generator
            Where colour matrix, white balance, exposure, gains, Bayer phase, noise and the effect come from.
        effect : callable, optional
            What happens to the light on its way to the lens, or to the camera during the exposure: rain, shake. It
            gets the enlarged scene in linear light.

        Returns
        -------
        photograph : ndarray, shape (enlargement * H - 2 * margin, enlargement * W - 2 * margin, 3), uint8
            The noisy picture. The margin is the effect's (0 for most), at the edge of which it lacks what lay outside.
        reference : ndarray of the same shape, uint8
            The same exposure without the effect and without noise, before JPEG. Real references are means of many shots
            of a still scene, which is nearly but not quite the same: noise averages out and dithers the compression
            away, but clipping and tone curve leave its mean slightly off zero.
        """
        if scene.dtype == np.uint8:
            scene = scene.astype(np.float32) / 255
        scene = _enlarge(scene.astype(np.float32, copy=False), self.enlargement)
        to_camera = _random_colour_matrix(rng)
        white_balance = np.array([rng.uniform(1.9, 2.4), 1.0, rng.uniform(1.5, 1.9)])
        exposure = 1 / rng.normal(0.8, 0.1)
        phase = tuple(rng.integers(0, 2, size=2))

        linear = (_inverse_tone_curve(scene) if self.tone_curve else scene) ** np.float32(GAMMA)
        sites = bayer_sites(linear.shape[:2], phase)

        def capture(light: np.ndarray) -> np.ndarray:
            if self.lens_blur > 0:
                light = scipy.ndimage.gaussian_filter(light, (self.lens_blur, self.lens_blur, 0))
            sensor = _safe_gains(light @ to_camera.T.astype(np.float32), 1 / (white_balance * exposure))
            raw = np.where(sites[..., 0], sensor[..., 0], np.where(sites[..., 1], sensor[..., 1], sensor[..., 2]))
            return raw.clip(0, 1)

        def develop(mosaic: np.ndarray) -> np.ndarray:
            colours = demosaic(mosaic, sites, self.gradient_correction) * (white_balance * exposure).astype(np.float32)
            colours = (colours.clip(0, 1) @ np.linalg.inv(to_camera).T.astype(np.float32)).clip(0, 1)
            picture = colours ** np.float32(1 / GAMMA)
            picture = _smooth(_tone_curve(picture) if self.tone_curve else picture, *self.noise_reduction)
            return to_uint(picture)

        still = capture(linear)
        raw = still if effect is None else capture(effect(linear, rng))
        margin = margin_of(effect)
        photograph, reference = (cut(develop(mosaic), margin) for mosaic in (self._expose(raw, rng), still))
        if self.jpeg_quality is not None:
            photograph = _jpeg(photograph, self.jpeg_quality)
        return photograph, reference

    def _expose(self, raw: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Add shot and read noise to a raw mosaic and clip it."""
        low, high = self.shot_gain
        if high == 0:
            return raw
        gain = np.exp(rng.uniform(np.log(low), np.log(high)))
        read_variance = np.exp(2.18 * np.log(gain) + 1.20 + rng.normal(0, 0.26))
        noisy = gain * rng.poisson(raw / gain).astype(np.float32)
        noisy += self.read_scale * np.sqrt(read_variance) * rng.standard_normal(raw.shape, dtype=np.float32)
        return noisy.clip(-self.black_level, 1).astype(np.float32)


_STANDARD = Camera()
CAMERAS = {
    "mild": replace(_STANDARD, shot_gain=(0.00027, 0.0015)),
    "standard": _STANDARD,
    "strong": replace(_STANDARD, shot_gain=(0.0013, 0.006)),
    "textured": replace(_STANDARD, enlargement=1, lens_blur=0.0),
    "night": replace(
        _STANDARD, shot_gain=(0.0008, 0.01), read_scale=1.5, enlargement=4, noise_reduction=(0.0, 0.5),
        jpeg_quality=None, gradient_correction=True, tone_curve=False,
    ),
}  # fmt: skip
"""Three noise levels; the standard one for scenes that keep their texture; and ``night``, strong noise as in SIDD.

SIDD's pictures were developed plainly: gradient-corrected demosaicing, gamma, no noise reduction, tone curve or JPEG.
The night camera does the same, but for a little blur of chroma, on scenes enlarged four times. In flat places its noise
is that of nine crops of SIDD, within a tenth in level (luma 12.6 and 12.1 grey levels, chroma 8.4 and 7.9) and in the
correlation between colours (.37 to .61, SIDD .35 to .59); next neighbours correlate by .39 in luma and .64 in chroma
(SIDD .33, .62), second ones by .11 and .26 (SIDD -.04, .22). On whole pictures its spectra of luma and of chroma follow
those of SIDD's one pair above a tenth of the Nyquist frequency. Mean input PSNR 24.0 dB, 18 to 31 (SIDD's validation
blocks 23.7). Not matched: green is less correlated with red and with blue than in the pair (.27 and .23; .32 and .53),
and clipping in the dark leaves a drift at the lowest frequencies (``benchmarks/results/camera_calibration.csv``).
"""


@dataclass(frozen=True)
class Photograph:
    """A clean picture.

    Parameters
    ----------
    name : str
        What it shows and, for one of several crops, a number.
    pixels : ndarray, shape (H, W, 3), uint8
    """

    name: str
    pixels: np.ndarray


@dataclass(frozen=True)
class Shot:
    """One simulated photograph.

    Parameters
    ----------
    name : str
        Scene and number, e.g. ``"coffee-012"``.
    photograph : ndarray, shape (H, W, 3), uint8
        The noisy picture.
    reference : ndarray, shape (H, W, 3), uint8
        Its twin without noise (rain, shake); for evaluation and the oracle only.
    """

    name: str
    photograph: np.ndarray
    reference: np.ndarray


class Roll(Sequence[Shot]):
    """A fixed, finite set of simulated photographs, each taken when it is first asked for.

    Shot `i` shows scene ``i % len(scenes)`` and depends on the scenes, the camera, the effect and ``(seed, i)`` alone,
    so a longer roll starts with the shorter one. Of four random regions of the scene the one with the most detail is
    photographed; a scene no larger than the region is taken whole.

    Parameters
    ----------
    scenes : sequence of Photograph
        What to photograph.
    camera : Camera
        What to photograph it with.
    seed : int
        Seed of the roll.
    shots : int
        How many photographs.
    size : int
        Largest height and width of a photograph in pixels.
    effect : callable, optional
        Rain or shake, see `Camera.shoot`.
    """

    def __init__(
        self,
        scenes: Sequence[Photograph],
        camera: Camera,
        seed: int,
        shots: int,
        size: int,
        effect: Degradation | None = None,
    ):
        self.scenes, self.camera, self.seed, self.size, self.effect = scenes, camera, seed, size, effect
        self._taken: list[Shot | None] = [None] * shots
        self.names = [f"{scenes[index % len(scenes)].name}-{index:03d}" for index in range(shots)]

    def __len__(self) -> int:
        return len(self._taken)

    def __getitem__(self, which: int | slice) -> Shot | list[Shot]:
        """A shot; of a slice all of its shots."""
        if isinstance(which, slice):
            return [self[index] for index in range(*which.indices(len(self)))]
        index = range(len(self))[which]
        if (shot := self._taken[index]) is None:
            shot = self._taken[index] = self._shoot(index)
        return shot

    def _shoot(self, index: int) -> Shot:
        rng = np.random.default_rng((self.seed, index))
        scene = self.scenes[index % len(self.scenes)]
        return Shot(self.names[index], *take(scene.pixels, self.camera, rng, self.size, self.effect))


class Side(Sequence[np.ndarray]):
    """The photographs of a roll, or their references.

    Parameters
    ----------
    roll : Roll
    which : str
        ``"photograph"`` or ``"reference"``, see `Shot`.
    """

    def __init__(self, roll: Roll, which: str):
        self.roll, self.which, self.names = roll, which, roll.names

    def __len__(self) -> int:
        return len(self.roll)

    def __getitem__(self, index: int) -> np.ndarray:
        return getattr(self.roll[index], self.which)


def take(
    scene: np.ndarray, camera: Camera, rng: np.random.Generator, size: int, effect: Degradation | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Photograph the region with the most detail of four random ones, or all of a scene that is no larger.

    Parameters
    ----------
    scene : ndarray, shape (H, W, 3)
        As of `Camera.shoot`.
    camera : Camera
    rng : numpy.random.Generator
    size : int
        Largest height and width of the photograph in pixels.
    effect : callable, optional
        Rain or shake.

    Returns
    -------
    photograph, reference : ndarray, uint8
        As of `Camera.shoot`.
    """
    region = _detailed_region(scene, (size + 2 * margin_of(effect)) // camera.enlargement, rng)
    return camera.shoot(region, rng, effect)


def _detailed_region(pixels: np.ndarray, size: int, rng: np.random.Generator, candidates: int = 4) -> np.ndarray:
    """The random region of at most size x size pixels whose luminance has the largest mean gradient of a few."""
    height, width = min(size, pixels.shape[0]), min(size, pixels.shape[1])
    regions = []
    for _ in range(candidates):
        top = rng.integers(0, pixels.shape[0] - height + 1)
        left = rng.integers(0, pixels.shape[1] - width + 1)
        regions.append(pixels[top : top + height, left : left + width])
    return max(regions, key=detail)


def detail(pixels: np.ndarray) -> float:
    """Mean absolute difference of neighbouring pixels, in grey levels, of an (H, W, 3) picture."""
    grey = pixels.astype(np.float32).mean(axis=2)
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())


def _enlarge(scene: np.ndarray, factor: int) -> np.ndarray:
    """Bicubic enlargement of an (H, W, 3) float32 picture, clipped to [0, 1]."""
    if factor == 1:
        return scene
    size = (scene.shape[1] * factor, scene.shape[0] * factor)
    channels = [Image.fromarray(np.ascontiguousarray(scene[..., c])).resize(size, Image.BICUBIC) for c in range(3)]
    return np.stack([np.asarray(channel) for channel in channels], axis=2).clip(0, 1)


def _random_colour_matrix(rng: np.random.Generator) -> np.ndarray:
    """Linear sRGB to camera RGB: a random mixture of four real cameras', rows normalised so that white stays white."""
    weights = rng.uniform(size=len(XYZ_TO_CAMERA))
    mixture = np.tensordot(weights / weights.sum(), XYZ_TO_CAMERA, axes=1) @ SRGB_TO_XYZ
    return mixture / mixture.sum(axis=1, keepdims=True)


def _safe_gains(image: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """Apply gains but let those below 1 keep saturated pixels saturated (Brooks et al.)."""
    inflection = 0.9
    grey = image.mean(axis=2, keepdims=True)
    mask = (np.maximum(grey - inflection, 0) / (1 - inflection)) ** 2
    gains = gains.astype(np.float32)
    return image * np.maximum(mask + (1 - mask) * gains, gains)


def _smooth(image: np.ndarray, luma: float, chroma: float) -> np.ndarray:
    """Gaussian blur of an (H, W, 3) picture with one standard deviation (pixels) for luma and one for chroma."""
    grey = image @ LUMA
    smooth_grey = scipy.ndimage.gaussian_filter(grey, luma) if luma > 0 else grey
    colour = image - grey[..., None]
    if chroma > 0:
        colour = scipy.ndimage.gaussian_filter(colour, (chroma, chroma, 0))
    return smooth_grey[..., None] + colour


def _tone_curve(image: np.ndarray) -> np.ndarray:
    """The "smoothstep" global tone curve of Brooks et al., for [0, 1]."""
    return 3 * image**2 - 2 * image**3


def _inverse_tone_curve(image: np.ndarray) -> np.ndarray:
    """Inverse of the tone curve on [0, 1]."""
    return 0.5 - np.sin(np.arcsin(1 - 2 * image.clip(0, 1)) / 3)


def _jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """Compress and decompress an (H, W, 3) uint8 image, chroma at half resolution."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(buffer).convert("RGB"))
