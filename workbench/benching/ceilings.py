"""What the machine computes at best: the roof that steps and passes are held against."""

from __future__ import annotations

import time

import torch
from torch.nn import functional as F  # noqa: N812

from workbench.benching.measuring import processor_seconds

_SECONDS = 0.5


def measure_ceilings(device: torch.device, side: int = 128) -> dict[str, float]:
    """Operations a second, two for one multiplication with addition, of two things that machines do well.

    Parameters
    ----------
    device : torch.device
        On a CPU with torch's present threads, and by processor time of all of them together.
    side : int
        Of the convolution's images.

    Returns
    -------
    dict of str to float
        ``matrix product`` of 1024 x 1024 numbers, and ``convolution``: 3x3, 64 to 64 channels, channels last.
    """
    size, channels, count = 1024, 64, max(1, 2**16 // side**2)
    left, right = torch.rand(size, size, device=device), torch.rand(size, size, device=device)
    images = torch.rand(count, channels, side, side, device=device).to(memory_format=torch.channels_last)
    kernel = torch.rand(channels, channels, 3, 3, device=device).to(memory_format=torch.channels_last)
    with torch.no_grad():
        return {
            "matrix product": _rate(lambda: left @ right, 2 * size**3, device),
            "convolution": _rate(
                lambda: F.conv2d(images, kernel, padding=1), 2 * 9 * channels**2 * count * side**2, device
            ),
        }


def _rate(compute, operations: int, device: torch.device) -> float:
    """The best of what is tried in half a second."""
    best, end = 0.0, time.perf_counter() + _SECONDS
    on_device = device.type == "cuda"
    clock = time.perf_counter if on_device else processor_seconds
    while not best or time.perf_counter() < end:
        begin = clock()
        compute()
        if on_device:
            torch.cuda.synchronize(device)
        best = max(best, operations / max(clock() - begin, 1e-9))
    return best
