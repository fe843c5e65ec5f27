"""A simulated smartphone camera: the target domain that needs no download. Its pictures are simulated, never "real"."""

import io
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image
from scipy.ndimage import correlate, gaussian_filter

# XYZ (D50) to camera colour matrices of four cameras, as listed by Brooks et al. [1] from the Darmstadt data set.
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
# Weights of a 3 x 3 neighbourhood that interpolate a colour sampled at one site of four, and at two of four (green).
ONE_OF_FOUR = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32) / 4
TWO_OF_FOUR = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]], np.float32) / 4


@dataclass(frozen=True)
class Camera:
    """A simulated smartphone camera.

    A photograph is turned back into what a sensor would have seen (inverse tone curve, inverse gamma, inverse colour
    matrix, inverse white balance [1]_), sampled through a Bayer mosaic, made noisy, and developed: bilinear
    demosaicing, white balance, colour matrix, gamma, tone curve, 8-bit quantisation, JPEG.

    Parameters
    ----------
    shot_gain : tuple of float
        Range of the shot-noise gain, drawn log-uniformly for each picture: the variance of the shot noise is the gain
        times the linear signal, whose full scale is 1. (0, 0) switches shot and read noise off.
    read_scale : float
        Factor on the standard deviation of the read noise, which otherwise follows the shot gain log-linearly with a
        log-normal spread, as fitted to real cameras by [1]_.
    enlargement : int
        Factor by which a scene is enlarged (bicubic) before it is photographed. A phone's picture at its native
        resolution is that smooth; 1 keeps the texture of a reduced picture.
    lens_blur : float
        Standard deviation in (enlarged) pixels of the Gaussian blur of the lens; 0 for none.
    black_level : float
        How far below zero the raw signal may go before it clips, as a share of full scale.
    jpeg_quality : int or None
        JPEG quality (4:2:0 chroma) of the photograph; None for no compression.

    References
    ----------
    .. [1] T. Brooks, B. Mildenhall, T. Xue, J. Chen, D. Sharlet and J. T. Barron. Unprocessing images for learned raw
           denoising. CVPR 2019.
    """

    shot_gain: tuple[float, float] = (0.0003, 0.0018)
    read_scale: float = 1.0
    enlargement: int = 2
    lens_blur: float = 0.0
    black_level: float = 1 / 16
    jpeg_quality: int | None = 90

    def shoot(self, scene, rng):
        """Photograph a scene once.

        Parameters
        ----------
        scene : (H, W, 3) uint8 or floating-point ndarray
            Clean picture; floating-point values are in [0, 1].
        rng : numpy.random.Generator
            Where colour matrix, white balance, exposure, gains, Bayer phase and noise come from.

        Returns
        -------
        photograph : (enlargement * H, enlargement * W, 3) uint8 ndarray
            The noisy picture.
        reference : uint8 ndarray of the same shape
            The same exposure without noise and before JPEG: what averaging very many shots of a still scene
            approaches (noise also dithers the compression away), which is how real references are made.
        """
        if scene.dtype == np.uint8:
            scene = scene.astype(np.float32) / 255
        scene = _enlarge(scene.astype(np.float32, copy=False), self.enlargement)
        to_camera = _random_colour_matrix(rng)
        white_balance = np.array([rng.uniform(1.9, 2.4), 1.0, rng.uniform(1.5, 1.9)])
        exposure = 1 / rng.normal(0.8, 0.1)
        phase = tuple(rng.integers(0, 2, size=2))

        linear = _inverse_tone_curve(scene) ** np.float32(GAMMA)
        if self.lens_blur > 0:
            linear = gaussian_filter(linear, (self.lens_blur, self.lens_blur, 0))
        sensor = _safe_gains(linear @ to_camera.T.astype(np.float32), 1 / (white_balance * exposure))
        sites = _bayer_sites(sensor.shape[:2], phase)
        raw = np.where(sites[..., 0], sensor[..., 0], np.where(sites[..., 1], sensor[..., 1], sensor[..., 2]))
        raw = raw.clip(0, 1)

        def develop(mosaic):
            colours = _demosaic(mosaic, sites) * (white_balance * exposure).astype(np.float32)
            colours = (colours.clip(0, 1) @ np.linalg.inv(to_camera).T.astype(np.float32)).clip(0, 1)
            return np.rint(_tone_curve(colours ** np.float32(1 / GAMMA)) * 255).astype(np.uint8)

        photograph = develop(self._expose(raw, rng))
        if self.jpeg_quality is not None:
            photograph = _jpeg(photograph, self.jpeg_quality)
        return photograph, develop(raw)

    def _expose(self, raw, rng):
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
    "mild": replace(_STANDARD, shot_gain=(0.0001, 0.0006)),
    "standard": _STANDARD,
    "strong": replace(_STANDARD, shot_gain=(0.001, 0.006)),
    "textured": replace(_STANDARD, enlargement=1, lens_blur=0.0),
}


