"""Halves of a data set that show no object twice."""

from __future__ import annotations

import re
from pathlib import Path

from workbench.data.domains import existing_folder
from workbench.data.folders import INPUT, TARGET, matched_pairs
from workbench.errors import WorkbenchError
from workbench.files import make_folder
from workbench.images import read_image, write_png

TRAIN, TEST = "train", "test"
OBJECT = re.compile(r".*_\d+_([a-z]+)_*\d*$", re.IGNORECASE)
"""Names of PolyU, CAMERA_APERTURE_SHUTTER_ISO_OBJECT_NUMBER."""


def split_by_object(place: str, output: Path, middle: int | None = None) -> dict[str, Path]:
    """Put a paired folder's files into ``output/{train,test}/{input,target}``; no object is on both sides.

    Every third object, in alphabetical order, is kept for the test.

    Parameters
    ----------
    place : str
        Folder or ``dataset:NAME`` whose files' names end in an object's name and a number, as PolyU's do.
    output : Path
        The files are linked there.
    middle : int, optional
        Write the square of so many pixels in the middle of each picture as PNG instead.

    Raises
    ------
    WorkbenchError
        The data set is missing, a file has no partner, or a name names no object.
    """
    folder = existing_folder(place)
    pairs = matched_pairs(folder)
    shown = {}
    for pair in pairs:
        found = OBJECT.match(Path(pair.name).stem)
        if found is None:
            raise WorkbenchError(f"{pair.degraded}: its name does not say which object it shows")
        shown[pair.name] = found.group(1).lower()
    held_out = set(sorted(set(shown.values()))[2::3])
    for pair in pairs:
        part = output / (TEST if shown[pair.name] in held_out else TRAIN)
        for side, path in ((INPUT, pair.degraded), (TARGET, pair.clean)):
            link = part / side / pair.name
            make_folder(link.parent)
            if middle is not None:
                _write_middle(path, link.with_suffix(".png"), middle)
            elif not link.is_symlink():
                link.symlink_to(path.resolve())
    return {part: output / part for part in (TRAIN, TEST)}


def _write_middle(path: Path, cut: Path, side: int) -> None:
    if not cut.exists():
        pixels = read_image(path).pixels
        top, left = (max(length - side, 0) // 2 for length in pixels.shape[:2])
        write_png(cut, pixels[top : top + side, left : left + side])
