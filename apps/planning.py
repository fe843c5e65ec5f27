"""What a training has before it: the steps of its parts, and how long they will take by what was timed here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.methods import METHODS, resolve
from workbench.methods.base import WARM_START
from workbench.recipes import Recipe
from workbench.recipes.schema import Training
from workbench.runs.events import EventReader
from workbench.runs.folder import Run, list_runs
from workbench.training.needed import NEEDED, find_shared

_SAYS = {"warm start": "restoration alone", "head start": "the diffusion network alone"}


@dataclass(frozen=True)
class Plan:
    """The parts of a training.

    Attributes
    ----------
    before : dict of str to int
        Steps of what must be trained first: the runs that the method needs and that are not there, by their names, and
        the head start.
    shared : list of str
        The needed runs that are there already.
    steps : int
        Updates of the restorer by the method.
    seconds : float or None
        How long all of it takes at the pace of the finished runs of the recipe; None without any.
    """

    before: dict[str, int]
    shared: list[str]
    steps: int
    seconds: float | None

    def __str__(self) -> str:
        said = {name: f" ({_SAYS[name]})" if name in _SAYS else "" for name in self.before}
        parts = [f"{steps:,} of {name}{said[name]}" for name, steps in self.before.items()]
        total = sum(self.before.values()) + self.steps
        text = f"{total:,} steps: {', '.join(parts)}, then {self.steps:,}." if parts else f"{total:,} steps."
        if self.shared:
            text += f" Already there from another run: {', '.join(self.shared)}."
        if self.seconds is None:
            return f"{text} How long a step of this recipe takes here is not known before its first run."
        return f"{text} Some {max(1, round(self.seconds / 60)):,} min at the pace of earlier runs."


def plan(recipe: Recipe, runs: Path) -> Plan:
    """What training a recipe into a folder of runs amounts to.

    Raises
    ------
    WorkbenchError
        The recipe's settings are wrong, or its data missing.
    """
    recipe = resolve(recipe)
    head_start, total = METHODS[recipe.method].length(recipe)
    paces = dict(_paces(recipe, runs))
    times = [_seconds(paces.get(""), recipe.training, total)]
    before, shared = {}, []
    for name, (needed, run) in _needed(recipe, runs).items():
        if run is not None and run.finished:
            shared.append(name)
        else:
            before[name] = needed.training.max_steps
            times.append(_seconds(paces.get(name), needed.training, needed.training.max_steps))
    if head_start:
        before["head start"] = head_start
    seconds = None if None in times else sum(times)
    return Plan(before, shared, total - head_start, seconds)


def waits_for(run: Run) -> tuple[str, int, int] | None:
    """What a run needs first and is not finished: its name, its steps done and in all; None if there is nothing."""
    try:
        for name, (needed, first) in _needed(resolve(run.recipe), run.folder.parent).items():
            if first is None:
                return name, 0, needed.training.max_steps
            if not first.finished:
                reader = EventReader(first.events)
                reader.refresh()
                steps = reader.series("time/seconds_per_step")[0]
                return name, int(steps[-1]) if len(steps) else 0, needed.training.max_steps
    except WorkbenchError:
        pass  # damaged, or deleted just now
    return None


def _needed(recipe: Recipe, runs: Path) -> dict[str, tuple[Recipe, Run | None]]:
    """The recipes of the runs that a recipe needs, and those of them that are there, finished or not."""
    needs = {_said(name): resolve(needed) for name, needed in METHODS[recipe.method].needs(recipe).items()}
    return {name: (needed, find_shared(needed, Path(runs) / NEEDED)) for name, needed in needs.items()}


def _said(name: str) -> str:
    return name.replace("_", " ")


def _seconds(pace: float | None, settings: Training, steps: int) -> float | None:
    return None if pace is None else pace * steps * _pixels(settings)


def _pixels(settings: Training) -> int:
    return settings.batch_size * settings.patch_size**2


def _paces(recipe: Recipe, runs: Path) -> Iterator[tuple[str, float]]:
    """Seconds a step and pixel of finished runs of the recipe by the same method, and of what they needed, by name."""
    for run in list_runs(runs):
        try:
            yield from _paces_of(run, recipe)
        except (WorkbenchError, OSError, LookupError, TypeError, AttributeError, ArithmeticError):
            continue  # damaged, or deleted just now


def _paces_of(run: Run, recipe: Recipe) -> Iterator[tuple[str, float]]:
    before, summary = run.recipe, run.summary
    same = (before.name.partition("+")[0], before.method) == (recipe.name.partition("+")[0], recipe.method)
    if not same or summary.get("status") != "finished" or "seconds" not in summary:
        return
    yield "", summary["seconds"] / summary["steps"] / _pixels(before.training)
    timed = {WARM_START: summary.get("warm_start"), **summary.get("needs", {})}
    for name, needed in METHODS[before.method].needs(before).items():
        if timed.get(name):
            yield _said(name), timed[name]["seconds"] / needed.training.max_steps / _pixels(needed.training)
