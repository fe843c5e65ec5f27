"""Collections of photographs, in memory or on disk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workbench.errors import WorkbenchError
from workbench.images import list_images, read_image


class Photographs(Sequence):
    """A sequence of (H, W, 3) uint8 or uint16 arrays that are already in memory.

    Parameters
    ----------
    images : sequence of ndarray
    names : sequence of str
    """

    def __init__(self, images: Sequence[np.ndarray], names: Sequence[str]):
        self._images, self.names = list(images), list(names)

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> np.ndarray:
        return self._images[index]


class PhotographFiles(Sequence):
    """Image files, read when asked for and kept in memory up to a budget.

    Parameters
    ----------
    paths : sequence of Path
    budget : int
        Bytes of decoded pixels kept in memory, least recently used out first.
    """

    def __init__(self, paths: Sequence[Path], budget: int = 2**30):
        self.paths, self.budget = list(paths), budget
        self.names = [path.name for path in self.paths]
        self._cache: OrderedDict[int, np.ndarray] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        if index in self._cache:
            self._cache.move_to_end(index)
            return self._cache[index]
        pixels = read_image(self.paths[index]).pixels
        self._cache[index] = pixels
        self._bytes += pixels.nbytes
        while self._bytes > self.budget and len(self._cache) > 1:
            self._bytes -= self._cache.popitem(last=False)[1].nbytes
        return pixels


def read_folder(folder: Path, side: str = "input") -> PhotographFiles:
    """The images of a folder: of its ``images/``, else of one side (``input`` or ``target``), else all below it.

    Raises
    ------
    WorkbenchError
        When the folder is missing or holds no image.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise WorkbenchError(f"{folder}: no such folder of images")
    place = next((folder / name for name in ("images", side) if (folder / name).is_dir()), folder)
    paths = list_images(place)
    if not paths:
        raise WorkbenchError(f"{place}: holds no images")
    return PhotographFiles(paths)


def read_pairs(folder: Path) -> tuple[PhotographFiles, PhotographFiles]:
    """The ``input/`` and ``target/`` images of a paired folder, matched by name.

    Raises
    ------
    WorkbenchError
        When a side is missing, or a file has no partner of the same name.
    """
    folder = Path(folder)
    sides = [folder / "input", folder / "target"]
    for side in sides:
        if not side.is_dir():
            raise WorkbenchError(f"{folder}: a paired folder has input/ and target/; {side.name}/ is missing")
    degraded, clean = ({str(path.relative_to(side)): path for path in list_images(side)} for side in sides)
    if not degraded:
        raise WorkbenchError(f"{sides[0]}: holds no images")
    alone = sorted(degraded.keys() ^ clean.keys())
    if alone:
        raise WorkbenchError(f"{folder}: {alone[0]} has no partner of the same name in input/ and target/")
    names = sorted(degraded)
    return PhotographFiles([degraded[name] for name in names]), PhotographFiles([clean[name] for name in names])
