"""Files and recipes from anywhere may ask for networks of any size: a budget for building them."""

from __future__ import annotations

import psutil
import torch
from torch.overrides import TorchFunctionMode


class Budget(TorchFunctionMode):
    """Ends the building of networks that are too large, before anything is written into them.

    Parameters
    ----------
    left : int
        How many numbers may be made.
    reason : str
        What is said otherwise.
    """

    FACTORIES = frozenset({torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.arange})

    def __init__(self, left: int, reason: str):
        super().__init__()
        self.left, self.reason = left, reason

    @classmethod
    def of_weights(cls, held: int) -> Budget:
        """For networks whose weights a file holds: four times as many numbers, and four million."""
        return cls(4 * held + 4_000_000, "it needs far more weights than the file holds")

    @classmethod
    def of_machine(cls) -> Budget:
        """For networks of which nothing else is known."""
        # In training each weight comes with its gradient and the two moments of Adam
        return cls(psutil.virtual_memory().total // 16, "it needs more memory than this machine has")

    def __torch_function__(self, function, types, arguments=(), keywords=None):
        result = function(*arguments, **(keywords or {}))
        if function in self.FACTORIES:
            self.left -= result.numel()
            if self.left < 0:
                raise MemoryError(self.reason)
        return result
