"""What a study is: a recipe, cells, test sets, all as data.

A file ``NAME.yaml`` beside this module is a study; with ``domains`` it is one for each of them, called ``NAME-DOMAIN``,
and ``NAME`` is the first. A domain replaces the study's recipe and test sets, adds to its settings, and may take only
some of its cells.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from string import Template
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from workbench import comparison
from workbench.comparison.grid import CONTROLS, controls
from workbench.data.domains import check_prepared, data_locations
from workbench.data.root import place_of
from workbench.data.simulation import Simulation, simulate_pairs
from workbench.errors import WorkbenchError
from workbench.files import read_text
from workbench.recipes import VARIANTS, load_recipe, variant_settings
from workbench.recipes.reading import LONGEST, parse
from workbench.studies.splits import split_by_object


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Halves(Template):
    """A text in which ``$NAME`` stands for the folder of a split."""

    idpattern = "[a-z][a-z0-9-]*"


class Cell(_Closed):
    """One kind of run.

    Attributes
    ----------
    method : str, optional
        None for a control, which is called by its name (`workbench.comparison.controls`).
    variant : str, optional
        Its settings come before ``settings``; several are joined by ``+``.
    settings : tuple of str
        ``KEY=VALUE`` changes of the study's recipe.
    seeds : tuple of int, optional
        Only these of the study's.
    best_blur : bool
        Also measure the Gaussian blur that suits its output best.
    sampled : dict of str to dict
        Also measure its restorer with these options, by the name that follows the cell's.
    """

    method: str | None = None
    variant: str | None = None
    settings: tuple[str, ...] = ()
    seeds: tuple[int, ...] | None = None
    best_blur: bool = False
    sampled: dict[str, dict[str, int | float | str]] = {}

    @property
    def variants(self) -> list[str]:
        """The names in ``variant``."""
        return self.variant.split("+") if self.variant else []


class Ready(_Closed):
    """A restorer that needs no training.

    Attributes
    ----------
    restorer : str, optional
        As of ``workbench evaluate``; by default a packaged one with the row's name.
    options : dict
        Of it.
    """

    restorer: str | None = None
    options: dict[str, int | float | str] = {}


class Split(_Closed):
    """A paired data set of which objects are held out (`split_by_object`).

    Attributes
    ----------
    location : str
    middle : int, optional
        Take the square of so many pixels in the middle of each picture.
    """

    location: str
    middle: int | None = None


class Domain(_Closed):
    """What differs for one domain of a study."""

    recipe: str | None = None
    settings: tuple[str, ...] = ()
    tests: dict[str, str] | None = None
    splits: dict[str, Split] = {}
    simulated: dict[str, Simulation] = {}
    cells: tuple[str, ...] | None = None


class Study(_Closed):
    """A study of one domain.

    Attributes
    ----------
    name, title : str
    domain : str
        Empty where there is only one.
    recipe : str
        That every cell starts from.
    record : {"tests", "validation", "times", "snapshots"}
        A row is a run on a test set; or a run with the PSNR of the pictures that training itself is validated on; or
        one with the time of its steps, trained while nothing else runs; or a snapshot of a run with what the microscope
        measures (`workbench.studies.snapshots`).
    seeds : tuple of int
    settings : tuple of str
        ``KEY=VALUE`` changes that all cells share.
    tests : dict of str to str
        Test sets: the name to show and the location (`workbench.evaluation.sets.open_set`).
    splits : dict of str to Split
        Paired data sets of which the study holds out objects: ``$NAME/train`` and ``$NAME/test`` in settings, tests and
        later splits are the halves.
    simulated : dict of str to Simulation
        Pairs that the study makes first: ``$NAME`` in settings and tests is their folder.
    restorers : dict of str to Ready
        Rows beside the cells.
    cells : dict of str to Cell
    """

    name: str
    title: str
    domain: str = ""
    recipe: str
    record: Literal["tests", "validation", "times", "snapshots"] = "tests"
    seeds: tuple[int, ...] = (0, 1, 2)
    settings: tuple[str, ...] = ()
    tests: dict[str, str] = {}
    splits: dict[str, Split] = {}
    simulated: dict[str, Simulation] = {}
    restorers: dict[str, Ready] = {}
    cells: dict[str, Cell] = {}

    def comparison_cells(self) -> tuple[comparison.Cell, ...]:
        """The cells as `workbench.comparison` takes them."""
        recipe = load_recipe(self.recipe)
        made = []
        for name, cell in self.cells.items():
            if cell.method is None:
                made += controls(recipe, [name])
                continue
            variant = variant_settings(cell.variants, name)
            made.append(comparison.Cell(name, cell.method, (*variant, *cell.settings), cell.seeds))
        return tuple(made)

    def only(self, names: Collection[str] | None = None, seeds: tuple[int, ...] | None = None) -> Study:
        """The study with some of its cells and restorers, and other seeds.

        Raises
        ------
        WorkbenchError
            There is no such cell or restorer.
        """
        known = [*self.cells, *self.restorers]
        if unknown := [name for name in names or () if name not in known]:
            raise WorkbenchError(f"study {self.name} has no cell {unknown[0]!r}; choose of {', '.join(known)}")
        changes: dict[str, object] = {} if seeds is None else {"seeds": seeds}
        if names is not None:
            changes["cells"] = {name: cell for name, cell in self.cells.items() if name in names}
            changes["restorers"] = {name: ready for name, ready in self.restorers.items() if name in names}
        return self.model_copy(update=changes)

    def grid(self, runs: Path, settings: tuple[str, ...] = ()) -> comparison.Grid:
        """The runs of the study.

        Parameters
        ----------
        runs : Path
            Folder of the run folders; halves of data sets are linked into it, and simulated pairs written.
        settings : tuple of str
            ``KEY=VALUE``, after the study's.

        Raises
        ------
        WorkbenchError
            A data set is missing.
        """
        halves = {name: str(runs / name) for name in (*self.splits, *self.simulated)}

        def filled(text: str) -> str:
            return _Halves(text).safe_substitute(halves)

        shared = (*map(filled, self.settings), *settings)
        split = [each.location for each in self.splits.values()]
        photographed = chain.from_iterable(each.places for each in self.simulated.values())
        tested = map(place_of, self.tests.values())
        check_prepared([*split, *photographed, *tested, *data_locations(load_recipe(self.recipe, shared).data)])
        for name, each in self.splits.items():
            split_by_object(filled(each.location), runs / name, each.middle)
        for name, each in self.simulated.items():
            simulate_pairs(each, runs / name)
        tests = {test: filled(location) for test, location in self.tests.items()}
        return comparison.Grid(self.recipe, self.comparison_cells(), self.seeds, tests, runs, shared)


def study_names() -> list[str]:
    """The packaged studies."""
    return list(_packaged())


def load_study(name: str | os.PathLike) -> Study:
    """A packaged study by its name, or that of a YAML file of one's own.

    Raises
    ------
    WorkbenchError
        There is none, or it is not valid; the message names the key.
    """
    if str(name).endswith((".yaml", ".yml")):
        return next(iter(_studies(Path(name)).values()))
    if name not in _packaged():
        raise WorkbenchError(f"no study is called {name!r}; choose one of {', '.join(_packaged())}")
    return _packaged()[name]


@cache
def _packaged() -> dict[str, Study]:
    found: dict[str, Study] = {}
    for path in sorted(Path(str(files("workbench.studies"))).glob("*.yaml")):
        found |= _studies(path)
    return found


def _studies(path: Path) -> dict[str, Study]:
    """The studies of a file by name."""
    try:
        content = parse(read_text(path, LONGEST))
        domains = {key: Domain(**(value or {})) for key, value in (content.pop("domains", None) or {}).items()}
        study = Study(name=path.stem, **content)
    except (OSError, yaml.YAMLError, AttributeError, TypeError) as error:
        raise WorkbenchError(f"{path}: not a study ({' '.join(str(error).split())})") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise WorkbenchError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    _check(study, path)
    made = {f"{path.stem}-{key}": _of_domain(study, key, domain) for key, domain in domains.items()}
    first = next(iter(made.values()), study)
    return {path.stem: first.model_copy(update={"name": path.stem})} | made


def _check(study: Study, path: Path) -> None:
    for name, cell in study.cells.items():
        if cell.method is None and name not in CONTROLS:
            raise WorkbenchError(f"{path}: cells.{name}: name its method; only {', '.join(CONTROLS)} go without")
        if unknown := [variant for variant in cell.variants if variant not in VARIANTS]:
            raise WorkbenchError(f"{path}: cells.{name}: there is no variant {unknown[0]!r}")


def _of_domain(study: Study, key: str, domain: Domain) -> Study:
    changes = {
        "name": f"{study.name}-{key}", "domain": key, "recipe": domain.recipe or study.recipe,
        "settings": (*study.settings, *domain.settings), "splits": study.splits | domain.splits,
        "simulated": study.simulated | domain.simulated,
        "tests": study.tests if domain.tests is None else domain.tests,
    }  # fmt: skip
    if domain.cells is not None:
        changes["cells"] = {name: study.cells[name] for name in domain.cells}
    return study.model_copy(update=changes)
