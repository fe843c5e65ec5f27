"""Image files to arrays and back: 8 and 16 bits, grey, palette, CMYK, alpha, orientation, colour profile.

Pillow reads everything of 8 bits. It reduces 16-bit colour to 8 bits without a word, so 16-bit PNG goes through
imagecodecs (libpng) and 16-bit TIFF through tifffile. No torch here: commands that must answer at once use the module.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from workbench.errors import WorkbenchError
from workbench.files import replacing

MAX_PIXELS = 300_000_000
"""Larger images are refused before they are decoded: a small file can hold an image that fills the memory."""

SUFFIXES = frozenset({".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})

NOT_READ = frozenset({".heic", ".heif", ".hif"})
"""Suffixes of photographs that are refused with a word on what to do; no library among the dependencies reads them."""

# Named, because Pillow's full list includes formats that start other programs (EPS).
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "BMP", "GIF", "PPM", "JPEG2000")
_ORIENTATION, _ICC_PROFILE = 274, 34675  # TIFF tags; EXIF uses the former too
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# Pillow has one process-wide limit, which is lower than this one; it looks at it when a picture is opened.
_LIMIT = threading.Lock()


@dataclass(frozen=True)
class Image:
    """A decoded image, upright.

    Attributes
    ----------
    pixels : ndarray, shape (H, W, 3), uint8 or uint16
        RGB; grey images have three equal channels.
    alpha : ndarray, shape (H, W), same type as ``pixels``, or None
        Opacity, if the file has any.
    icc_profile : bytes or None
        The colour profile in which ``pixels`` are to be understood; None means sRGB.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc_profile: bytes | None = None

    @property
    def bits(self) -> int:
        """Bits a channel, 8 or 16."""
        return 8 * self.pixels.itemsize


def read_image(path: str | os.PathLike) -> Image:
    """Read an image file.

    Any orientation noted by the camera is applied. Of animations and multi-page files the first frame is read. 16 bits
    are kept for PNG, TIFF and grey images. CMYK is converted without regard to its profile.

    Parameters
    ----------
    path : path-like
        PNG, JPEG, TIFF, WebP, AVIF, BMP, GIF, PPM or JPEG 2000; the content decides, not the suffix.

    Returns
    -------
    Image

    Raises
    ------
    WorkbenchError
        The file is missing, empty, no image, damaged, cut short, has more than ``MAX_PIXELS`` pixels, or holds values
        that are not 8- or 16-bit integers.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            head = file.read(32)
    except OSError as error:
        raise WorkbenchError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not head:
        raise WorkbenchError(f"{path}: the file is empty")
    try:
        if head.startswith(_PNG_SIGNATURE) and head[24:25] == b"\x10":
            return _read_png16(path)
        if head.startswith(_TIFF_SIGNATURES):
            return _read_tiff(path)
        return _read_pillow(path)
    except WorkbenchError:
        raise
    except UnidentifiedImageError as error:
        if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
            raise WorkbenchError(f"{path}: HEIC photographs are not read; export this one as JPEG or PNG") from error
        raise WorkbenchError(f"{path}: not an image that can be read (PNG, JPEG, TIFF, WebP, ...)") from error
    except PillowImage.DecompressionBombError as error:
        raise _too_large(path) from error
    except MemoryError as error:
        raise WorkbenchError(f"{path}: not enough memory for this image") from error
    except Exception as error:  # a damaged file makes the decoders raise nearly anything
        detail = " ".join(str(error).split())
        raise WorkbenchError(f"{path}: the image is damaged or cut short ({detail or type(error).__name__})") from error


def write_png(
    path: str | os.PathLike, pixels: np.ndarray, alpha: np.ndarray | None = None, icc_profile: bytes | None = None
) -> None:
    """Write a PNG file, whole or not at all: an interrupted call leaves what was there before.

    Parameters
    ----------
    path : path-like
        Replaced if it exists; its folder must exist.
    pixels : ndarray, shape (H, W, 3) or (H, W), uint8 or uint16
    alpha : ndarray, shape (H, W), same type, optional
    icc_profile : bytes, optional
        Colour profile to note in the file.

    Raises
    ------
    WorkbenchError
        The file cannot be written.
    """
    if pixels.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"pixels must be uint8 or uint16, not {pixels.dtype}")
    if alpha is not None:
        pixels = np.dstack([pixels, alpha])
    # Level 3: photographs come out some 5 % larger than at the default level, in less than half the time.
    encoded = imagecodecs.png_encode(np.ascontiguousarray(pixels), level=3)
    with replacing(path, durable=False) as file:
        if icc_profile is None:
            file.write(encoded)
        else:
            header = len(_PNG_SIGNATURE) + 25  # the signature and the IHDR chunk, always first
            file.write(encoded[:header])
            file.write(_png_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc_profile)))
            file.write(memoryview(encoded)[header:])


def to_float(pixels: np.ndarray) -> np.ndarray:
    """Integer pixels to float32 in [0, 1]; floating point arrays only change their type, without a copy if float32.

    Parameters
    ----------
    pixels : ndarray, uint8, uint16 or floating point

    Returns
    -------
    ndarray, float32, same shape
    """
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float32, copy=False)
    if pixels.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"pixels must be uint8, uint16 or floating point, not {pixels.dtype}")
    # Division, not multiplication by the reciprocal: the latter misses the nearest float for some values.
    return np.divide(pixels, np.float32(np.iinfo(pixels.dtype).max), dtype=np.float32)


def to_uint(values: np.ndarray, bits: int = 8) -> np.ndarray:
    """Floating point values to integer pixels: clipped to [0, 1], scaled and rounded to the nearest.

    Parameters
    ----------
    values : ndarray, floating point, nominally in [0, 1]
    bits : {8, 16}

    Returns
    -------
    ndarray, uint8 or uint16, same shape
    """
    if values.dtype.kind != "f":
        raise TypeError(f"values must be floating point, not {values.dtype}")
    dtype = {8: np.uint8, 16: np.uint16}[bits]
    scaled = np.clip(values, 0, 1)
    scaled *= np.iinfo(dtype).max
    return np.rint(scaled, out=scaled).astype(dtype)


def list_images(folder: str | os.PathLike, recursive: bool = True) -> list[Path]:
    """The image files of a folder by their suffix, sorted by path; hidden files and folders are left out.

    Parameters
    ----------
    folder : path-like
    recursive : bool
        Look into sub-folders too.

    Returns
    -------
    list of Path
        Paths that begin with ``folder``.

    Raises
    ------
    WorkbenchError
        The folder is missing or cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise WorkbenchError(f"{folder}: no such folder")

    def fail(error: OSError):
        raise WorkbenchError(f"{error.filename}: cannot be read ({error.strerror})") from error

    found = []
    for parent, folders, files in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        names = (name for name in files if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES)
        found.extend(Path(parent, name) for name in names)
    return sorted(found)