@dataclass(frozen=True)
class Shot:
    """One simulated photograph.

    Parameters
    ----------
    name : str
        Scene and number, e.g. ``"coffee-012"``.
    photograph : (H, W, 3) uint8 ndarray
        The noisy picture.
    reference : (H, W, 3) uint8 ndarray
        Its noise-free twin; for evaluation and the oracle only.
    """

    name: str
    photograph: np.ndarray
    reference: np.ndarray


def simulated_roll(scenes, camera, seed, shots, size):
    """Take a fixed, finite set of simulated photographs.

    Shot `i` shows scene ``i % len(scenes)`` and depends on the scenes, the camera and ``(seed, i)`` alone, so a longer
    roll starts with the shorter one. Of four random regions of the scene the one with the most detail is photographed;
    a scene no larger than the region is taken whole.

    Parameters
    ----------
    scenes : list of workbench.data.embedded.Photograph
        What to photograph.
    camera : Camera
        With what.
    seed : int
        Seed of the roll.
    shots : int
        How many photographs.
    size : int
        Largest height and width of a photograph in pixels.

    Returns
    -------
    roll : list of Shot
    """
    roll = []
    for index in range(shots):
        rng = np.random.default_rng((seed, index))
        scene = scenes[index % len(scenes)]
        region = _detailed_region(scene.pixels, max(1, size // camera.enlargement), rng)
        photograph, reference = camera.shoot(region, rng)
        roll.append(Shot(f"{scene.name}-{index:03d}", photograph, reference))
    return roll


def _detailed_region(pixels, size, rng, candidates=4):
    """The random region of at most size x size pixels whose luminance has the largest mean gradient of a few."""
    height, width = min(size, pixels.shape[0]), min(size, pixels.shape[1])
    regions = []
    for _ in range(candidates):
        top = rng.integers(0, pixels.shape[0] - height + 1)
        left = rng.integers(0, pixels.shape[1] - width + 1)
        regions.append(pixels[top : top + height, left : left + width])
    return max(regions, key=detail)


def detail(pixels):
    """Mean absolute difference of neighbouring pixels, in grey levels, of an (H, W, 3) picture."""
    grey = pixels.astype(np.float32).mean(axis=2)
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())


def _enlarge(scene, factor):
    """Bicubic enlargement of an (H, W, 3) float32 picture, clipped to [0, 1]."""
    if factor == 1:
        return scene
    size = (scene.shape[1] * factor, scene.shape[0] * factor)
    channels = [Image.fromarray(np.ascontiguousarray(scene[..., c])).resize(size, Image.BICUBIC) for c in range(3)]
    return np.stack([np.asarray(channel) for channel in channels], axis=2).clip(0, 1)


def _random_colour_matrix(rng):
    """Linear sRGB to camera RGB: a random mixture of four real cameras', rows normalised so that white stays white."""
    weights = rng.uniform(1e-8, 1e8, size=len(XYZ_TO_CAMERA))
    mixture = np.tensordot(weights / weights.sum(), XYZ_TO_CAMERA, axes=1) @ SRGB_TO_XYZ
    return mixture / mixture.sum(axis=1, keepdims=True)


def _safe_gains(image, gains):
    """Apply gains below 1 but keep saturated pixels saturated (Brooks et al., section 3.4)."""
    inflection = 0.9
    grey = image.mean(axis=2, keepdims=True)
    mask = (np.maximum(grey - inflection, 0) / (1 - inflection)) ** 2
    gains = gains.astype(np.float32)
    return image * np.maximum(mask + (1 - mask) * gains, gains)


def _bayer_sites(shape, phase):
    """Which of R, G, B each sensor site sees: (H, W, 3) bool; phase (0, 0) is RGGB from the top left."""
    row, column = np.ogrid[: shape[0], : shape[1]]
    row, column = (row + phase[0]) % 2, (column + phase[1]) % 2
    return np.stack([(row == 0) & (column == 0), row != column, (row == 1) & (column == 1)], axis=2)


def _demosaic(mosaic, sites):
    """Bilinear demosaicing of an (H, W) mosaic. Mirroring about the edge pixels keeps the Bayer pattern."""
    kernels = (ONE_OF_FOUR, TWO_OF_FOUR, ONE_OF_FOUR)
    channels = [correlate(mosaic * sites[..., c], kernels[c], mode="mirror") for c in range(3)]
    return np.stack(channels, axis=2)


def _tone_curve(image):
    """The "smoothstep" global tone curve of Brooks et al., for [0, 1]."""
    return 3 * image**2 - 2 * image**3


def _inverse_tone_curve(image):
    """Inverse of the tone curve on [0, 1]."""
    return 0.5 - np.sin(np.arcsin(1 - 2 * image.clip(0, 1)) / 3)


def _jpeg(image, quality):
    """Compress and decompress an (H, W, 3) uint8 image, chroma at half resolution."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(buffer).convert("RGB"))
