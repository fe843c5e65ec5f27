"""The training methods, one file each."""

from workbench.methods.base import Method
from workbench.methods.noise_space import NoiseSpaceAdaptation
from workbench.methods.oracle import Oracle
from workbench.methods.vanilla import Vanilla

METHODS: dict[str, type[Method]] = {"vanilla": Vanilla, "oracle": Oracle, "noise-space": NoiseSpaceAdaptation}

__all__ = ["METHODS", "Method", "NoiseSpaceAdaptation", "Oracle", "Vanilla"]
