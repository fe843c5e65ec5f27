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

* The paper assumes noise that is independent between pixels. Noise that is correlated between neighbours, as a camera's
  demosaicing leaves it, is in part predictable and stays in the result. So with a ``stride`` above 1 the network sees
  every ``stride``-th pixel as a picture of its own, in training and when it restores: the pixel-shuffle downsampling
  that Zhou et al. (AAAI 2020) break the correlation up with, and AP-BSN after them. At the scales pocket and bench it
  is 2, at paper scale 1, the paper's.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from workbench.errors import WorkbenchError
from workbench.methods.base import Batch, Method
from workbench.methods.random_numbers import RandomNumbers
from workbench.nets.blind_spot import shuffle_down
from workbench.recipes import Recipe
from workbench.recipes.schema import Section
from workbench.restorers import Restorer

# Ordered pairs of neighbours in a cell of 2x2, whose pixels are counted row by row.
_PAIRS = ((0, 1), (0, 2), (1, 3), (2, 3), (1, 0), (2, 0), (3, 1), (3, 2))


def _masks(rng: RandomNumbers, parts: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Which pixels the two half-size images take: bool, flat over samples, parts, cells and the pixels of a cell.

    ``parts`` images of ``height`` and ``width`` a sample.
    """
    choice = rng.integers(len(_PAIRS), parts, height // 2, width // 2)
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
        stride: int = Field(1, ge=1, le=8, description="factor of the downsampling, against correlated noise; 1: none")

    by_scale: ClassVar[dict[str, dict]] = {"pocket": {"stride": 2}, "bench": {"stride": 2}}

    def __init__(self, recipe: Recipe):
        super().__init__(recipe)
        if recipe.training.patch_size % (cell := 2 * self.options.stride):
            raise WorkbenchError(
                f"training.patch_size must be a multiple of {cell}: neighbor2neighbor cuts patches, of which it takes"
                f" every {self.options.stride}. pixel, into cells of 2x2"
            )
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

    def exported(self) -> Restorer:
        """One pass, or with a stride what AP-BSN does before its refinement: parts are restored and joined again."""
        alone = super().exported()
        if self.options.stride == 1:
            return alone
        options = {"stride": self.options.stride, "refinements": 0}
        return Restorer(alone.networks, "blind-spot", options, described=alone.described)

    def dials(self, step: int) -> dict[str, float]:
        """The weight of the regularisation."""
        return {"regularisation_weight": self.weight(step)}

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The loss of Eq. 8."""
        stride = self.options.stride
        noisy = shuffle_down(batch["target"], stride)
        self._loss.gamma = self.weight(step)
        self._loss.masks = _masks(RandomNumbers(batch["seed"]), stride**2, *noisy.shape[-2:])
        return {"loss": self._loss(noisy, None, lambda image, _physics: self.restorer(image))}
