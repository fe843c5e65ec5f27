"""The training methods, one file each; those of other installed packages are found (docs/adding-a-method.md).

The names below are imported when they are first used: what a method is called needs no torch.
"""

from typing import TYPE_CHECKING

from workbench.lazily import lazily
from workbench.methods.names import OWN, TITLES, installed_names

if TYPE_CHECKING:
    from workbench.methods.base import Method
    from workbench.methods.condition_quality import ConditionQuality
    from workbench.methods.noise_space import NoiseSpaceAdaptation
    from workbench.methods.oracle import Oracle
    from workbench.methods.registry import METHODS, misfit, resolve
    from workbench.methods.vanilla import Vanilla

__all__ = ["METHODS", "ConditionQuality", "Method", "NoiseSpaceAdaptation", "Oracle", "Vanilla", "method_names",
           "misfit", "resolve", "title_of"]  # fmt: skip


__getattr__ = lazily(
    __name__,
    {
        "workbench.methods.registry": ("METHODS", "misfit", "resolve"),
        "workbench.methods.base": ("Method",),
        "workbench.methods.condition_quality": ("ConditionQuality",),
        "workbench.methods.noise_space": ("NoiseSpaceAdaptation",),
        "workbench.methods.oracle": ("Oracle",),
        "workbench.methods.vanilla": ("Vanilla",),
    },
)


def method_names() -> list[str]:
    """The methods to choose from; what other packages offer is not loaded yet, and may turn out not to be usable."""
    return [*OWN, *sorted(installed_names())]


def title_of(method: str) -> str:
    """What tables, pictures and the app call the restorers of a method, which need not be installed here."""
    if method in installed_names():
        found = __getattr__("METHODS").get(method)
        return (found.title if found is not None else "") or method
    return TITLES.get(method, method)
