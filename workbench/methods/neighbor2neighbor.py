"""Neighbor2Neighbor (Huang et al., CVPR 2021): denoising learned from noisy images alone.

From the paper: two half-size images are cut out of one noisy image, each pixel of theirs one of two neighbours in a
cell of 2x2; the restorer learns to predict one from the other (Eq. 7), regularised by what it makes of the whole image
(Eq. 8), whose weight rises linearly from zero to ``gamma`` over training, as in the authors' code. The loss is that of
deepinv.

Decided to bring it into this trainer
-------------------------------------
* It looks at target images only. The recipe's warm start is the one thing that knows the source domain: it is shared by
  all methods of a comparison. ``warm_start=null`` trains without any clean image.
* Which neighbours are taken is drawn with the sample, not from torch's global state as in deepinv.
* The loss's metric stays the paper's mean squared error, although the other methods use Charbonnier.

The paper assumes noise that is independent between pixels. Noise that is correlated between neighbours, as a camera's
demosaicing leaves it, is in part predictable and stays in the result.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from workbench.errors import WorkbenchError
from workbench.methods.base import Batch, Method
from workbench.methods.random_numbers import RandomNumbers
from workbench.recipes import Recipe
from workbench.recipes.schema import Section

# Ordered pairs of neighbours in a cell of 2x2, whose pixels are counted row by row.
_PAIRS = ((0, 1), (0, 2), (1, 3), (2, 3), (1, 0), (2, 0), (3, 1), (3, 2))


def _masks(rng: RandomNumbers, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Which pixels the two half-size images take: bool, flat over samples, cells and the four pixels of a cell."""
    choice = rng.integers(len(_PAIRS), height // 2, width // 2)
    pairs = choice.new_tensor(_PAIRS)[choice]
    first, second = (pairs[..., which, None] == pairs.new_tensor(range(4)) for which in (0, 1))
    return first.flatten(), second.flatten()


class Neighbor2Neighbor(Method):
    """Trains on target images against themselves; needs no source images."""

    parts: ClassVar[frozenset[str]] = frozenset({"target", "seed"})
    restores_pairs: ClassVar[bool] = False
    tasks: ClassVar[frozenset[str]] = frozenset({"denoising"})

    class Options(Section):
        """Settings of the paper."""

        gamma: float = Field(2.0, ge=0, description="weight of the regularisation at the end of training")

    def __init__(self, recipe: Recipe):
        super().__init__(recipe)
        if recipe.training.patch_size % 2:
            raise WorkbenchError("training.patch_size must be even: neighbor2neighbor cuts patches into cells of 2x2")
        from deepinv.loss import Neighbor2Neighbor as Loss  # slow to import

        class DrawnLoss(Loss):
            """The masks of `deepinv.loss.Neighbor2Neighbor`, drawn before."""

            masks: tuple[Tensor, Tensor]

            def generate_mask_pair(self, _image: Tensor) -> tuple[Tensor, Tensor]:
                return self.masks

        self._loss = DrawnLoss()

    def weight(self, step: int) -> float:
        """Weight of the regularisation at a step."""
        return self.options.gamma * step / self.total_steps

    def dials(self, step: int) -> dict[str, float]:
        """The weight of the regularisation."""
        return {"regularisation_weight": self.weight(step)}

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The loss of Eq. 8."""
        noisy = batch["target"]
        self._loss.gamma = self.weight(step)
        self._loss.masks = _masks(RandomNumbers(batch["seed"]), *noisy.shape[-2:])
        return {"loss": self._loss(noisy, None, lambda image, _physics: self.restorer(image))}
