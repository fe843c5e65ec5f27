"""Methods of other packages, found through the entry-point group ``workbench.methods`` (docs/adding-a-method.md)."""

from __future__ import annotations

import sys
from collections.abc import Container
from importlib.metadata import EntryPoint, entry_points

from workbench.methods.base import Method

GROUP = "workbench.methods"


def installed_methods(taken: Container[str]) -> dict[str, type[Method]]:
    """The methods that installed packages offer, by name.

    One that cannot be loaded, is no `Method` or has a name that is taken is left out, with a line on stderr.

    Parameters
    ----------
    taken : container of str
        Names that are no longer free.
    """
    found: dict[str, type[Method]] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        problem = None
        if entry.name in taken or entry.name in found:
            problem = "its name is taken"
        else:
            try:
                method = entry.load()
            except Exception as error:  # whatever another package's import raises must not stop the other methods
                problem = f"{type(error).__name__}: {error}"
            else:
                if isinstance(method, type) and issubclass(method, Method):
                    found[entry.name] = method
                else:
                    problem = f"{entry.value} is no subclass of workbench.methods.Method"
        if problem is not None:
            print(f"workbench: {_described(entry)} is left out ({' '.join(problem.split())})", file=sys.stderr)
    return found


def _described(entry: EntryPoint) -> str:
    package = f" of package {entry.dist.name}" if entry.dist is not None else ""
    return f"method {entry.name!r}{package}"
