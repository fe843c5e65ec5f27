"""The training methods, one file each; those of other installed packages are found (docs/adding-a-method.md)."""

from workbench.errors import WorkbenchError
from workbench.methods.ap_bsn import ApBsn
from workbench.methods.base import Method
from workbench.methods.c2n import C2N
from workbench.methods.condition_quality import ConditionQuality
from workbench.methods.cycada import CyCADA
from workbench.methods.dann import DomainAdversarial
from workbench.methods.de_irsde import DeIrSde
from workbench.methods.direct import Direct
from workbench.methods.drdd import Drdd
from workbench.methods.dsn import DomainSeparation
from workbench.methods.entangled import Entangled
from workbench.methods.ir_sde import IrSde
from workbench.methods.masked import Masked
from workbench.methods.neighbor2neighbor import Neighbor2Neighbor
from workbench.methods.nlcl import Nlcl
from workbench.methods.noise_space import NoiseSpaceAdaptation
from workbench.methods.oracle import Oracle
from workbench.methods.pixelda import PixelDA
from workbench.methods.plugins import installed_methods
from workbench.methods.rddm import Rddm
from workbench.methods.self_collaboration import SelfCollaboration
from workbench.methods.selfdeblur import SelfDeblur
from workbench.methods.vanilla import Vanilla
from workbench.methods.vdip import Vdip
from workbench.recipes import Recipe

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
    "self-collaboration": SelfCollaboration,
    "nlcl": Nlcl,
    "selfdeblur": SelfDeblur,
    "vdip": Vdip,
    "drdd": Drdd,
    "entangled": Entangled,
    "rddm": Rddm,
    "ir-sde": IrSde,
    "de-irsde": DeIrSde,
    "direct": Direct,
}
METHODS |= installed_methods(METHODS)


def resolve(recipe: Recipe) -> Recipe:
    """The recipe with the settings of its method, and of no other, written out.

    Raises
    ------
    WorkbenchError
        When a method that the recipe names is unknown, or a setting of any of them is unknown or wrong.
    """
    for name in (recipe.method, *recipe.options):
        if name not in METHODS:
            raise WorkbenchError(f"{recipe.name}: no method is called {name!r}; choose one of {', '.join(METHODS)}")
    for name in recipe.options:  # a mistyped setting of another method is as wrong as one of its own
        METHODS[name].options_of(recipe.model_copy(update={"method": name}))
    return METHODS[recipe.method].resolve(recipe)


def misfit(recipe: Recipe) -> str | None:
    """Why the method of a recipe is not for its task, in one line; None if it is."""
    tasks = METHODS[recipe.method].tasks
    if recipe.task in tasks:
        return None
    return f"method {recipe.method} is for {', '.join(sorted(tasks))}, not for {recipe.task}"


def title_of(method: str) -> str:
    """What tables, pictures and the app call the restorers of a method, which need not be installed here."""
    return (METHODS[method].title if method in METHODS else "") or method


__all__ = ["METHODS", "ConditionQuality", "Method", "NoiseSpaceAdaptation", "Oracle", "Vanilla", "misfit", "resolve",
           "title_of"]  # fmt: skip
