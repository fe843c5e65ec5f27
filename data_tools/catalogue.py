"""The data sets that can be prepared, by name, and where they lie.

A name is that of a data set, ``gopro``, or of one of its parts, ``gopro/test``. Prepared, it is the folder of the same
name below the data root.
"""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Iterable
from pathlib import Path

from data_tools.entries import Entry, Part
from data_tools.sets import ENTRIES
from workbench.data.folders import is_canonical
from workbench.data.root import data_root
from workbench.errors import WorkbenchError

CATALOGUE: dict[str, Entry] = {entry.name: entry for entry in ENTRIES}

DOWNLOADS = ".downloads"
"""Folder in the data root that keeps what was downloaded."""


def find(name: str) -> tuple[Entry, tuple[Part, ...]]:
    """Look up a data set or one part of it.

    Raises
    ------
    WorkbenchError
        There is none of that name.
    """
    set_name, _, part_name = name.lower().partition("/")
    entry = CATALOGUE.get(set_name)
    if entry is None:
        close = difflib.get_close_matches(set_name, CATALOGUE, n=1)
        hint = f"did you mean {close[0]}?" if close else "see `workbench data list`"
        raise WorkbenchError(f"{name}: no such data set; {hint}")
    if not part_name:
        return entry, entry.parts
    parts = tuple(part for part in entry.parts if part.name == part_name)
    if not parts:
        names = ", ".join(entry.full_name(part) for part in entry.parts)
        raise WorkbenchError(f"{name}: {entry.name} has no such part; there is {names}")
    return entry, parts


def tasks() -> dict[str, str]:
    """What each data set is for, by name, as recipes call their task."""
    return {entry.name: entry.task.replace(" ", "-") for entry in ENTRIES}


def folders(name: str, root: str | os.PathLike | None = None) -> list[Path]:
    """The canonical folders of a data set or part, present or not."""
    entry, parts = find(name)
    return [data_root(root) / entry.full_name(part) for part in parts]


def is_present(folder: Path) -> bool:
    """Whether a canonical folder has been made: preparing renames it into place when it is complete."""
    return is_canonical(folder)


def missing(names: Iterable[str], root: str | os.PathLike | None = None) -> list[tuple[str, str]]:
    """The data sets or parts that are not on disk, each with the command that prepares it.

    Parameters
    ----------
    names : iterable of str
        As recipes name them, ``sidd/train`` or ``wed``. A set counts as there when all of its parts are.
    root : path-like, optional
        As for `workbench.data.root.data_root`.

    Returns
    -------
    list of (str, str)

    Raises
    ------
    WorkbenchError
        A name is not in the catalogue.
    """
    at = f" --root {shlex.quote(str(root))}" if root is not None else ""
    return [
        (name, f"workbench data prepare {name}{at}")
        for name in dict.fromkeys(names)
        if not all(is_present(folder) for folder in folders(name, root))
    ]