def _read_png16(path: Path) -> Image:
    with _open(path) as header:  # imagecodecs returns pixels only
        exif = PillowImage.Exif()
        exif.load(header.info.get("exif"))
        icc_profile = header.info.get("icc_profile")
    return _from_samples(imagecodecs.png_decode(path.read_bytes()), exif.get(_ORIENTATION, 1), icc_profile)


def _read_tiff(path: Path) -> Image:
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        if page.bitspersample != 16 or page.dtype != np.uint16:
            return _read_pillow(path)
        if page.imagewidth * page.imagelength > MAX_PIXELS:
            raise _too_large(path)
        if page.photometric not in (
            tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.MINISWHITE
        ):  # fmt: skip
            raise WorkbenchError(f"{path}: 16-bit {page.photometric.name} is not supported; save it as RGB")
        samples = page.asarray()
        if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and samples.ndim == 3:
            samples = np.moveaxis(samples, 0, -1)
        if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            samples = ~samples
        orientation = page.tags.valueof(_ORIENTATION, 1)
        return _from_samples(samples, orientation, page.tags.valueof(_ICC_PROFILE))


def _read_pillow(path: Path) -> Image:
    with _open(path) as image:
        icc_profile = image.info.get("icc_profile")
        image.load()
        # Read after loading: Pillow turns TIFF by itself, and then drops the tag.
        orientation = image.getexif().get(_ORIENTATION, 1)
        if image.mode in ("F", "I") or image.mode.startswith("I;16"):
            values = np.asarray(image)
            if image.mode == "F" or values.min() < 0 or values.max() > 65535:
                raise WorkbenchError(f"{path}: holds values beyond 16-bit integers; save it with 8 or 16 bits")
            return _from_samples(values.astype(np.uint16), orientation, icc_profile)
        if image.mode not in ("RGB", "RGBA") or image.has_transparency_data:
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        return _from_samples(np.asarray(image), orientation, icc_profile)


def _open(path: Path) -> PillowImage.Image:
    """Read the header; refuse what is too large."""
    with _LIMIT:
        others, PillowImage.MAX_IMAGE_PIXELS = PillowImage.MAX_IMAGE_PIXELS, None  # said below, as an error
        try:
            image = PillowImage.open(path, formats=_FORMATS)
        finally:
            PillowImage.MAX_IMAGE_PIXELS = others
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise _too_large(path)
    return image


def _from_samples(samples: np.ndarray, orientation: int, icc_profile: bytes | None) -> Image:
    """Split decoded samples (H, W) or (H, W, 1 to 4) into colour and alpha, upright."""
    if samples.ndim == 2:
        samples = samples[..., None]
    samples = _upright(samples, orientation)
    channels = samples.shape[2]
    if channels > 4:
        raise ValueError(f"{channels} channels")
    alpha = np.ascontiguousarray(samples[..., -1]) if channels in (2, 4) else None
    pixels = samples[..., :3] if channels >= 3 else np.repeat(samples[..., :1], 3, axis=2)
    return Image(np.ascontiguousarray(pixels), alpha, icc_profile if _is_rgb_profile(icc_profile) else None)


def _upright(samples: np.ndarray, orientation: int) -> np.ndarray:
    """A view with the EXIF orientation (1 to 8; anything else counts as 1) undone."""
    if orientation in (5, 6, 7, 8):
        samples = samples.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    return samples


def _is_rgb_profile(icc_profile: bytes | None) -> bool:
    """Whether a profile describes RGB: those of CMYK and grey files no longer fit the converted pixels."""
    return bool(icc_profile) and icc_profile[16:20] == b"RGB "


def _too_large(path: Path) -> WorkbenchError:
    return WorkbenchError(f"{path}: more than {MAX_PIXELS // 1_000_000} million pixels; cut or shrink it first")


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
