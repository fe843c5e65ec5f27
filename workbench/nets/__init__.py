"""Networks by name, and their weights on disk."""

from workbench.nets.registry import NETWORKS, build
from workbench.nets.weights import load_restorer, save_restorer

__all__ = ["NETWORKS", "build", "load_restorer", "save_restorer"]
