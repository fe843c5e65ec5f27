"""The memory layout in which the convolutions of a network that is trained are fastest.

On a CPU, oneDNN's blocked kernels, which PyTorch takes for its own layout, are the faster ones where there are many
channels; those for channels-last are where there are few (docs/performance.md). PyTorch takes the latter if either
weights or images are channels-last, so both must be laid out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

WIDE = 32
"""Channels of the first level from which on PyTorch's own layout was seen to be faster."""


def by_width(width: int) -> torch.memory_format:
    """The faster layout on a CPU for a network of 3x3 convolutions with so many channels at its first level."""
    return torch.contiguous_format if width >= WIDE else torch.channels_last


def layout_of(images: Tensor) -> torch.memory_format:
    """The layout of images (N, C, H, W), to which what does not keep it is laid out again."""
    last = images.is_contiguous(memory_format=torch.channels_last) and not images.is_contiguous()
    return torch.channels_last if last else torch.contiguous_format


def fastest_layout(network: nn.Module, device: torch.device) -> torch.memory_format:
    """The layout for a network's weights and images when it is trained.

    Parameters
    ----------
    network : nn.Module
        Says as its attribute ``memory_format`` which one it is fastest in on a CPU; channels-last if it says nothing.
    device : torch.device
        Channels-last on all but CPUs.
    """
    said = getattr(network, "memory_format", torch.channels_last)
    return said if device.type == "cpu" else torch.channels_last
