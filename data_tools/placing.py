"""Items into a canonical folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from data_tools.layouts import Item
from workbench.errors import WorkbenchError
from workbench.files import check_plain
from workbench.images import read_image, write_png

_SAME_FORMAT = {".jpeg": ".jpg", ".tiff": ".tif"}


def place(items: Iterable[Item], folder: Path, bar: tqdm) -> tuple[int, int, list[str]]:
    """Write items as ``images/`` or as ``input/`` and ``target/``.

    Files keep their bytes: they are linked where the file system can, else copied. Pixels become PNG, as do both sides
    of a pair whose formats differ, for the two must have one name.

    Parameters
    ----------
    items : iterable of Item
    folder : Path
        Made, with its sub-folders.
    bar : tqdm
        Moved on by one an item.

    Returns
    -------
    count : int
    size : int
        Bytes; a file under several names counts once.
    problems : list of str
        Items that could not be converted; nothing of them is left.
    """
    count, problems = 0, []
    size_of: dict[tuple[int, int], int] = {}
    for item in items:
        written: list[Path] = []
        try:
            sides, suffix = _sides(item)
            for side, content in sides.items():
                written.append(folder / side / f"{item.stem}{suffix}")
                written[-1].parent.mkdir(parents=True, exist_ok=True)
                if isinstance(content, Path):
                    link_or_copy(content, written[-1])
                else:
                    write_png(written[-1], content)
                status = written[-1].stat()
                size_of[status.st_dev, status.st_ino] = status.st_size
            count += 1
        except WorkbenchError as error:
            problems.append(f"left out: {error}")
            for path in written:
                path.unlink(missing_ok=True)
        bar.update()
    return count, sum(size_of.values()), problems


def link_or_copy(source: Path, destination: Path) -> None:
    """Give a file a second name; where the file system cannot, copy it.

    Raises
    ------
    WorkbenchError
        Neither works, or it is no plain file.
    """
    try:
        check_plain(source)
        try:
            os.link(source.resolve(), destination)
        except OSError:
            shutil.copyfile(source, destination)
    except OSError as error:
        raise WorkbenchError(f"{source}: cannot be copied to {destination} ({error.strerror or error})") from error


def _sides(item: Item) -> tuple[dict[str, Path | np.ndarray], str]:
    """What to write on each side, and the suffix: files that can stay as they are, or pixels."""
    if item.halves:
        return _halves(item.input), ".png"
    if item.target is None:
        return {"images": item.input}, _suffix(item.input)
    target = _without_border(item) if item.border else item.target
    if _format(item.input) == _format(target):
        return {"input": item.input, "target": target}, _suffix(item.input)
    return {"input": _as_png(item.input), "target": _as_png(target)}, ".png"


def _halves(path: Path) -> dict[str, np.ndarray]:
    pixels = read_image(path).pixels
    width = pixels.shape[1]
    if width % 2:
        raise WorkbenchError(f"{path}: {width} pixels wide; a picture of two halves has an even width")
    return {"input": pixels[:, : width // 2], "target": pixels[:, width // 2 :]}


def _without_border(item: Item) -> Path | np.ndarray:
    """The target at the size of the input."""
    pixels, reference = read_image(item.input).pixels, read_image(item.target).pixels
    height, width = pixels.shape[:2]
    border = item.border
    if reference.shape[:2] == (height, width):
        return item.target
    if reference.shape[:2] != (height + 2 * border, width + 2 * border):
        raise WorkbenchError(f"{item.input}: differs in size from {item.target}")
    return reference[border:-border, border:-border]


def _as_png(content: Path | np.ndarray) -> Path | np.ndarray:
    return content if _format(content) == ".png" else read_image(content).pixels


def _suffix(content: Path | np.ndarray) -> str:
    return content.suffix if isinstance(content, Path) else ".png"


def _format(content: Path | np.ndarray) -> str:
    suffix = _suffix(content).lower()
    return _SAME_FORMAT.get(suffix, suffix)
