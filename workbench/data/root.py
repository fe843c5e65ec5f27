"""Where prepared data sets lie; without torch, for the commands that only look there."""

from __future__ import annotations

import os
from pathlib import Path

DATASET = "dataset:"
"""Before the name of a data set, where a recipe names a location."""
PATCHES = "-patches"
"""What the folder of the patches of a data set is called, after the name of the data set."""


def data_root(root: str | os.PathLike | None = None) -> Path:
    """The folder of all data sets: the given one, else the environment's ``WORKBENCH_DATA``, else ``./data``."""
    return Path(root or os.environ.get("WORKBENCH_DATA") or "data")


def folder_of(location: str) -> Path:
    """Where the folder of a recipe's location is, or would be."""
    return data_root() / location.removeprefix(DATASET) if location.startswith(DATASET) else Path(location).expanduser()


def place_of(location: str) -> str:
    """Where the pictures of a test set ``PLACE+DEGRADATION`` are; any other location as it is."""
    place, _, degradation = location.rpartition("+")
    told = place and degradation and "/" not in degradation
    return place if told and not folder_of(location).exists() else location


def meant(location: str) -> str:
    """The same text for every name of one folder: a data set's, its path, a link to it."""
    return str(folder_of(location).resolve())
