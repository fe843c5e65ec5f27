"""TIFF of up to 16 bits, with the checksums of deflated files; by tifffile, since libtiff prints on stderr."""

from __future__ import annotations

import logging
import zlib
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image as PillowImage
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC

from workbench.errors import WorkbenchError
from workbench.images.samples import Image, check_size, from_samples, stretched

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ORIENTATION, _ICC_PROFILE = 274, 34675  # tags; EXIF uses the former too
_COLOURS = {
    PHOTOMETRIC.MINISWHITE: 1, PHOTOMETRIC.MINISBLACK: 1, PHOTOMETRIC.PALETTE: 1, PHOTOMETRIC.RGB: 3,
    PHOTOMETRIC.YCBCR: 3, PHOTOMETRIC.SEPARATED: 4,
}  # fmt: skip
"""Samples of a pixel that are its colour, in the kinds that are read."""
_OF_PILLOW = {PHOTOMETRIC.YCBCR: "YCbCr", PHOTOMETRIC.SEPARATED: "CMYK"}
"""Kinds of which Pillow makes RGB."""

# What tifffile thinks of a file is said by what is raised here, if it matters
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def read_tiff(path: Path) -> Image:
    """The first picture of a TIFF file.

    Raises
    ------
    WorkbenchError
        It is of a kind that is not read, or would be misread.
    Exception
        Whatever a damaged file makes tifffile, imagecodecs, zlib and numpy raise.
    """
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        check_size(path, page.imagewidth, page.imagelength)
        bits = page.bitspersample
        if page.sampleformat == tifffile.SAMPLEFORMAT.INT:
            raise WorkbenchError(f"{path}: holds signed numbers, whose black and white nobody knows; save it as RGB")
        if page.sampleformat != tifffile.SAMPLEFORMAT.UINT or not isinstance(bits, int) or bits > 16:
            raise WorkbenchError(f"{path}: holds values beyond 16-bit integers; save it with 8 or 16 bits")
        _check_kind(path, page)
        _check_segments(file, page)
        samples = page.asarray(squeeze=False)
        # (planes, depth, height, width, samples): one of planes and samples is 1
        samples = np.moveaxis(samples, 0, -2)[0].reshape(page.imagelength, page.imagewidth, -1)
        samples = _colour_and_opacity(samples, page)
        return from_samples(samples, page.tags.valueof(ORIENTATION, 1), page.tags.valueof(_ICC_PROFILE))


def _check_kind(path: Path, page: tifffile.TiffPage) -> None:
    kind = page.photometric
    if (
        kind not in _COLOURS
        or (kind == PHOTOMETRIC.PALETTE and page.bitspersample > 8)
        or (kind in _OF_PILLOW and page.bitspersample != 8)
    ):
        name = getattr(kind, "name", kind)
        raise WorkbenchError(f"{path}: {page.bitspersample}-bit {name} is not supported; save it as RGB")


def _check_segments(file: tifffile.TiffFile, page: tifffile.TiffPage) -> None:
    """Raise unless all of the picture is in the file, where decoders put zeros for what is not."""
    size = file.filehandle.size
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        if not 0 < offset <= offset + count <= size or not count:
            raise ValueError("a part of the picture is missing")
        if page.compression in (COMPRESSION.ADOBE_DEFLATE, COMPRESSION.DEFLATE):
            file.filehandle.seek(offset)
            _check_deflated(file.filehandle.read(count))


def _check_deflated(data: bytes) -> None:
    """Raise unless the checksum at the end of a deflated segment is that of what it holds."""
    stream = zlib.decompressobj()
    while not stream.eof:
        given = stream.decompress(data, 1 << 20)
        data = stream.unconsumed_tail
        if not given and not data and not stream.eof:
            raise ValueError("a deflated part is cut short")


def _colour_and_opacity(samples: np.ndarray, page: tifffile.TiffPage) -> np.ndarray:
    """Samples as of the file, (H, W, N), to grey or RGB and opacity (H, W, 1 to 4) over the range of their type."""
    kind, count = page.photometric, _COLOURS[page.photometric]
    colour, further = samples[..., :count], samples[..., count:]
    if kind == PHOTOMETRIC.PALETTE:
        colour = (page.colormap.T[colour[..., 0]] // 256).astype(np.uint8)
    else:
        colour = stretched(colour, (1 << page.bitspersample) - 1)
    if kind == PHOTOMETRIC.MINISWHITE:
        colour = ~colour
    if kind in _OF_PILLOW and not (kind == PHOTOMETRIC.YCBCR and page.compression == COMPRESSION.JPEG):  # RGB already
        size = page.imagewidth, page.imagelength
        colour = np.asarray(PillowImage.frombytes(_OF_PILLOW[kind], size, colour.tobytes()).convert("RGB"))
    extra = page.extrasamples or (EXTRASAMPLE.UNASSALPHA,) * (further.shape[-1] == 1)  # older files do not say
    if not extra or extra[0] == EXTRASAMPLE.UNSPECIFIED:
        return colour
    alpha = stretched(further[..., :1], (1 << page.bitspersample) - 1)
    if extra[0] == EXTRASAMPLE.ASSOCALPHA:
        top = np.iinfo(colour.dtype).max
        straight = (colour.astype(np.uint32) * top + alpha // 2) // np.maximum(alpha, 1)
        colour = np.minimum(straight, top).astype(colour.dtype)
    return np.concatenate([colour, alpha], axis=-1)
