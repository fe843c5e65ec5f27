"""Where a number comes from: code version, libraries, machine."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

import workbench


@cache
def provenance() -> dict:
    """Version, commit (when the package lies in a git checkout; ``+`` marks uncommitted changes) and libraries."""
    return {
        "version": workbench.__version__,
        "commit": _commit(),
        "torch": torch.__version__,
        "lightning": version("lightning"),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or "CPU",
        "python": platform.python_version(),
    }


def _commit() -> str | None:
    folder = Path(workbench.__file__).parent
    try:
        described = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"],
            capture_output=True, text=True, check=True, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip()
