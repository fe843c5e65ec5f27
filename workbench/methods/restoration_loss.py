"""The restoration loss that a recipe chooses (``training.loss``, ``training.perceptual``), shared by the methods."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from workbench.errors import WorkbenchError
from workbench.evaluation.lpips import Lpips
from workbench.objectives import charbonnier
from workbench.recipes.schema import Training

LOSSES = {"charbonnier": charbonnier, "l1": F.l1_loss, "l2": F.mse_loss}


class RestorationLoss:
    """Distance of restored from clean images.

    No module: the network of the perceptual part is not the method's to train, to average or to keep in checkpoints.

    Parameters
    ----------
    training : Training

    Raises
    ------
    WorkbenchError
        There is a perceptual part, but its weights are not to be had or the patches are too small for it.
    """

    def __init__(self, training: Training):
        self._distance, self._weight, self._lpips = LOSSES[training.loss], training.perceptual, None
        if not self._weight:
            return
        loaded = Lpips.load()
        if not isinstance(loaded, Lpips):
            raise WorkbenchError(f"training.perceptual: {loaded.reason}")
        if training.patch_size < loaded.min_side:
            raise WorkbenchError(f"training.perceptual needs a training.patch_size of at least {loaded.min_side}")
        self._lpips = loaded.network

    def __call__(self, restored: Tensor, clean: Tensor) -> Tensor:
        """A scalar; images (N, 3, H, W), nominally in [0, 1]."""
        distance = self._distance(restored, clean)
        if self._lpips is None:
            return distance
        perceptual = self._lpips.to(restored.device)(restored, clean, normalize=True).mean()
        return distance + self._weight * perceptual
