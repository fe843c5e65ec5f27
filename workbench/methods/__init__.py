"""The training methods, one file each."""

from workbench.methods.base import Method
from workbench.methods.condition_quality import ConditionQuality
from workbench.methods.noise_space import NoiseSpaceAdaptation
from workbench.methods.oracle import Oracle
from workbench.methods.vanilla import Vanilla

METHODS: dict[str, type[Method]] = {
    "vanilla": Vanilla,
    "oracle": Oracle,
    "noise-space": NoiseSpaceAdaptation,
    "condition-quality": ConditionQuality,
}

__all__ = ["METHODS", "ConditionQuality", "Method", "NoiseSpaceAdaptation", "Oracle", "Vanilla"]
