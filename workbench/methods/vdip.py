"""VDIP (Huo et al., AAAI 2023): SelfDeblur with a distribution for every pixel and a sparse prior of the gradients.

The procedure, and what was decided to bring it here, is `workbench.nets.blind_deconvolution.Vdip`. Of the paper's
priors this is the sparse one. All else is as in `workbench.methods.selfdeblur`, cost and limits too, with a tenth more
steps.
"""

from __future__ import annotations

from typing import ClassVar

from workbench.methods.selfdeblur import SelfDeblur
from workbench.recipes.schema import Network, Section


class Vdip(SelfDeblur):
    """Writes the per-image restorer out."""

    class Options(Section):
        """The network's settings are those of the paper."""

        network: Network = Network(name="vdip")

    by_scale: ClassVar[dict[str, dict]] = {
        "pocket": {"network": {"name": "vdip-pocket"}},
        "bench": {"network": {"name": "vdip", "steps": 1000, "width": 64, "kernel_learning_rate": 5e-4}},
    }
