"""AP-BSN (Lee et al., CVPR 2022): a blind-spot network trained on noisy images alone.

From the paper: the network (`workbench.nets.blind_spot.BlindSpot`), pixel-shuffle downsampling by 5 in training and by
2 at test time, the L1 loss between the restored and the noisy image (Eq. 7), and the random-replacing refinement.

Decided to bring it into this trainer
-------------------------------------
* The method is the network: the recipe's restorer and warm start give way to ``options.ap-bsn.network``
  (`workbench.methods.own_network`). A comparison with it is one of methods and networks at once; pocket and bench
  recipes have narrower ones: a training step costs about as much as of their U-Nets, restoring, with the nine passes of
  the refinement, some seven times as much.
* At the scales pocket and bench the network's output is added to the mean of the pixels around each pixel, itself left
  out (``mean_skip``): trained shortly, the paper's network shifts colours by some grey levels. At paper scale it is the
  paper's.
* Patches are the recipe's (the paper's are 120 pixels wide); those whose side is no multiple of 5 are continued by
  replication, and the loss does not see what was added.

Needs no source images. The narrower networks have not been tuned.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from workbench.methods.base import Batch, Method
from workbench.recipes.schema import Network, Section


class ApBsn(Method):
    """Trains a blind-spot network to predict target images from themselves."""

    parts: ClassVar[frozenset[str]] = frozenset({"target"})
    restores_pairs: ClassVar[bool] = False
    tasks: ClassVar[frozenset[str]] = frozenset({"denoising"})
    brings_network: ClassVar[bool] = True
    network_kind: ClassVar[str] = "blind-spot"

    class Options(Section):
        """Settings of the paper; strides and refinement are the network's."""

        network: Network = Network(name="ap-bsn")

    by_scale: ClassVar[dict[str, dict]] = {
        "pocket": {"network": {"name": "ap-bsn-pocket", "mean_skip": 1}},
        "bench": {"network": {"name": "ap-bsn", "width": 64, "modules": 6, "init": "kaiming", "mean_skip": 1}},
    }

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The L1 distance of the noisy images from what is predicted from their surroundings."""
        restored = self.restorer.downsampled(batch["target"], self.restorer.train_stride)
        return {"loss": F.l1_loss(restored, batch["target"])}
