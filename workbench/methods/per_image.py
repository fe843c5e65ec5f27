"""What methods share that learn nothing over images: each image is restored by an optimisation of its own."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from workbench.errors import WorkbenchError
from workbench.methods.base import Batch
from workbench.methods.own_restorer import OwnRestorer
from workbench.nets.blind_deconvolution import SelfDeblur as PerImageRestorer
from workbench.recipes import Recipe


class PerImage(OwnRestorer):
    """A method whose training is to write its restorer out.

    The restorer is the procedure, and its file holds the start of the optimisation, so evaluating, comparing and
    restoring work as for any method; the run takes no step, looks at no image, and validates nothing, since one
    validation would take as long as the evaluation after it.
    """

    parts: ClassVar[frozenset[str]] = frozenset()
    restores_pairs: ClassVar[bool] = False
    tasks: ClassVar[frozenset[str]] = frozenset({"deblurring"})

    def __init__(self, recipe: Recipe):
        super().__init__(recipe)
        if not isinstance(self.restorer, PerImageRestorer):
            raise WorkbenchError(
                f"options.{recipe.method}.network: {self.recipe.restorer.name} needs training; choose a per-image one"
            )

    @classmethod
    def resolve(cls, recipe: Recipe) -> Recipe:
        """The recipe with the method's settings and network written out; there is no warm start."""
        return super().resolve(recipe.model_copy(update={"warm_start": None}))

    @property
    def total_steps(self) -> int:
        """None: nothing is trained."""
        return 0

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Not called: there is no step."""
        raise WorkbenchError(f"{self.recipe.method} has nothing to train")
