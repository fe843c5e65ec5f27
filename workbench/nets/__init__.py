"""Networks by name; what restores pictures with them is `workbench.restorers`."""

from workbench.nets.registry import NETWORKS, build

__all__ = ["NETWORKS", "build"]
