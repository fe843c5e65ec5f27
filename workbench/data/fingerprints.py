"""What the folders of a recipe hold, in short: to tell a run's data from others that lie in the same location."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from workbench.data.domains import EMBEDDED, SYNTHETIC
from workbench.data.embedded import EFFECTS
from workbench.data.root import folder_of, meant, place_of
from workbench.images import list_images


def fingerprints(locations: Iterable[str]) -> dict[str, str]:
    """A digest of the pictures in each location that is a folder: of their names and sizes in bytes.

    The files are not read: a picture that was changed and kept its name and every byte of its size is not seen.

    Parameters
    ----------
    locations : iterable of str
        As of `workbench.data.domains.data_locations`, or test sets as of `workbench.evaluation.sets.open_set`.

    Returns
    -------
    dict of str to str
        Sixteen hexadecimal digits by location; without embedded data, and without folders that are not there.
    """
    found = {}
    for location in locations:
        if location in (EMBEDDED, SYNTHETIC, *EFFECTS) or not (folder := folder_of(place_of(location))).is_dir():
            continue
        files = [path for path in list_images(folder) if path.exists()]  # no broken links
        held = [(path.relative_to(folder).as_posix(), path.stat().st_size) for path in files]
        found[location] = hashlib.sha256(repr(held).encode()).hexdigest()[:16]
    return found


def changed_location(before: dict[str, str], locations: Iterable[str]) -> str | None:
    """The first of the locations that holds other pictures than ``before``, which `fingerprints` once gave."""
    held = {meant(location): found for location, found in before.items()}
    now = fingerprints(location for location in locations if meant(location) in held)
    return next((location for location, found in now.items() if found != held[meant(location)]), None)
