"""Data sets that come as arrays: MATLAB blocks (SIDD), MATLAB photographs with boxes (DND), MINC volumes (BrainWeb).

Nothing is unpickled.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data_tools.layouts import Files, Found, Item, Template
from workbench.errors import WorkbenchError

if TYPE_CHECKING:  # the catalogue, which is listed at once, names these layouts
    import numpy as np


@dataclass(frozen=True)
class Blocks:
    """MATLAB files of one array (images, blocks, H, W, 3), uint8, cut into its blocks.

    They are named ``IMAGE_BLOCK``, both counted from one, and read image by image (`workbench.data.matlab`).

    Attributes
    ----------
    input : str
        File name.
    target : str or None
        File name of the references, in the same order.
    """

    input: str
    target: str | None = None

    @property
    def looks_for(self) -> str:
        return " and ".join(name for name in (self.input, self.target) if name)

    def find(self, files: Files) -> Found | None:
        places = [_named(files, name) for name in (self.input, self.target) if name]
        if None in places:
            return None
        from workbench.data.matlab import blocks_shape

        shapes = [blocks_shape(place) for place in places]
        if len(set(shapes)) > 1:
            raise WorkbenchError(f"{places[0]} and {places[1]}: different shapes, {shapes[0]} and {shapes[1]}")
        return Found(shapes[0][0] * shapes[0][1], self._items(places))

    @staticmethod
    def _items(places: list[Path]) -> Iterator[Item]:
        from workbench.data.matlab import open_blocks

        with ExitStack() as stack:
            opened = [stack.enter_context(open_blocks(place)) for place in places]
            for image in range(opened[0].shape[0]):
                for block, sides in enumerate(zip(*(blocks[image] for blocks in opened), strict=True), 1):
                    yield Item(f"{image + 1:04d}_{block:02d}", *sides)


@dataclass(frozen=True)
class BoxedPhotographs:
    """The photographs of DND, one MATLAB 7.3 file each, cut into the boxes of ``info.mat``.

    Values in [0, 1] become 16-bit integers. Crops are named ``PHOTOGRAPH_BOX``, both counted from one, as the
    benchmark's own scripts do.
    """

    template: str = "images_srgb/{number:d}.mat"
    info: str = "info.mat"

    @property
    def looks_for(self) -> str:
        return f"{self.info} and {self.template}"

    def find(self, files: Files) -> Found | None:
        info, template = _named(files, self.info), Template(self.template)
        photographs = [(path, fields) for path in files.paths if (fields := template.match(path))]
        if info is None or not photographs:
            return None
        with _open_hdf5(info) as file:
            references = file["info/boundingboxes"][()].ravel()
            # Columns are corners, counted from one, both ends included: top, left, bottom, right.
            boxes = [file[reference][()].T.astype(int) for reference in references]
        numbered = {int(fields["number"]): files.path(path) for path, fields in photographs}
        problems = [f"{info}: photograph {n} is not there" for n in range(1, len(boxes) + 1) if n not in numbered]
        there = {number: boxes[number - 1] for number in sorted(numbered) if 1 <= number <= len(boxes)}
        return Found(sum(map(len, there.values())), self._items(numbered, there), problems)

    @staticmethod
    def _items(places: dict[int, Path], boxes: dict[int, np.ndarray]) -> Iterator[Item]:
        import numpy as np

        from workbench.images import to_uint

        for number, corners in boxes.items():
            with _open_hdf5(places[number]) as file:
                pixels = file["InoisySRGB"]  # MATLAB's order reversed: (3, W, H)
                for box, (top, left, bottom, right) in enumerate(corners, 1):
                    crop = pixels[:, left - 1 : right, top - 1 : bottom].T
                    yield Item(f"{number:04d}_{box:02d}", to_uint(crop.astype(np.float32), bits=16))


@dataclass(frozen=True)
class Slices:
    """MINC volumes (``.mnc``, ``.mnc.gz``, version 1 or 2) as grey pictures, one a slice of the first axis.

    A volume's largest value becomes white and zero becomes black, at 16 bits.

    Attributes
    ----------
    template : str
    every : int
        Of so many slices, counted through all volumes in the order of their names, the first one is for testing.
    test : bool
        Those slices or the others.
    """

    template: str
    every: int
    test: bool

    @property
    def looks_for(self) -> str:
        return self.template

    def find(self, files: Files) -> Found | None:
        template = Template(self.template)
        volumes = {files.path(path): fields["name"] for path in files.paths if (fields := template.match(path))}
        if not volumes:
            return None
        slices = sum(len(_read_minc(path)) for path in volumes)
        total = len([place for place in range(slices) if self._takes(place)])
        return Found(total, self._items(volumes))

    def _takes(self, place: int) -> bool:
        return (place % self.every == 0) == self.test

    def _items(self, volumes: dict[Path, str]) -> Iterator[Item]:
        import numpy as np

        from workbench.images import to_uint

        before = 0
        for path, name in volumes.items():
            volume = _read_minc(path)
            scaled = volume / max(volume.max(), np.finfo(np.float32).tiny)
            for number, picture in enumerate(scaled):
                if self._takes(before + number):
                    yield Item(f"{name}_{number:03d}", to_uint(picture, bits=16))
            before += len(volume)


def _named(files: Files, name: str) -> Path | None:
    for path in files.paths:
        if path.rpartition("/")[2].casefold() == name.casefold():
            return files.path(path)
    return None


@contextmanager
def _reading(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except WorkbenchError:
        raise
    except MemoryError as error:
        raise WorkbenchError(f"{path}: not enough memory for this file") from error
    except Exception as error:  # damaged files make the readers raise nearly anything
        detail = " ".join(str(error).split()) or type(error).__name__
        raise WorkbenchError(f"{path}: not {what} that can be read, or cut short ({detail})") from error


@contextmanager
def _open_hdf5(path: Path) -> Iterator:
    import h5py

    with _reading(path, "a MATLAB 7.3 file"), h5py.File(path, "r") as file:
        yield file


def _read_minc(path: Path) -> np.ndarray:
    """The real values of a MINC volume, float32 (slices, H, W).

    Stored integers run over ``valid_range`` and stand for the range ``image-min`` to ``image-max`` of their slice, or
    of the volume.
    """
    import h5py
    import numpy as np
    import scipy.io

    with _reading(path, "a MINC volume"):
        content = gzip.decompress(path.read_bytes()) if path.suffix.lower() == ".gz" else path.read_bytes()
        if content.startswith(b"CDF"):
            with scipy.io.netcdf_file(io.BytesIO(content), mmap=False) as file:
                image = file.variables["image"]
                stored, attributes = image.data.copy(), dict(image._attributes)
                low, high = (file.variables[name].data.copy() for name in ("image-min", "image-max"))
        else:
            with h5py.File(io.BytesIO(content), "r") as file:
                group = file["minc-2.0/image/0"]
                stored, attributes = group["image"][()], dict(group["image"].attrs)
                low, high = (group[name][()] for name in ("image-min", "image-max"))
        if stored.ndim != 3:
            raise WorkbenchError(f"{path}: a volume of three axes expected, not {stored.ndim}")
        if b"unsigned" in np.bytes_(attributes.get("signtype", b"")):
            stored = stored.view(stored.dtype.str.replace("i", "u"))
        limits = np.iinfo(stored.dtype)
        bottom, top = np.sort(np.ravel(attributes.get("valid_range", (limits.min, limits.max)))).astype(np.float64)
        low, high = (np.asarray(edge, np.float64).reshape(-1, 1, 1) for edge in (low, high))
        return ((stored - bottom) / (top - bottom) * (high - low) + low).astype(np.float32)
