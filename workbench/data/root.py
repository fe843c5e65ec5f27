"""Where prepared data sets lie; without torch, for the commands that only look there."""

from __future__ import annotations

import os
from pathlib import Path


def data_root(root: str | os.PathLike | None = None) -> Path:
    """The folder of all data sets: the given one, else the environment's ``WORKBENCH_DATA``, else ``./data``."""
    return Path(root or os.environ.get("WORKBENCH_DATA") or "data")
