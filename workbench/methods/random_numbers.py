"""Random numbers of a method's own, as a function of the sample: masks, noises, places.

They come with the batch, as a part of each sample (`workbench.data.streams.PatchStream`): drawn ready to use
(`RandomPart`, such as `DIFFUSION`), or as a seed (part ``seed``) from which `RandomNumbers` draws. Neither changes with
the number of processes, and an interrupted run draws the same when it is continued.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from workbench.data.streams import RandomPart


def _of_the_diffusion_loss(rng: np.random.Generator, patch_size: int) -> dict[str, Tensor]:
    noise = rng.standard_normal((3, patch_size, patch_size), dtype=np.float32)
    level, swap_positive, swap_negative = rng.random(3)
    return {
        "noise": torch.from_numpy(noise),
        # float64: a level that rounds up to 1 in float32 would be no step at all
        "level": torch.tensor(level, dtype=torch.float64),
        "swap_positive": torch.tensor(swap_positive < 0.5),
        "swap_negative": torch.tensor(swap_negative < 0.5),
    }


DIFFUSION = RandomPart("diffusion", _of_the_diffusion_loss, number=2)
"""For a diffusion loss: ``noise`` (standard normal, of a patch's shape), ``level`` (uniform in [0, 1)) and the two coin
flips ``swap_positive`` and ``swap_negative``."""


class RandomNumbers:
    """Random numbers for each sample of a batch, on the batch's device.

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
