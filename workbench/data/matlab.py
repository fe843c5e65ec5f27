"""Blocks of images in MATLAB files, read image by image: SIDD's validation and benchmark sets.

MATLAB writes such arrays in two ways. Version 7.3 is HDF5, which h5py reads in parts. Versions up to 7 store one
stream, mostly compressed, in which the blocks lie interleaved; it is unpacked to a temporary file, so that memory holds
one image at a time here too. Nothing is unpickled.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Protocol

import h5py
import numpy as np

from workbench.errors import WorkbenchError

# Element types of MATLAB 5 files, and its class of 8-bit arrays (MAT-File Format, The MathWorks, Tables 1-1 and 1-3).
_UINT8, _MATRIX, _COMPRESSED = 2, 14, 15
_UINT8_CLASS = 9
_HEADER, _CHUNK = 128, 1 << 20


class Blocks(Protocol):
    """An array (images, blocks, H, W, 3), uint8, of which one image at a time is in memory."""

    shape: tuple[int, int, int, int, int]

    def __getitem__(self, image: int) -> np.ndarray:
        """The blocks of an image, (blocks, H, W, 3), uint8."""


@contextmanager
def open_blocks(path: Path) -> Iterator[Blocks]:
    """Open the one array of blocks that a MATLAB file holds.

    Parameters
    ----------
    path : Path
        A ``.mat`` file, version 5 to 7.3, with one array of (images, blocks, H, W, 3) 8-bit integers.

    Raises
    ------
    WorkbenchError
        The file is missing, damaged, cut short or holds no such array.
    """
    path = Path(path)
    with ExitStack() as stack:
        with _readable(path):
            if not path.is_file():
                raise WorkbenchError(f"{path}: no such file")
            if h5py.is_hdf5(path):
                blocks = _Hdf5Blocks(stack.enter_context(h5py.File(path, "r")), path)
            else:
                unpacked = stack.enter_context(tempfile.TemporaryFile())
                with path.open("rb") as file:
                    blocks = _Matlab5Blocks(file, unpacked, path)
        yield blocks


def blocks_shape(path: Path) -> tuple[int, int, int, int, int]:
    """The shape of what `open_blocks` opens, without reading the values; raises as it does."""
    path = Path(path)
    with _readable(path):
        if not path.is_file():
            raise WorkbenchError(f"{path}: no such file")
        if h5py.is_hdf5(path):
            with h5py.File(path, "r") as file:
                return _Hdf5Blocks(file, path).shape
        with path.open("rb") as file:
            return _only([shape for shape, _, _ in _matlab5_blocks(file, path)], path)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError, KeyError, EOFError, zlib.error, struct.error) as error:
        detail = " ".join(str(error).split()) or type(error).__name__
        raise WorkbenchError(f"{path}: not a MATLAB file that can be read, or cut short ({detail})") from error


class _Hdf5Blocks:
    def __init__(self, file: h5py.File, path: Path):
        # MATLAB's axes come reversed.
        arrays = [each for each in file.values() if isinstance(each, h5py.Dataset) and _fits(each.shape[::-1])]
        self._array, self._path = _only(arrays, path), path
        self.shape = self._array.shape[::-1]
        if self._array.dtype != np.uint8:
            raise WorkbenchError(f"{path}: holds {self._array.dtype} values, 8-bit integers (uint8) expected")

    def __getitem__(self, image: int) -> np.ndarray:
        with _readable(self._path):
            return np.ascontiguousarray(self._array[..., image].transpose(3, 2, 1, 0))


def _matlab5_blocks(file: IO[bytes], path: Path) -> Iterator[tuple[tuple[int, ...], str, IO[bytes] | _Inflated]]:
    """Shape, byte order and a stream of the values of each array of blocks in a file of a version up to 7."""
    header = file.read(_HEADER)
    if len(header) < _HEADER or header[126:] not in (b"IM", b"MI"):
        raise WorkbenchError(f"{path}: not a MATLAB file that can be read, or cut short (no MATLAB header)")
    order = "<" if header[126:] == b"IM" else ">"
    while tag := file.read(8):
        kind, size = struct.unpack(f"{order}2I", tag)
        end = file.tell() + size
        stream = _Inflated(file, size) if kind == _COMPRESSED else file
        if kind == _COMPRESSED:
            kind, _ = struct.unpack(f"{order}2I", _exactly(stream, 8))
        if kind == _MATRIX:
            shape, is_uint8 = _describe(stream, order)
            if _fits(shape):
                if not is_uint8:
                    raise WorkbenchError(f"{path}: its array holds other values than 8-bit integers (uint8)")
                yield shape, order, stream
        file.seek(end)


class _Matlab5Blocks:
    def __init__(self, file: IO[bytes], unpacked: IO[bytes], path: Path):
        arrays = []
        for shape, order, stream in _matlab5_blocks(file, path):
            arrays.append((shape, unpacked.tell()))
            _copy_values(stream, order, int(np.prod(shape)), unpacked)
        self.shape, offset = _only(arrays, path)
        unpacked.flush()
        self._array = np.memmap(unpacked, np.uint8, "r", offset, self.shape, order="F")

    def __getitem__(self, image: int) -> np.ndarray:
        return np.ascontiguousarray(self._array[image])


class _Inflated:
    """The part of a file that holds one compressed element, as a stream of its plain bytes."""

    def __init__(self, file: IO[bytes], size: int):
        self._file, self._left, self._inflate = file, size, zlib.decompressobj()

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the end."""
        while True:
            data = self._inflate.unconsumed_tail
            if not data:
                data = self._file.read(min(_CHUNK, self._left))
                self._left -= len(data)
            plain = self._inflate.decompress(data, size)
            if plain or not (data or self._inflate.unconsumed_tail):
                return plain


