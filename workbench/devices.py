"""What a command computes on: a device, and how many processes side by side. Torch is imported when it is asked for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda")
_MOST_THREADS = 4


def choose_device(name: str) -> torch.device:
    """The device of that name.

    Parameters
    ----------
    name : {"auto", "cpu", "cuda"}
        ``auto`` is a CUDA device if there is one, else the CPU.

    Raises
    ------
    WorkbenchError
        The name is another, or there is no CUDA device.
    """
    import torch

    if name not in DEVICES:
        raise WorkbenchError(f"--device {name}: choose one of {', '.join(DEVICES)}")
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise WorkbenchError("--device cuda: no CUDA device is found here; use auto or cpu")
    return torch.device("cuda" if found and name != "cpu" else "cpu")


def training_device(accelerator: str) -> torch.device:
    """Where a recipe with this ``training.accelerator`` trains: on a CUDA device if there is one, unless it is cpu."""
    import torch

    return torch.device("cpu" if accelerator == "cpu" or not torch.cuda.is_available() else "cuda")


def cores() -> int:
    """How many of the machine's cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_alone(processes: int = 1) -> int:
    """Torch's threads on a CPU for a training that has the machine to itself, where nothing else is asked for.

    What ``OMP_NUM_THREADS`` says, else a thread a core, four at most: patches are small.

    Parameters
    ----------
    processes : int
        That share the cores in this training.
    """
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdecimal() and int(said) else max(min(cores() // processes, _MOST_THREADS), 1)


def trainings_at_once() -> int:
    """How many trainings go on at the same time where nothing else is asked for: one a core, or one on a GPU."""
    import torch

    return 1 if torch.cuda.is_available() else cores()
