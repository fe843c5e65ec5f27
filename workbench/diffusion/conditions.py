"""What the diffusion network is shown: the two conditions and the operations that hide which is which."""

from __future__ import annotations

import torch
from torch import Tensor


def shuffle_channels(source: Tensor, target: Tensor, swap: Tensor) -> Tensor:
    """Concatenate two conditions, in swapped order where asked: the channel-shuffling layer (Sec. 3.2).

    Parameters
    ----------
    source, target : Tensor, shape (N, C, H, W)
        Restored synthetic and restored real images.
    swap : Tensor of bool, shape (N,)
        Per sample, whether the target's image comes first.

    Returns
    -------
    Tensor, shape (N, 2 C, H, W)

    Examples
    --------
    >>> source, target = torch.zeros(2, 1, 1, 1), torch.ones(2, 1, 1, 1)
    >>> shuffle_channels(source, target, torch.tensor([False, True])).flatten(1).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    swap = swap[:, None, None, None]
    return torch.cat([torch.where(swap, target, source), torch.where(swap, source, target)], dim=1)


def swap_residuals(
    degraded_source: Tensor, restored_source: Tensor, degraded_target: Tensor, restored_target: Tensor
) -> tuple[Tensor, Tensor]:
    """Give each degraded image the other domain's residual: the negative pair of the paper's Eq. 2.

    With the residual maps ``R = restored - degraded``, returns ``degraded_source + R_target`` and
    ``degraded_target + R_source``. All tensors have shape (N, C, H, W).

    Examples
    --------
    A quarter was taken out of the source image, a half out of the target image:

    >>> of = lambda value: torch.full((1, 1, 1, 1), value)
    >>> [float(each) for each in swap_residuals(of(1.0), of(0.75), of(1.0), of(0.5))]
    [0.5, 0.75]
    """
    source = degraded_source + (restored_target - degraded_target)
    target = degraded_target + (restored_source - degraded_source)
    return source, target
