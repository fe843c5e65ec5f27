"""Where prepared data sets lie; without torch, for the commands that only look there."""

from __future__ import annotations

import os
from pathlib import Path

DATASET = "dataset:"
"""Before the name of a data set, where a recipe names a place."""
PATCHES = "-patches"
"""What the folder of the patches of a data set is called, after the name of the data set."""


def data_root(root: str | os.PathLike | None = None) -> Path:
    """The folder of all data sets: the given one, else the environment's ``WORKBENCH_DATA``, else ``./data``."""
    return Path(root or os.environ.get("WORKBENCH_DATA") or "data")


def located(place: str) -> Path:
    """Where the folder of a recipe's place is, or would be."""
    return data_root() / place.removeprefix(DATASET) if place.startswith(DATASET) else Path(place).expanduser()


def meant(place: str) -> str:
    """The same text for every name of one folder: a data set's, its path, a link to it."""
    return str(located(place).resolve())
