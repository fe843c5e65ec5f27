"""The licences of all packages that are installed for this one, as they say it themselves."""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from workbench.tabular import as_text

PROJECT = "noise-da-workbench"


def licences(extra: str = "") -> list[tuple[str, str, str]]:
    """Name, version and licence of each dependency, theirs included, sorted by name.

    Parameters
    ----------
    extra : str
        Of this project's optional dependencies, such as ``dev``.
    """
    found: dict[str, Distribution] = {}
    waiting = [Requirement(f"{PROJECT}[{extra}]" if extra else PROJECT)]
    seen = set()
    while waiting:
        wanted = waiting.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:  # not for this system
            continue
        for text in found[name].requires or ():
            needed = Requirement(text)
            if needed.marker is None or any(needed.marker.evaluate({"extra": each}) for each in ("", *extras)):
                waiting.append(needed)
    found.pop(PROJECT, None)
    return [(name, each.version, _licence(each)) for name, each in sorted(found.items())]


def _licence(package: Distribution) -> str:
    about = package.metadata
    if expression := about.get("License-Expression"):
        return expression
    trove = [text.rpartition(" :: ")[2] for text in about.get_all("Classifier") or () if text.startswith("License ::")]
    told = (about.get("License") or "").strip().splitlines()
    return ", ".join(trove) or (told[0] if told else "not told")


def format_licences(rows: list[tuple[str, str, str]]) -> str:
    """The list as a table to print."""
    return as_text([("package", "version", "licence"), *rows], right=())


if __name__ == "__main__":
    print(format_licences(licences("dev")))
