"""Networks by name; what restores pictures with them is `workbench.restorers`."""

from workbench.nets.layout import fastest_layout
from workbench.nets.registry import NETWORKS, build

__all__ = ["NETWORKS", "build", "fastest_layout"]
