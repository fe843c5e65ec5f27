"""Halves of a data set that show no object twice."""

from __future__ import annotations

import re
from pathlib import Path

from workbench.data.domains import existing_folder
from workbench.data.folders import INPUT, TARGET, matched_pairs
from workbench.errors import WorkbenchError

TRAIN, TEST = "train", "test"
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
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to(path.resolve())
    return {part: output / part for part in (TRAIN, TEST)}
