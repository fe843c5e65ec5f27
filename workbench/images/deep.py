"""PPM, JPEG 2000 and AVIF of more than 8 bits, which Pillow would reduce to 8."""

from __future__ import annotations

import re
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image as PillowImage

from workbench.errors import WorkbenchError
from workbench.images.samples import stretched

_CODESTREAM = b"\xff\x4f\xff\x51"
_SYCC = b"colr\x01\x00\x00\x00\x00\x00\x12"


def deep_samples(path: Path, header: PillowImage.Image) -> np.ndarray | None:
    """The samples of an opened picture, (H, W) or (H, W, 1 to 4), uint8 or uint16; None for one that Pillow reads well.

    Raises
    ------
    WorkbenchError
        Its samples are of a kind that would be misread.
    Exception
        Whatever a damaged file makes imagecodecs and numpy raise.
    """
    read = {"PPM": _ppm, "JPEG2000": _jpeg2000, "AVIF": _avif}.get(header.format)
    return read and read(path, header)


def _ppm(path: Path, header: PillowImage.Image) -> np.ndarray | None:
    decoder, _, offset, arguments = header.tile[0]
    if header.mode != "RGB" or not isinstance(arguments, tuple) or arguments[1] < 256:
        return None
    if decoder != "ppm":
        raise WorkbenchError(f"{path}: PPM as text of more than 8 bits is not read; save it as PNG")
    shape = (header.height, header.width, 3)
    samples = np.fromfile(path, ">u2", count=np.prod(shape), offset=offset)
    return stretched(samples.reshape(shape), arguments[1])


def _jpeg2000(path: Path, header: PillowImage.Image) -> np.ndarray | None:
    data = path.read_bytes()
    begin = data.index(_CODESTREAM)
    count = int.from_bytes(data[begin + 40 : begin + 42])
    # Of each component its bits less one, the highest bit for signed numbers; and its steps across and down
    kinds = {data[begin + 42 + 3 * index :][:3] for index in range(count)}
    if all(kind[0] == 7 for kind in kinds):
        return None
    if len(kinds) > 1 or not (kind := kinds.pop()).endswith(b"\1\1") or kind[0] > 15 or _SYCC in data[:begin]:
        raise WorkbenchError(f"{path}: JPEG 2000 of this kind is not read with other than 8 bits; save it as PNG")
    return stretched(imagecodecs.jpeg2k_decode(data), (2 << kind[0]) - 1)


def _avif(path: Path, header: PillowImage.Image) -> np.ndarray | None:
    data = path.read_bytes()
    # The configuration of each part (colour, opacity): its third byte tells of more than 8 bits, and whether of 12
    depths = {(8, 8, 10, 12)[flags[0] >> 5 & 3] for flags in re.findall(rb"av1C\x81.(.)", data, re.DOTALL)}
    if depths <= {8}:
        return None
    if len(depths) > 1:
        raise WorkbenchError(f"{path}: AVIF whose parts have different bits is not read; save it as PNG")
    return stretched(imagecodecs.avif_decode(data, index=0), (1 << depths.pop()) - 1)
