"""The restorer that most methods train: one pass of one network."""

from __future__ import annotations

from torch import Tensor

from workbench.restorers.passes import Passes
from workbench.restorers.procedure import Procedure


class OnePass(Procedure):
    """Restores by one pass of ``restorer``; has no options."""

    def restore(self, degraded: Tensor, passes: Passes) -> Tensor:
        """What the network makes of the picture."""
        return passes("restorer", degraded)
