"""Make a finished warm start one that comes with the package: trainings of its recipe and seed then begin at once."""

from __future__ import annotations

import shutil
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.runs.folder import Run
from workbench.training.needed import PACKAGED

KEPT = ("format", "recipe.yaml", "data.json", "summary.json", "restorer.safetensors", "restorer.json")
"""What a training reads of the run that it begins with; checkpoints and curves stay behind."""


def package_warm_start(name: str, run: Run, folder: Path = PACKAGED) -> Path:
    """Copy what a training needs of a run into the package, as ``packaged-NAME-sSEED``; its folder.

    Parameters
    ----------
    name : str
        Of the recipe that begins with it.
    run : Run
        A finished warm start on pictures that come with the package.
    folder : Path
        Of the packaged warm starts.

    Raises
    ------
    WorkbenchError
        The run is not finished, or was trained on folders of pictures, which others do not have.
    """
    if not run.finished:
        raise WorkbenchError(f"{run.folder}: not finished")
    if run.fingerprints:
        raise WorkbenchError(f"{run.folder}: trained on {', '.join(run.fingerprints)}, which the package does not have")
    place = Path(folder) / f"packaged-{name}-s{run.recipe.seed}"
    place.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        shutil.copyfile(run.folder / name, place / name)
    return place
