"""What a study means to train, noted in its folder of runs, and how far that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.files import make_folder, read_json, write_json
from workbench.runs.states import FINISHED, RUNNING, Watcher

NAME = "study.json"


@dataclass(frozen=True)
class Plan:
    """How far a study's trainings are.

    Attributes
    ----------
    name, title : str
    finished, running, total : int
        Trainings.
    """

    name: str
    title: str
    finished: int
    running: int
    total: int


def write_plan(runs: Path, name: str, title: str, trainings: Sequence[str]) -> None:
    """Note in a folder of runs which run folders a study will have there.

    Raises
    ------
    WorkbenchError
        The folder cannot be written.
    """
    make_folder(runs)
    write_json(runs / NAME, {"name": name, "title": title, "runs": list(trainings)})


def plans(runs: Path) -> list[Plan]:
    """The studies of a folder of runs and of the folders directly in it, by name; damaged notes are left out."""
    found = []
    for path in (*runs.glob(NAME), *runs.glob(f"*/{NAME}")):
        try:
            noted = read_json(path)
        except WorkbenchError:
            continue
        name, title, trainings = (noted.get(key) for key in ("name", "title", "runs"))
        if isinstance(name, str) and isinstance(title, str) and isinstance(trainings, list):
            status = _statuses(path.parent, trainings)
            found.append(Plan(name, title, status.count(FINISHED), status.count(RUNNING), len(trainings)))
    return sorted(found, key=lambda plan: plan.name)


def _statuses(folder: Path, trainings: Sequence[object]) -> list[str]:
    """Of the runs that are there."""
    watcher, found = Watcher(folder), []
    for name in trainings:
        try:
            found.append(watcher.state(str(name)).status)
        except WorkbenchError:
            continue
    return found
