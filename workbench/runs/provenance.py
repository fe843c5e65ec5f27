"""Where a number comes from: code version, libraries, machine."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

import workbench


@cache
def provenance() -> dict:
    """Version, libraries and, in a git checkout, the commit; ``+`` marks uncommitted changes of the package."""
    import torch  # for its device: those who only list runs need not wait for it

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
        commit = _git(folder, "rev-parse", "--short=12", "HEAD")
        return commit + ("+" if _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
