"""Halves of a data set that show no object twice."""

from __future__ import annotations

import re
from pathlib import Path

from workbench.data.domains import resolve
from workbench.errors import WorkbenchError

OBJECT = re.compile(r".*_\d+_([a-z]+)_*\d*$", re.IGNORECASE)
"""Names of PolyU, CAMERA_APERTURE_SHUTTER_ISO_OBJECT_NUMBER."""


def split_by_object(place: str, output: Path) -> dict[str, Path]:
    """Link a paired folder's files into ``output/{train,test}/{input,target}``; no object is on both sides.

    Every third object, in alphabetical order, is kept for the test.

    Parameters
    ----------
    place : str
        Folder or ``dataset:NAME`` whose files' names end in an object's name and a number, as PolyU's do.
    output : Path

    Raises
    ------
    WorkbenchError
        The data set is missing, or a name names no object.
    """
    folder = resolve(place)
    names = sorted(path.name for path in (folder / "input").iterdir())
    shown = {}
    for name in names:
        found = OBJECT.match(Path(name).stem)
        if found is None:
            raise WorkbenchError(f"{folder / 'input' / name}: its name does not say which object it shows")
        shown[name] = found.group(1).lower()
    held_out = set(sorted(set(shown.values()))[2::3])
    for name in names:
        for side in ("input", "target"):
            link = output / ("test" if shown[name] in held_out else "train") / side / name
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to((folder / side / name).resolve())
    return {part: output / part for part in ("train", "test")}
