"""The note that preparing leaves in a data set's folder: which set it is, and what each part holds."""

from __future__ import annotations

import json
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.files import make_folder, write_json

RECORD = "prepared.json"


def read_record(folder: Path) -> dict:
    """The note of a data set's folder.

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
    path = folder / RECORD
    if not path.is_file():
        return {"set": None, "parts": {}}
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        parts = {str(name): {"count": int(part["count"]), **part} for name, part in note["parts"].items()}
        return {"set": str(note["set"]), "parts": parts}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkbenchError(f"{path}: the note of this data set is damaged; delete it") from error


def write_record(folder: Path, name: str, part: str, noted: dict) -> None:
    """Add a part to the note of a data set's folder; the folder is made when missing."""
    make_folder(folder)
    parts = read_record(folder)["parts"] | {part: noted}
    write_json(folder / RECORD, {"set": name, "parts": parts})
