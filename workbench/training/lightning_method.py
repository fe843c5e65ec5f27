"""A method as Lightning trains it. Methods themselves know nothing of Lightning, whose import takes seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping

from lightning.pytorch import LightningModule
from torch import Tensor

from workbench.methods import Method
from workbench.methods.base import TRAIN_AGAIN, Batch, Diverged


class LightningMethod(LightningModule):
    """Takes a method through Lightning's loop; checkpoints hold the weights by the names that the method gives them.

    Parameters
    ----------
    method : Method
    """

    def __init__(self, method: Method):
        super().__init__()
        self.method = method

    def training_step(self, batch: Batch, _index: int) -> dict[str, Tensor]:
        """The losses of one step."""
        return self.method.losses(self.method.laid_out(batch), self.global_step)

    def on_before_backward(self, loss: Tensor) -> None:
        """Stop, on all devices together, before a loss that is not finite can spoil the weights.

        Raises
        ------
        Diverged
        """
        finite = math.isfinite(loss.item())
        if not self.trainer.strategy.reduce_boolean_decision(finite, all=True):
            raise Diverged(f"the loss is {loss.item()} at step {self.global_step}; {TRAIN_AGAIN}")

    def optimizer_step(self, *args, **kwargs) -> None:
        """Update the weights and, right after, what follows them: callbacks and checkpoints must see both."""
        step = self.global_step
        super().optimizer_step(*args, **kwargs)
        self.method.after_update(step)

    def configure_optimizers(self) -> dict | None:
        """Those of the method."""
        return self.method.configure_optimizers()

    def state_dict(self, *args, **kwargs) -> dict[str, Tensor]:
        """The method's, without a prefix."""
        return self.method.state_dict(*args, **kwargs)

    def load_state_dict(self, state_dict: Mapping[str, Tensor], *args, **kwargs):
        """Load the method's."""
        return self.method.load_state_dict(state_dict, *args, **kwargs)
