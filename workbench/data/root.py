"""Where prepared data sets lie; without torch, for the commands that only look there."""

from __future__ import annotations

import os
from pathlib import Path

PATCHES = "-patches"
"""What the folder of the patches of a data set is called, after the name of the data set."""


def data_root(root: str | os.PathLike | None = None) -> Path:
    """The folder of all data sets: the given one, else the environment's ``WORKBENCH_DATA``, else ``./data``."""
    return Path(root or os.environ.get("WORKBENCH_DATA") or "data")
