"""What is compared: cells times seeds, all on the same recipe and test sets."""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from workbench.data.domains import data_locations
from workbench.data.fingerprints import fingerprints
from workbench.data.root import meant
from workbench.errors import WorkbenchError
from workbench.evaluation.measures import STANDARD
from workbench.files import find_files
from workbench.methods import resolve
from workbench.recipes import Recipe, load_recipe
from workbench.recipes.former import current_key
from workbench.runs.evaluations import FOLDER, Evaluation, read_evaluation
from workbench.runs.folder import Run
from workbench.runs.identity import RESUME, difference, find_run
from workbench.training import run_name

CONTROLS = ("vanilla", "vanilla-early", "oracle")
EARLY = 3
"""Early-stopped vanilla trains this part of restoration alone: a third."""


@dataclass(frozen=True)
class Cell:
    """One kind of run: a method, and what it changes in the recipe that all share.

    Attributes
    ----------
    name, method : str
    settings : tuple of str
        ``KEY=VALUE``, applied after those that all share.
    seeds : tuple of int, optional
        Only these of the grid's seeds.
    variant : tuple of str
        ``KEY=VALUE`` of the variants in its name, applied before those that all share, which have the last word.
    """

    name: str
    method: str
    settings: tuple[str, ...] = ()
    seeds: tuple[int, ...] | None = None
    variant: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grid:
    """Cells times seeds.

    Attributes
    ----------
    recipe : str
        Packaged name or YAML file of the recipe that all start from.
    cells : tuple of Cell
    seeds : tuple of int
    tests : dict of str to str
        Test sets: the name to show and the location, as of `workbench.evaluation.sets.open_set`.
    runs : Path
        Folder of the run folders.
    settings : tuple of str
        ``KEY=VALUE`` changes of the recipe that all cells share.
    protocol : str
        Of the measurement.
    prefix, suffix : str
        Around the run folders' names, ``CELL-sSEED``.
    by_recipe : bool
        Name the run folders by what their recipes say instead, as `workbench.training.find_or_train` does, so that each
        takes over the other's.
    """

    recipe: str
    cells: tuple[Cell, ...]
    seeds: tuple[int, ...]
    tests: dict[str, str]
    runs: Path
    settings: tuple[str, ...] = ()
    protocol: str = "rgb"
    prefix: str = ""
    suffix: str = ""
    by_recipe: bool = False

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """What the test sets' folders hold, by location (`workbench.data.fingerprints`)."""
        return fingerprints(self.tests.values())

    def jobs(self) -> list[Job]:
        """The runs, cell by cell."""
        return [
            Job(self, cell, seed)
            for cell in self.cells
            for seed in self.seeds
            if cell.seeds is None or seed in cell.seeds
        ]


@dataclass(frozen=True)
class Job:
    """One run of a grid."""

    grid: Grid = field(repr=False)
    cell: Cell
    seed: int

    @cached_property
    def name(self) -> str:
        """Name of the run folder: of one that is there, or of a new one."""
        if self.grid.by_recipe:
            return run_name(self.resolved, self.grid.runs)
        stem = f"{self.grid.prefix}{self.cell.name}-s{self.seed}"
        name = f"{stem}{self.grid.suffix}"
        # With other settings that decide nothing it has another suffix
        others = [path.parent for path in self.grid.runs.glob(f"{glob.escape(stem)}*/recipe.yaml")]
        if not others or (self.grid.runs / name).exists():
            return name
        run = find_run(others, self.resolved, RESUME, fingerprints(data_locations(self.resolved.data)), resolve)
        return name if run is None else run.name

    @property
    def run(self) -> Run:
        """The run folder; may not exist yet."""
        return Run(self.grid.runs / self.name)

    @property
    def settings(self) -> list[str]:
        """All changes of the grid's recipe, the last word last."""
        return [*self.cell.variant, *self.grid.settings, *self.cell.settings]

    @property
    def own_settings(self) -> list[str]:
        """Those of them that not all share, and that are not overruled."""
        shared = {current_key(setting.partition("=")[0]) for setting in self.grid.settings}
        variant = (setting for setting in self.cell.variant if setting.partition("=")[0] not in shared)
        return [*variant, *self.cell.settings]

    @cached_property
    def resolved(self) -> Recipe:
        """The recipe of the run, fully resolved.

        Raises
        ------
        WorkbenchError
            When a method or a key is unknown or a value wrong.
        """
        return resolve(load_recipe(self.grid.recipe, self.settings, method=self.cell.method, seed=self.seed))

    @property
    def trained(self) -> bool:
        """Whether the run has finished, by the recipe that the grid asks for."""
        try:
            return self.run.finished and self.difference is None
        except WorkbenchError:
            return False  # a damaged folder, which `fit` will name

    @property
    def difference(self) -> str | None:
        """What the run's recipe has otherwise than the grid asks for (`workbench.runs.identity.difference`)."""
        return difference(resolve(self.run.recipe), self.resolved)

    def evaluation(self, location: str) -> Evaluation | None:
        """What was measured on a test set as it is, since the training, by all metrics of comparisons.

        None if nothing was, or if pictures failed.
        """
        finished_at = self.run.summary.get("finished_at", "")
        for path in find_files(self.run.folder / FOLDER, "*.json"):
            try:
                found = read_evaluation(path)
            except WorkbenchError:
                continue  # damaged: measured again
            same = meant(found.location) == meant(location) and found.protocol == self.grid.protocol
            same = same and not found.options and found.fingerprint in (None, self.grid.fingerprints.get(location))
            whole = found.images and not found.failed and set(STANDARD) <= found.mean.keys()
            if same and whole and found.date >= finished_at:
                return found
        return None

    def missing(self) -> list[str]:
        """The locations of the test sets that remain to be measured."""
        return [location for location in self.grid.tests.values() if self.evaluation(location) is None]


def early_stopped(recipe: Recipe) -> Cell:
    """The control that has trained restoration alone for a third of the warm start's steps (or of all, without one).

    Its learning rate falls over that third. Vanilla overfits its synthetic degradation, so that stopping it early may
    do as much for another domain as adapting it.
    """
    alone = recipe.warm_start or recipe.training
    shorter = alone.model_dump(mode="json") | {"max_steps": max(alone.max_steps // EARLY, 1)}
    before = recipe.training.model_dump(mode="json")
    changes = [f"training.{key}={json.dumps(value)}" for key, value in shorter.items() if before[key] != value]
    return Cell("vanilla-early", "vanilla", ("warm_start=null", *changes))


def controls(recipe: Recipe, names: Iterable[str] = CONTROLS) -> list[Cell]:
    """The cells that every comparison needs to be read: vanilla, vanilla stopped early, and the oracle.

    Raises
    ------
    WorkbenchError
        There is no such control.
    """
    known = {
        "vanilla": Cell("vanilla", "vanilla"), "vanilla-early": early_stopped(recipe),
        "oracle": Cell("oracle", "oracle"),
    }  # fmt: skip
    if unknown := [name for name in names if name not in known]:
        raise WorkbenchError(f"no control is called {unknown[0]!r}; choose some of {', '.join(CONTROLS)}")
    return [known[name] for name in names]


def digest(settings: Iterable[str]) -> str:
    """A short name for settings; empty if there are none."""
    text = "\n".join(settings)
    return f"-{hashlib.sha256(text.encode()).hexdigest()[:8]}" if text else ""
