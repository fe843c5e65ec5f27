"""Collections of photographs, in memory or on disk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workbench.data.folders import list_pictures, matched_pairs, with_names
from workbench.images import read_image


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
    names : sequence of str
        Below their folder, with sub-folders: those may hold files of equal names.
    budget : int
        Bytes of decoded pixels kept in memory, least recently used out first.
    """

    def __init__(self, paths: Sequence[Path], names: Sequence[str], budget: int = 2**30):
        self.paths, self.names, self.budget = list(paths), list(names), budget
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
    """The pictures of a folder; arguments and errors as of `workbench.data.folders.list_pictures`."""
    names, paths = zip(*with_names(list_pictures(folder, side)), strict=True)
    return PhotographFiles(paths, names)


def read_pairs(folder: Path) -> tuple[PhotographFiles, PhotographFiles]:
    """The degraded and the clean images of a paired folder; errors as of `workbench.data.folders.matched_pairs`."""
    names, degraded, clean = zip(*matched_pairs(folder), strict=True)
    return PhotographFiles(degraded, names), PhotographFiles(clean, names)
