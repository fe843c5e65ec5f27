"""SwinIR with masked attention, for masked image training."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from workbench.nets.library import SwinIR
from workbench.nets.unet import Window


class MaskedSwinIR(SwinIR):
    """SwinIR whose attention sees a random part of its tokens (Chen et al., CVPR 2023), in training and after it.

    Each layer's tokens are set to zero with probability ``attention_mask`` before queries, keys and values are
    computed; the skip around the attention is left whole. Masks come from a seed, so a result is reproducible; but a
    tile's masks are not those of the whole image.

    Parameters
    ----------
    attention_mask : float
        Share of tokens that are masked; the paper's is 0.75.
    **settings
        Those of `workbench.nets.library.SwinIR`.
    """

    kind: ClassVar[str] = "masked"

    def __init__(self, attention_mask: float = 0.75, **settings):
        super().__init__(**settings)
        if not 0 <= attention_mask < 1:
            raise ValueError("attention_mask is a share in 0..1")
        from deepinv.models.swinir import WindowAttention

        self.attention_mask = attention_mask
        self._generator: torch.Generator | None = None  # exists while an image is restored
        for module in self.network.modules():
            if isinstance(module, WindowAttention):
                module.register_forward_pre_hook(self._mask)

    def _mask(self, _attention: nn.Module, inputs: tuple) -> tuple:
        tokens, *others = inputs
        drawn = torch.rand(tokens.shape[:2], generator=self._generator, device=tokens.device)
        return tokens * (drawn >= self.attention_mask)[..., None], *others

    def forward(self, degraded: Tensor, window: Window | None = None, seed: int = 0) -> Tensor:
        """Restored images, as of `workbench.nets.library.LibraryRestorer.forward`; ``seed`` is that of the masks."""
        self._generator = torch.Generator(degraded.device).manual_seed(seed)
        try:
            return super().forward(degraded, window)
        finally:
            self._generator = None
