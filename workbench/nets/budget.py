"""Files from anywhere may ask for networks of any size: a budget for building them."""

from __future__ import annotations

import torch
from torch.overrides import TorchFunctionMode


class Budget(TorchFunctionMode):
    """Ends the building of networks that are far larger than their weights, before anything is written into them.

    Parameters
    ----------
    held : int
        Numbers that the weights are; networks may have four times as many, and four million.
    """

    FACTORIES = frozenset({torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.arange})

    def __init__(self, held: int):
        super().__init__()
        self.left = 4 * held + 4_000_000

    def __torch_function__(self, function, types, arguments=(), keywords=None):
        result = function(*arguments, **(keywords or {}))
        if function in self.FACTORIES:
            self.left -= result.numel()
            if self.left < 0:
                raise MemoryError("it needs far more weights than the file holds")
        return result
