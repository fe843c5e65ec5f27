"""The runs that others need before they can begin, such as warm starts: where they are, and how one is found."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from workbench.data.domains import data_locations
from workbench.data.fingerprints import fingerprints
from workbench.errors import WorkbenchError
from workbench.methods import resolve
from workbench.recipes import Recipe
from workbench.runs.folder import Run
from workbench.runs.identity import RESTORATION, find_run

NEEDED = ".warm-starts"
"""Hidden folder beside the runs that need them."""
PACKAGED = Path(str(files("workbench"))) / "packaged" / "warm-starts"
"""Finished runs that come with the package (``workbench package warm-start``)."""


def find_shared(recipe: Recipe, folder: Path) -> Run | None:
    """The run of a resolved recipe that others need, if there is one.

    It is one of those that were trained for that, finished or not, or a finished one beside them (``folder``'s own
    folder): a stage that was measured by itself need not be trained again to be put together with another. Else it is
    one of those that come with the package.
    """
    held = fingerprints(data_locations(recipe.data))
    there = (path.parent for path in folder.glob(f"*-s{recipe.seed}/recipe.yaml"))
    beside = (path.parent for path in folder.parent.glob("*/recipe.yaml") if _is_finished(path.parent))
    ours = PACKAGED.glob(f"*-s{recipe.seed}")
    found = (find_run(runs, recipe, RESTORATION, held, resolve) for runs in (there, beside, ours))
    return next((run for run in found if run is not None), None)


def _is_finished(folder: Path) -> bool:
    try:
        return Run(folder).finished
    except WorkbenchError:
        return False  # damaged
