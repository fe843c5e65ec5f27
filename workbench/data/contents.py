"""What the folders of a recipe hold, in short: to tell a run's data from others that lie in the same place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from workbench.data.domains import EMBEDDED, SYNTHETIC
from workbench.data.embedded import EFFECTS
from workbench.data.root import located, meant
from workbench.images import list_images


def contents(places: Iterable[str]) -> dict[str, str]:
    """A digest of the pictures in each place that is a folder: of their names and sizes in bytes.

    The files are not read: a picture that was changed and kept its name and every byte of its size is not seen.

    Parameters
    ----------
    places : iterable of str
        As of `workbench.data.domains.places`.

    Returns
    -------
    dict of str to str
        Sixteen hexadecimal digits by place; without embedded data, and without folders that are not there.
    """
    found = {}
    for place in places:
        if place in (EMBEDDED, SYNTHETIC, *EFFECTS) or not (folder := located(place)).is_dir():
            continue
        files = [path for path in list_images(folder) if path.exists()]  # no broken links
        held = [(path.relative_to(folder).as_posix(), path.stat().st_size) for path in files]
        found[place] = hashlib.sha256(repr(held).encode()).hexdigest()[:16]
    return found


def changed_place(before: dict[str, str], places: Iterable[str]) -> str | None:
    """The first of the places that holds other pictures than ``before``, which `contents` has returned earlier."""
    held = {meant(place): found for place, found in before.items()}
    now = contents(place for place in places if meant(place) in held)
    return next((place for place, found in now.items() if found != held[meant(place)]), None)
