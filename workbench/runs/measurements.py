"""The evaluations of all runs below a folder, with what the runs are; what tables of results are made of.

No torch here: tables are made without it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.files import find_files
from workbench.recipes import Recipe
from workbench.runs.evaluations import FOLDER, Evaluation, read_evaluation
from workbench.runs.folder import Run


@dataclass(frozen=True)
class Measurement:
    """An evaluation of a run, with the run's recipe and the commit it was trained at."""

    run: Path
    recipe: Recipe
    commit: str
    evaluation: Evaluation


@dataclass(frozen=True)
class Found:
    """What a runs folder holds: measurements, finished runs without any, and files that cannot be read."""

    measurements: list[Measurement]
    unmeasured: list[Path]
    failed: list[dict]


def find_measurements(runs: Path) -> Found:
    """Collect the evaluations of all runs below a folder; hidden folders, such as warm starts, are left out.

    What is deleted meanwhile is left out, too.

    Parameters
    ----------
    runs : Path
        May be missing, which is to have no runs.
    """
    found = Found([], [], [])
    for run in sorted(_run_folders(runs)):
        summary = _summary(run)
        evaluations = find_files(run / FOLDER, "*.json")
        if not evaluations:
            if summary.get("status") == "finished":
                found.unmeasured.append(run)
            continue
        try:
            recipe = Run(run).recipe
        except WorkbenchError as error:
            if run.exists():
                reason = str(error).removeprefix(f"{run / 'recipe.yaml'}: ").removeprefix(f"{run}: ")
                found.failed.append({"name": str(run), "reason": reason})
            continue
        provenance = summary.get("provenance")
        commit = str(provenance.get("commit") or "") if isinstance(provenance, dict) else ""
        for file in evaluations:
            try:
                found.measurements.append(Measurement(run, recipe, commit, read_evaluation(file)))
            except WorkbenchError as error:
                if file.exists():
                    found.failed.append({"name": str(file), "reason": str(error).removeprefix(f"{file}: ")})
    return found


def _run_folders(runs: Path) -> Iterator[Path]:
    for folder, inside, files in os.walk(runs):  # unlike Path.rglob it goes on where a folder is gone
        inside[:] = [name for name in inside if not name.startswith(".")]
        if "recipe.yaml" in files:
            yield Path(folder)


def _summary(run: Path) -> dict:
    try:
        return Run(run).summary
    except WorkbenchError:
        return {}
