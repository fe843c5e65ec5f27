"""The restorer that does nothing, for trainings that have none."""

from __future__ import annotations

from torch import Tensor, nn


class Identity(nn.Module):
    """Returns the degraded image; has no parameters."""

    multiple = 1
    halo = 0

    def forward(self, degraded: Tensor, window=None) -> Tensor:
        """``degraded``, shape (N, 3, H, W); ``window`` tells nothing that matters here."""
        return degraded
