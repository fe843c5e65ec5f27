"""What other installed packages bring, found through entry points; what cannot be used is left out with a line."""

from __future__ import annotations

import sys
from collections.abc import Container
from importlib.metadata import entry_points


def installed(group: str, base: type, called: str, taken: Container[str]) -> dict[str, type]:
    """The classes that installed packages offer in a group, by name.

    What cannot be loaded, is no subclass of ``base`` or has a name that is taken is left out, with a line on stderr.

    Parameters
    ----------
    group : str
        The entry points' group, such as ``workbench.methods``.
    base : type
        What every offer must be a subclass of.
    called : str
        The base as its users import it, such as ``workbench.methods.Method``.
    taken : container of str
        Names that are no longer free.
    """
    found: dict[str, type] = {}
    for entry in sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value)):
        problem = None
        if entry.name in taken or entry.name in found:
            problem = "its name is taken"
        else:
            try:
                offer = entry.load()
            except Exception as error:  # whatever another package's import raises must not stop the others
                problem = f"{type(error).__name__}: {error}"
            else:
                if isinstance(offer, type) and issubclass(offer, base):
                    found[entry.name] = offer
                else:
                    problem = f"{entry.value} is no subclass of {called}"
        if problem is not None:
            package = f" of package {entry.dist.name}" if entry.dist is not None else ""
            noun = group.rpartition(".")[2].removesuffix("s")
            print(
                f"workbench: {noun} {entry.name!r}{package} is left out ({' '.join(problem.split())})", file=sys.stderr
            )
    return found
