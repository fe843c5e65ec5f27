"""Random numbers of a method's own, as a function of the sample: masks, noises, places.

A batch brings one seed a sample (part ``draws`` of `workbench.data.streams.PatchStream`). What is drawn from it does
not change with the number of processes, and an interrupted run draws the same when it is continued.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Draws:
    """Draws for each sample of a batch, on the batch's device.

    Two calls in a row draw different numbers; the same calls on the same seeds draw the same.

    Parameters
    ----------
    seeds : Tensor, shape (N,), int64
    """

    def __init__(self, seeds: Tensor):
        self.device = seeds.device
        self._generators = [torch.Generator(seeds.device).manual_seed(seed) for seed in seeds.tolist()]

    def uniform(self, *shape: int) -> Tensor:
        """Uniform in [0, 1), of shape (N, \\*shape)."""
        return torch.stack([torch.rand(shape, generator=each, device=self.device) for each in self._generators])

    def normal(self, *shape: int) -> Tensor:
        """Standard normal, of shape (N, \\*shape)."""
        return torch.stack([torch.randn(shape, generator=each, device=self.device) for each in self._generators])

    def integers(self, below: int, *shape: int) -> Tensor:
        """Uniform in 0 .. ``below`` - 1, of shape (N, \\*shape), int64."""
        drawn = [torch.randint(below, shape, generator=each, device=self.device) for each in self._generators]
        return torch.stack(drawn)
