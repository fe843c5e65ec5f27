"""Methods of other packages, found through the entry-point group ``workbench.methods`` (docs/adding-a-method.md)."""

from __future__ import annotations

from collections.abc import Container

from workbench.methods.base import Method
from workbench.methods.names import GROUP
from workbench.plugins import installed


def installed_methods(taken: Container[str]) -> dict[str, type[Method]]:
    """The methods that installed packages offer, by name, as of `workbench.plugins.installed`."""
    return installed(GROUP, Method, "workbench.methods.Method", taken)
