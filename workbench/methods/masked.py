"""Masked image training, MaskedD (Chen et al., CVPR 2023): restore from what is left of the image.

From the paper: 80 to 90 % of the pixels of the degraded image are masked in training, all three colours together, and
the restorer learns the whole clean image by the L1 loss, so that it must know what images look like instead of what the
training noise looks like. In the attention of a transformer 75 % of the tokens are masked too, in training and after it
(`workbench.nets.masked_swinir.MaskedSwinIR`). Masked pixels have the value -0.1, as in the authors' code.

Decided to bring it into this trainer
-------------------------------------
* Any restorer can be trained so; the paper's network is ``restorer={name: swinir-masked}``. One without attention has
  the input mask alone, and with the paper's shares would see whole images for the first time when it is used: in a
  pocket U-Net that ended in pictures of the wrong brightness. So the recipes of the scales pocket and bench mask
  between nothing and a quarter of the pixels, which was better than up to a half or nine tenths
  (`benchmarks/results/rivals-mended.csv`, `rivals-settings.csv`), and leave half of the samples whole (``unmasked``):
  otherwise the network meets a whole image, the only kind that it has to restore, at the end of its range alone, and
  shifts its contrast.
* A network is told its mask by the value of masked pixels alone. A further input of its own would make it another
  network than that of the other rows.
* The degradation is the recipe's (the paper has AWGN of sigma 15 alone), and the training starts from the recipe's warm
  start like that of any other method; ``warm_start=null`` is the paper's training from scratch.

Never looks at the target domain.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from workbench.methods.base import Batch, Method
from workbench.methods.random_numbers import RandomNumbers
from workbench.recipes.schema import Section
from workbench.restorers import kind_of

MASKED = -0.1
"""The value of masked pixels: none that an image has."""


def mask_pixels(images: Tensor, shares: tuple[float, float], rng: RandomNumbers, unmasked: float = 0.0) -> Tensor:
    """Images (N, 3, H, W) with a share of their pixels masked, uniform in ``shares`` and drawn for each image.

    ``unmasked`` is how probable it is that an image is left whole.
    """
    low, high = shares
    share = low + (high - low) * rng.uniform(1, 1, 1)
    hidden = rng.uniform(1, *images.shape[-2:]) < share
    return images.masked_fill(hidden & (rng.uniform(1, 1, 1) >= unmasked), MASKED)


class Masked(Method):
    """Trains on synthetic pairs whose degraded images are mostly masked."""

    parts: ClassVar[frozenset[str]] = frozenset({"source", "seed"})
    restores_pairs: ClassVar[bool] = False
    tasks: ClassVar[frozenset[str]] = frozenset({"denoising"})

    class Options(Section):
        """Settings of the paper; the attention mask is the network's."""

        input_mask: tuple[float, float] = Field((0.8, 0.9), description="range of the share of masked pixels")
        unmasked: float = Field(0.0, ge=0, lt=1, description="share of the samples that are left whole")

        @model_validator(mode="after")
        def _consistent(self):
            if not 0 <= self.input_mask[0] <= self.input_mask[1] < 1:
                raise ValueError("input_mask must be two rising shares below 1, such as [0.8, 0.9]")
            return self

    by_scale: ClassVar[dict[str, dict]] = {
        "pocket": {"input_mask": (0.0, 0.25), "unmasked": 0.5},
        "bench": {"input_mask": (0.0, 0.25), "unmasked": 0.5},
    }

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The L1 distance of the clean images from what is restored from masked ones."""
        rng, options = RandomNumbers(batch["seed"]), self.options
        masked = mask_pixels(batch["degraded"], options.input_mask, rng, options.unmasked)
        masks = {"seed": int(batch["seed"][0])} if kind_of(self.restorer) == "masked" else {}
        restored = self.restorer(masked, **masks)
        return {"loss": F.l1_loss(restored, batch["clean"])}
