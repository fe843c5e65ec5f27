"""Which device a command computes on."""

from __future__ import annotations

import torch

from workbench.errors import WorkbenchError

DEVICES = ("auto", "cpu", "cuda")


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
    if name not in DEVICES:
        raise WorkbenchError(f"--device {name}: choose one of {', '.join(DEVICES)}")
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise WorkbenchError("--device cuda: no CUDA device is found here; use auto or cpu")
    return torch.device("cuda" if found and name != "cpu" else "cpu")
