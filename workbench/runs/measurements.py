"""The evaluations of all runs below a folder, with what the runs are; what tables of results are made of.

No torch here: tables are made without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workbench.errors import WorkbenchError
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

    Parameters
    ----------
    runs : Path
        May be missing, which is to have no runs.
    """
    found = Found([], [], [])
    for path in sorted(Path(runs).rglob("recipe.yaml")):
        run = path.parent
        if any(part.startswith(".") for part in run.relative_to(runs).parts):
            continue
        summary = _summary(run)
        evaluations = sorted((run / FOLDER).glob("*.json"))
        if not evaluations:
            if summary.get("status") == "finished":
                found.unmeasured.append(run)
            continue
        try:
            recipe = Run(run).recipe
        except WorkbenchError as error:
            reason = str(error).removeprefix(f"{path}: ").removeprefix(f"{run}: ")
            found.failed.append({"name": str(run), "reason": reason})
            continue
        provenance = summary.get("provenance")
        commit = str(provenance.get("commit") or "") if isinstance(provenance, dict) else ""
        for file in evaluations:
            try:
                found.measurements.append(Measurement(run, recipe, commit, read_evaluation(file)))
            except WorkbenchError as error:
                found.failed.append({"name": str(file), "reason": str(error).removeprefix(f"{file}: ")})
    return found


def _summary(run: Path) -> dict:
    try:
        return Run(run).summary
    except WorkbenchError:
        return {}
