"""Memory of a training: whether it can suffice, and its peak."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import torch

from workbench.errors import WorkbenchError

_MIB = 2**20
_PROCESS = Path("/proc/self")


def check_memory(batch_size: int, patch_size: int) -> None:
    """Refuse batches whose patches alone, degraded and clean, do not fit into the memory of the machine.

    Raises
    ------
    WorkbenchError
    """
    needed, there = 2 * batch_size * 3 * patch_size**2 * 4, psutil.virtual_memory().total
    if needed > there:
        raise WorkbenchError(
            f"training.batch_size {batch_size} and training.patch_size {patch_size}: a batch of patches takes"
            f" {needed / 1e9:.0f} GB, this machine has {there / 1e9:.0f}"
        )


def reset_peak_memory() -> None:
    """Start to measure anew, where the system lets a process do that; else the peak stays that of the whole process."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    try:
        (_PROCESS / "clear_refs").write_text("5")
    except OSError:
        pass


def peak_memory() -> dict[str, int]:
    """Peak since `reset_peak_memory`, in MiB.

    Returns
    -------
    dict
        ``process_mib``: resident memory, the libraries' (some hundreds of MiB) included; ``device_mib``: what tensors
        took on the CUDA device, if there is one.
    """
    peak = {"process_mib": round(_resident_peak() / _MIB)}
    if torch.cuda.is_available():
        peak["device_mib"] = round(torch.cuda.max_memory_allocated() / _MIB)
    return peak


def _resident_peak() -> int:
    """Bytes. Linux's ``ru_maxrss`` would count the process that started this one as well."""
    try:
        status = (_PROCESS / "status").read_text()
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])
    except (OSError, IndexError, ValueError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak
