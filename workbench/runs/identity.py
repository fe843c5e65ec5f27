"""What makes two runs the same: one table that says of every key of a recipe what it decides.

Resuming, finding runs again, warm starts, comparisons and the papers' tables all ask it. They look at resolved recipes,
in which the settings of the method are written out (`workbench.methods.resolve`). A key that the table does not name,
such as an option of a method of another package, decides the result. No torch here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from workbench.data.root import meant
from workbench.errors import WorkbenchError
from workbench.recipes import Recipe
from workbench.runs.folder import Run


class Role(Enum):
    """What a key decides."""

    RESULT = auto()
    """The weights."""
    KIND = auto()
    """What kind of experiment the run counts as; the weights follow from the other keys."""
    MEASURED = auto()
    """What the run says of itself: the numbers of its validation."""
    COURSE = auto()
    """What is kept of the run's course: snapshots, and how often it is validated."""
    SPEED = auto()
    """How fast it goes, on which devices, and how often it writes.

    Sums of floating-point numbers may be rounded otherwise on other devices and with another number of threads; where
    batches are cut in other parts, dropout draws other masks.
    """
    LABEL = auto()
    """What it is called."""


PLACES = (
    "data.source", "data.target", "data.validation", "data.source_validation", "data.unpaired", "data.mixture.*.source",
    "data.mixture.*.source_validation",
)  # fmt: skip
"""The keys that name folders: a data set's name and the path of its folder are the same."""
RESUME = frozenset({Role.RESULT, Role.KIND, Role.MEASURED})
"""What must be equal to continue a run, or to take a finished one for what was asked for."""
REUSE = RESUME | {Role.COURSE}
"""What must be equal for a run to be found again by its recipe: who asks for snapshots needs them."""
RESTORATION = frozenset({Role.RESULT})
"""What must be equal to share a warm start."""
EXPERIMENT = frozenset({Role.RESULT, Role.KIND})
"""What must be equal to be averaged, and to be set against a published number; but for the seed."""


def _always(recipe: Recipe, key: str) -> bool:
    return True


def _its_method(recipe: Recipe, key: str) -> bool:
    return key.split(".")[1] == recipe.method


@dataclass(frozen=True)
class _Entry:
    """Keys (``*`` stands for any letters), what they decide, and for which recipes they count at all."""

    keys: tuple[str, ...]
    role: Role
    counts: Callable[[Recipe, str], bool] = _always


def _of_trainings(*names: str) -> tuple[str, ...]:
    return tuple(f"{section}.{name}" for section in ("training", "warm_start") for name in names)


TABLE = (
    _Entry(("name", "description"), Role.LABEL),
    _Entry(("task", "scale"), Role.KIND),
    _Entry(
        ("data.validation", "data.source_validation", "data.validation_images", "data.mixture.*.source_validation"),
        Role.MEASURED,
    ),
    _Entry(_of_trainings("validate_every", "snapshot_every"), Role.COURSE),
    _Entry(
        _of_trainings(
            "log_every", "checkpoint_every", "workers", "threads", "accelerator", "devices", "nodes", "compile"
        ),
        Role.SPEED,
    ),
    _Entry(("options.noise-space.negative_pass",), Role.SPEED, _its_method),
    _Entry(("options.*",), Role.RESULT, _its_method),
    _Entry(
        (
            "method", "seed", "data.source", "data.degradation", "data.degradation.*", "data.mixture", "data.mixture.*",
            "data.fraction", "data.target", "data.unpaired", "data.camera", "data.sigma", "data.mixture_from",
            "restorer.*", "warm_start", "pretrained",
            *_of_trainings(
                "max_steps", "batch_size", "patch_size", "learning_rate", "schedule", "loss", "perceptual",
                "gradient_clip", "ema_decay", "weights", "precision",
            ),
        ),
        Role.RESULT,
    ),
)  # fmt: skip
"""The first entry that names a key counts."""


@lru_cache(4096)  # asked for each key of each run of a folder
def entry_of(key: str) -> _Entry | None:
    """The entry of a dotted key; None if the table does not name it."""
    return next((entry for entry in TABLE if any(fnmatchcase(key, each) for each in entry.keys)), None)


def deciding(recipe: Recipe, roles: frozenset[Role]) -> dict[str, object]:
    """The values that tell a recipe from others, by dotted key, in the recipe's order.

    Parameters
    ----------
    recipe : Recipe
        Resolved.
    roles : frozenset of Role
        `RESUME`, `REUSE`, `RESTORATION` or `EXPERIMENT`.
    """
    found = {}
    for key, value in _leaves(recipe.model_dump(mode="json")):
        entry = entry_of(key)
        if entry is None or (entry.role in roles and entry.counts(recipe, key)):
            found[key] = value
    return found


def difference(before: Recipe, after: Recipe, roles: frozenset[Role] = RESUME) -> str | None:
    """The dotted key of the first difference that counts, with both values; None if there is none.

    Parameters
    ----------
    before, after : Recipe
        Resolved.
    roles : frozenset of Role
        As of `deciding`.
    """
    old, new = deciding(before, roles), deciding(after, roles)
    for key in [*old, *(key for key in new if key not in old)]:
        if key not in old or key not in new or not _equal(key, old[key], new[key]):
            return f"{key} ({_said(old, key)} there, {_said(new, key)} here)"
    return None


def digest(recipe: Recipe, roles: frozenset[Role], fingerprints: Mapping[str, str]) -> str:
    """Twelve hexadecimal digits, which differ for recipes that differ in what counts.

    Parameters
    ----------
    recipe : Recipe
        Resolved.
    roles : frozenset of Role
        As of `deciding`.
    fingerprints : mapping
        What the folders of its data hold (`workbench.data.fingerprints`).
    """
    text = json.dumps([deciding(recipe, roles), dict(fingerprints)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def find_run(
    folders: Iterable[Path],
    recipe: Recipe,
    roles: frozenset[Role],
    fingerprints: Mapping[str, str],
    resolve: Callable[[Recipe], Recipe],
) -> Run | None:
    """The run of a recipe by what its folder says of it, whatever it is called.

    Parameters
    ----------
    folders : iterable of Path
        Those that may be it; damaged ones are passed over.
    recipe : Recipe
        Resolved.
    roles : frozenset of Role
        As of `deciding`.
    fingerprints : mapping
        What the folders of the recipe's data hold now (`workbench.data.fingerprints`).
    resolve : callable
        `workbench.methods.resolve`: a recipe that was written before its method got an option has its default.

    Returns
    -------
    Run or None
        Of several a finished one, then one with the very recipe, then the first by name.
    """
    found = []
    for folder in folders:
        run = Run(folder)
        try:
            written = resolve(run.recipe)
            if difference(written, recipe, roles) is None and _by_folder(run.fingerprints) == _by_folder(fingerprints):
                found.append((not run.finished, written != recipe, run.name, run))
        except WorkbenchError:
            continue
    return min(found)[-1] if found else None


def _equal(key: str, before: object, after: object) -> bool:
    """Whether two values of a key say the same; of a place, whether they lead to the same folder."""
    if before == after or not any(fnmatchcase(key, place) for place in PLACES):
        return before == after
    listed = [[each] if isinstance(each, str) else each or [] for each in (before, after)]
    return [meant(place) for place in listed[0]] == [meant(place) for place in listed[1]]


def _by_folder(fingerprints: Mapping[str, str]) -> dict[str, str]:
    return {meant(location): found for location, found in fingerprints.items()}


def _said(values: Mapping[str, object], key: str) -> str:
    if key in values:
        return str(values[key])
    return "a section" if any(each.startswith(f"{key}.") for each in values) else "nothing"


def _leaves(tree: Mapping, prefix: str = "") -> Iterator[tuple[str, object]]:
    """All values of a tree by dotted key; those of a list of sections have their number in it."""
    for key, value in tree.items():
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            value = dict(enumerate(value))
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