def _exactly(stream: IO[bytes] | _Inflated, size: int) -> bytes:
    parts = []
    while size:
        part = stream.read(size)
        if not part:
            raise EOFError("unexpected end")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _element(stream: IO[bytes] | _Inflated, order: str) -> tuple[int, bytes]:
    """Type and content of a small element, such as the name of an array."""
    tag = _exactly(stream, 8)
    kind, size = struct.unpack(f"{order}2I", tag)
    if kind >> 16:  # up to four bytes of content may stand in the tag itself
        return kind & 0xFFFF, tag[4 : 4 + (kind >> 16)]
    if size > _CHUNK:
        raise EOFError("damaged")
    return kind, _exactly(stream, size + -size % 8)[:size]


def _describe(stream: IO[bytes] | _Inflated, order: str) -> tuple[tuple[int, ...], bool]:
    """Read an array's header: its shape, and whether its values are 8-bit integers. The values come next."""
    _, flags = _element(stream, order)
    _, dimensions = _element(stream, order)
    _element(stream, order)  # the name
    (word,) = struct.unpack(f"{order}I", flags[:4])
    shape = struct.unpack(f"{order}{len(dimensions) // 4}i", dimensions)
    return shape, word & 0xFF == _UINT8_CLASS


def _copy_values(stream: IO[bytes] | _Inflated, order: str, size: int, target: IO[bytes]) -> None:
    kind, stored = struct.unpack(f"{order}2I", _exactly(stream, 8))
    if (kind, stored) != (_UINT8, size):
        raise EOFError("damaged")
    while size:
        part = stream.read(min(size, _CHUNK))
        if not part:
            raise EOFError("unexpected end")
        target.write(part)
        size -= len(part)


def _fits(shape: tuple[int, ...]) -> bool:
    return len(shape) == 5 and shape[-1] == 3 and min(shape) > 0


def _only(arrays: list, path: Path):
    if len(arrays) != 1:
        raise WorkbenchError(f"{path}: should hold one array of (images, blocks, height, width, 3)")
    return arrays[0]
