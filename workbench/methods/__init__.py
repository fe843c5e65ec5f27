"""The training methods, one file each; those of other installed packages are found (docs/adding-a-method.md)."""

from workbench.methods.ap_bsn import ApBsn
from workbench.methods.base import Method
from workbench.methods.c2n import C2N
from workbench.methods.condition_quality import ConditionQuality
from workbench.methods.cycada import CyCADA
from workbench.methods.dann import DomainAdversarial
from workbench.methods.dsn import DomainSeparation
from workbench.methods.masked import Masked
from workbench.methods.neighbor2neighbor import Neighbor2Neighbor
from workbench.methods.nlcl import Nlcl
from workbench.methods.noise_space import NoiseSpaceAdaptation
from workbench.methods.oracle import Oracle
from workbench.methods.pixelda import PixelDA
from workbench.methods.plugins import installed_methods
from workbench.methods.selfdeblur import SelfDeblur
from workbench.methods.vanilla import Vanilla
from workbench.methods.vdip import Vdip

METHODS: dict[str, type[Method]] = {
    "vanilla": Vanilla,
    "oracle": Oracle,
    "noise-space": NoiseSpaceAdaptation,
    "condition-quality": ConditionQuality,
    "dann": DomainAdversarial,
    "dsn": DomainSeparation,
    "pixelda": PixelDA,
    "cycada": CyCADA,
    "neighbor2neighbor": Neighbor2Neighbor,
    "ap-bsn": ApBsn,
    "c2n": C2N,
    "masked": Masked,
    "nlcl": Nlcl,
    "selfdeblur": SelfDeblur,
    "vdip": Vdip,
}
METHODS |= installed_methods(METHODS)

__all__ = ["METHODS", "ConditionQuality", "Method", "NoiseSpaceAdaptation", "Oracle", "Vanilla"]
