"""The canonical folder: where pairs and pictures lie in it, who is whose partner, and the note of how it was prepared.

Pairs lie in ``input/`` (degraded) and ``target/`` (reference), pictures without partners in ``images/`` or anywhere
below the folder. Partners have the same path below their side, sub-folders included: ``input/x/a.png`` and
``target/x/a.png``. Checking, training, measuring and cutting all ask here. No torch: commands that must answer at once
use the module.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from workbench.errors import WorkbenchError
from workbench.files import make_folder, read_json, write_json

INPUT, TARGET, IMAGES = "input", "target", "images"
PREPARED = "prepared.json"


class PairFiles(NamedTuple):
    """The two files of a pair."""

    name: str
    degraded: Path
    clean: Path


class Alone(NamedTuple):
    """A file without a partner, and the side that lacks it."""

    name: str
    path: Path
    missing: str


class Pairing(NamedTuple):
    """What a paired folder holds, each sorted by name: a file's path below its side."""

    pairs: list[PairFiles]
    alone: list[Alone]


def is_paired(folder: Path) -> bool:
    """Whether a folder has a side of pairs, ``input/`` or ``target/``."""
    return any((Path(folder) / side).is_dir() for side in (INPUT, TARGET))


def is_canonical(folder: Path) -> bool:
    """Whether a folder has ``images/``, or a side of pairs."""
    return is_paired(folder) or (Path(folder) / IMAGES).is_dir()


def list_parts(folder: Path) -> list[str]:
    """The names of the canonical folders in a folder; empty if there are none, or if it is canonical itself."""
    folder = Path(folder)
    if is_canonical(folder):
        return []
    return [child.name for child in sorted(folder.iterdir()) if child.is_dir() and is_canonical(child)]


def list_pairs(folder: Path) -> Pairing:
    """The pairs of a folder, and what has no partner.

    Raises
    ------
    WorkbenchError
        When ``input/`` or ``target/`` is missing or cannot be read.
    """
    from workbench.images import list_images  # brings PIL, which a list of data sets need not wait for

    folder = Path(folder)
    sides: dict[str, dict[str, Path]] = {}
    for side in (INPUT, TARGET):
        if not (folder / side).is_dir():
            raise WorkbenchError(f"{folder}: a paired folder has {INPUT}/ and {TARGET}/; {side}/ is missing")
        sides[side] = {path.relative_to(folder / side).as_posix(): path for path in list_images(folder / side)}
    degraded, clean = sides.values()
    return Pairing(
        [PairFiles(name, degraded[name], clean[name]) for name in sorted(degraded.keys() & clean.keys())],
        [
            Alone(name, degraded.get(name) or clean[name], TARGET if name in degraded else INPUT)
            for name in sorted(degraded.keys() ^ clean.keys())
        ],
    )


def matched_pairs(folder: Path) -> list[PairFiles]:
    """The pairs of a folder in which every file has its partner.

    Raises
    ------
    WorkbenchError
        When a side is missing, holds no images, or a file has no partner.
    """
    pairs, alone = list_pairs(folder)
    if alone:
        raise WorkbenchError(f"{folder}: {alone[0].name} has no partner in {alone[0].missing}/")
    if not pairs:
        raise WorkbenchError(f"{folder}: holds no images in {INPUT}/ and {TARGET}/")
    return pairs


def list_pictures(folder: Path, side: str = INPUT) -> list[Path]:
    """The pictures of a folder: of one side if it is paired, else of its ``images/``, else all below it.

    Raises
    ------
    WorkbenchError
        When the folder or the side is missing, cannot be read or holds no picture.
    """
    from workbench.images import list_images  # as above

    folder = Path(folder)
    if not folder.is_dir():
        raise WorkbenchError(f"{folder}: no such folder of images")
    if is_paired(folder):
        if not (folder / side).is_dir():
            raise WorkbenchError(f"{folder}: a paired folder has {INPUT}/ and {TARGET}/; {side}/ is missing")
        place = folder / side
    else:
        place = folder / IMAGES if (folder / IMAGES).is_dir() else folder
    paths = list_images(place)
    if not paths:
        raise WorkbenchError(f"{place}: holds no images")
    return paths


def with_names(paths: Sequence[Path]) -> list[tuple[str, Path]]:
    """Pictures by their paths below the folder that holds them all."""
    place = os.path.commonpath([path.parent for path in paths])
    return [(path.relative_to(place).as_posix(), path) for path in paths]


def read_prepared(folder: Path) -> dict:
    """The note that preparing left in a data set's folder: which set it is, and what each part holds.

    Returns
    -------
    dict
        ``set``: the data set's name, or None without a note. ``parts``: by name (empty for the folder itself), each
        with ``count`` (pairs or images), ``bytes``, ``made`` (time) and ``source``.

    Raises
    ------
    WorkbenchError
        The note is damaged.
    """
    path = Path(folder) / PREPARED
    if not path.is_file():
        return {"set": None, "parts": {}}
    try:
        note = read_json(path)
        parts = {str(name): {"count": int(part["count"]), **part} for name, part in note["parts"].items()}
        return {"set": str(note["set"]), "parts": parts}
    except (WorkbenchError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkbenchError(f"{path}: the note of this data set is damaged; delete it") from error


def write_prepared(folder: Path, name: str, part: str, noted: dict) -> None:
    """Add a part to the note of a data set's folder; the folder is made when missing."""
    make_folder(folder)
    parts = read_prepared(folder)["parts"] | {part: noted}
    write_json(folder / PREPARED, {"set": name, "parts": parts})


def prepared_part(folder: Path) -> tuple[str, str, dict] | None:
    """The data set, the part and the note of a folder, by the note in it or above it; None if it was not prepared.

    Raises
    ------
    WorkbenchError
        The note is damaged.
    """
    folder = Path(folder).resolve()
    for place, part in ((folder, ""), (folder.parent, folder.name)):
        note = read_prepared(place)
        if part in note["parts"]:
            return note["set"], part, note["parts"][part]
    return None
