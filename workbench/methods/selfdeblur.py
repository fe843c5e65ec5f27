"""SelfDeblur (Ren et al., CVPR 2020): every image deblurred by itself, by two generators, of image and kernel.

The procedure, and what was decided to bring it here, is `workbench.nets.blind_deconvolution.SelfDeblur`. Nothing is
learnt over images: the run takes no step, needs neither source nor target images, and writes the start of the
optimisation as its restorer, so that evaluating, comparing and restoring work as for any method. It validates nothing,
since one validation would take as long as the evaluation after it.

At paper scale an image takes the paper's 5000 steps with its generator of 128 channels. The pocket and bench settings,
with fewer steps, narrower generators and a faster kernel generator, have not been tuned. A few hundred steps bring back
the edges of a drawn picture under a known blur (the tests do that), but not the detail of a photograph: the generator
has not caught up with the blurred picture by then, and the result can be worse than it. Blur that changes over the
image, as a shaking or rolling camera leaves it, is not what this model can say.
"""

from __future__ import annotations

from typing import ClassVar

from workbench.methods.base import Method
from workbench.recipes.schema import Network, Section


class SelfDeblur(Method):
    """Writes the per-image restorer out."""

    parts: ClassVar[frozenset[str]] = frozenset()
    restores_pairs: ClassVar[bool] = False
    tasks: ClassVar[frozenset[str]] = frozenset({"deblurring"})
    trains: ClassVar[bool] = False
    brings_network: ClassVar[bool] = True
    network_kind: ClassVar[str] = "per-image"

    class Options(Section):
        """The network's settings are those of the paper."""

        network: Network = Network(name="selfdeblur")

    by_scale: ClassVar[dict[str, dict]] = {
        "pocket": {"network": {"name": "selfdeblur-pocket"}},
        "bench": {"network": {"name": "selfdeblur", "steps": 1000, "width": 64, "kernel_learning_rate": 5e-4}},
    }
