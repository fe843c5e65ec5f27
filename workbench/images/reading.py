"""Reading image files, and finding them in a folder."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import PngImagePlugin, UnidentifiedImageError

from workbench.errors import WorkbenchError
from workbench.files import check_plain
from workbench.images.deep import deep_samples
from workbench.images.png import SIGNATURE, check_chunks, decode_deep
from workbench.images.samples import Image, check_size, from_samples
from workbench.images.tiff import ORIENTATION, SIGNATURES, read_tiff

SUFFIXES = frozenset({".avif", ".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})

NOT_READ = frozenset({".heic", ".heif", ".hif"})
"""Suffixes of photographs that are refused with a word on what to do; no library among the dependencies reads them."""

# Named, because Pillow's full list includes formats that start other programs (EPS).
_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "BMP", "GIF", "PPM", "JPEG2000")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")

# Pillow has process-wide limits, which are lower than ours; it looks at them when a picture is opened.
_LIMITS = threading.Lock()


def read_image(path: str | os.PathLike) -> Image:
    """Read an image file.

    Any orientation noted by the camera is applied. Of animations and multi-page files the first frame is read. What
    has more than 8 bits comes with 16, black and white at their ends. CMYK is converted without regard to its profile.

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
        The file is missing, not a plain file, empty, no image, damaged, cut short, has more than ``MAX_PIXELS`` pixels,
        or holds values that are not integers of up to 16 bits or would be misread.
    """
    path = Path(path)
    try:
        check_plain(path)
        with path.open("rb") as file:
            head = file.read(32)
    except OSError as error:
        raise WorkbenchError(f"{path}: cannot be read ({error.strerror or error})") from error
    if not head:
        raise WorkbenchError(f"{path}: the file is empty")
    try:
        if head.startswith(SIGNATURE):
            return _read_png(path, bits=int.from_bytes(head[24:25]))
        if head.startswith(SIGNATURES):
            return read_tiff(path)
        return _read_pillow(path)
    except WorkbenchError:
        raise
    except UnidentifiedImageError as error:
        if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
            raise WorkbenchError(f"{path}: HEIC photographs are not read; export this one as JPEG or PNG") from error
        raise WorkbenchError(f"{path}: not an image that can be read (PNG, JPEG, TIFF, WebP, ...)") from error
    except MemoryError as error:
        raise WorkbenchError(f"{path}: not enough memory for this image") from error
    except Exception as error:  # a damaged file makes the decoders raise nearly anything
        detail = " ".join(str(error).split())
        raise WorkbenchError(f"{path}: the image is damaged or cut short ({detail or type(error).__name__})") from error


def list_images(
    folder: str | os.PathLike,
    recursive: bool = True,
    unreadable: Callable[[Path, WorkbenchError], None] | None = None,
) -> list[Path]:
    """The image files of a folder by their suffix, sorted by path; hidden files and folders are left out.

    Parameters
    ----------
    folder : path-like
    recursive : bool
        Look into sub-folders too.
    unreadable : callable, optional
        Called with each sub-folder that cannot be read and the reason, and the others are listed; by default it raises.

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
        failure = WorkbenchError(f"{error.filename}: cannot be read ({error.strerror})")
        if unreadable is None or Path(error.filename) == folder:
            raise failure from error
        unreadable(Path(error.filename), failure)

    found = []
    for parent, folders, files in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        names = (name for name in files if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES)
        found.extend(Path(parent, name) for name in names)
    return sorted(found)


def _read_png(path: Path, bits: int) -> Image:
    with _open(path) as header:
        check_chunks(path)
        if bits < 16:
            return _read_opened(path, header)
        exif = PillowImage.Exif()
        exif.load(header.info.get("exif"))
        samples = decode_deep(path.read_bytes())
        return from_samples(samples, exif.get(ORIENTATION, 1), header.info.get("icc_profile"))


def _read_pillow(path: Path) -> Image:
    with _open(path) as image:
        samples = deep_samples(path, image)
        if samples is None:
            return _read_opened(path, image)
        return from_samples(samples, image.getexif().get(ORIENTATION, 1), image.info.get("icc_profile"))


def _read_opened(path: Path, image: PillowImage.Image) -> Image:
    icc_profile = image.info.get("icc_profile")
    image.load()
    orientation = image.getexif().get(ORIENTATION, 1)
    if image.mode in ("F", "I") or image.mode.startswith("I;16"):
        values = np.asarray(image)
        if image.mode == "F" or values.min() < 0 or values.max() > 65535:
            raise WorkbenchError(f"{path}: holds values beyond 16-bit integers; save it with 8 or 16 bits")
        return from_samples(values.astype(np.uint16), orientation, icc_profile)
    if image.mode not in ("RGB", "RGBA") or image.has_transparency_data:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return from_samples(np.asarray(image), orientation, icc_profile)


def _open(path: Path) -> PillowImage.Image:
    """Read the header; refuse what is too large."""
    with _LIMITS:
        others = PillowImage.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK
        # The former is said below, as an error; the latter is a colour profile's limit too, and too low for some
        PillowImage.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = None, PngImagePlugin.MAX_TEXT_MEMORY
        try:
            image = PillowImage.open(path, formats=_FORMATS)
        finally:
            PillowImage.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = others
    try:
        check_size(path, image.width, image.height)
    except WorkbenchError:
        image.close()
        raise
    return image
