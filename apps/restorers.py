"""The restorers one can choose from: those of finished runs, and those a person uploads."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.methods import title_of
from workbench.restorers import names
from workbench.restorers.cards import guarded, network_names, read_card
from workbench.runs.folder import list_runs

if TYPE_CHECKING:
    from workbench.restorers import Restorer

DEMO_PAIR = ("denoise-pocket-vanilla-s0", "denoise-pocket+guarded-noise-space-s0")
MAX_PACKAGED = 5_000_000
"""Larger files, in bytes, are not taken for packaged restorers."""
MOST = 4
"""How many restorers one comparison may have."""


@dataclass(frozen=True)
class Choice:
    """A restorer to choose.

    Parameters
    ----------
    name : str
        Unique among the choices: the run's name, or that of the uploaded file.
    path : Path
        The safetensors file.
    card : dict
        Its JSON card.
    folder : TemporaryDirectory, optional
        Holds an uploaded file, and is deleted with the choice.
    options : dict
        Of the restorer, where they are not those of its card; the name and the card have them too.
    """

    name: str
    path: Path
    card: dict
    folder: TemporaryDirectory | None = field(default=None, repr=False, compare=False)
    options: dict = field(default_factory=dict)

    @property
    def method(self) -> str:
        """The training method by the name it goes by in the app; empty if the card does not tell."""
        provenance = self.card.get("provenance")
        method = provenance.get("method") if isinstance(provenance, dict) else None
        if guarded(self.card):
            return "guarded"
        return title_of(method) if isinstance(method, str) else ""

    @property
    def label(self) -> str:
        """How a list of restorers shows it."""
        return " · ".join(part for part in ("packaged" if self.packaged else "", self.method, self.name) if part)

    @property
    def packaged(self) -> bool:
        """Whether it came with the package."""
        return self.path.parent == names.PACKAGED

    @property
    def facts(self) -> dict[str, str]:
        """What its card tells of its making, for reading."""
        provenance = self.card.get("provenance")
        provenance = provenance if isinstance(provenance, dict) else {}
        data = provenance.get("data") if isinstance(provenance.get("data"), dict) else {}
        code = provenance.get("provenance") if isinstance(provenance.get("provenance"), dict) else {}
        metrics = provenance.get("metrics") if isinstance(provenance.get("metrics"), dict) else {}
        facts = {
            "recipe": provenance.get("recipe"), "scale": provenance.get("scale"), "method": provenance.get("method"),
            "seed": provenance.get("seed"), "steps": provenance.get("steps"), "source": data.get("source"),
            "degradation": data.get("degradation"), "target": data.get("target"),
            "network": network_names(self.card), "kind": self.card["kind"],
            "options": _written(self.card["options"]) or None, "commit": code.get("commit"), **metrics,
            "note": provenance.get("note"), "licence": provenance.get("licence"),
        }  # fmt: skip
        return {str(key): str(value) for key, value in facts.items() if value is not None}

    def __hash__(self) -> int:
        return hash((self.name, self.path))


def find_restorers(runs: Path) -> tuple[list[Choice], list[str]]:
    """The restorers of the finished runs below a folder, and those that come with the package.

    Returns
    -------
    choices : list of Choice
        The demo's pair first, then runs by name, then packaged ones, those for denoising first.
    problems : list of str
        One line for each finished run whose restorer or summary cannot be read, and each damaged packaged restorer.
    """
    choices, problems = [], []
    for run in list_runs(runs):
        try:
            if run.finished and run.weights.is_file():
                choices.append(Choice(run.name, run.weights, read_card(run.weights.with_suffix(".json"))))
        except (WorkbenchError, OSError) as error:
            if run.folder.exists():  # else deleted meanwhile
                problems.append(str(error))
    taken = {choice.name for choice in choices}
    for name, path in names.packaged().items():
        try:
            if name not in taken and path.stat().st_size <= MAX_PACKAGED:
                choices.append(Choice(name, path, read_card(path.with_suffix(".json"))))
        except (WorkbenchError, OSError) as error:
            problems.append(str(error))
    return sorted(choices, key=_order), problems


def _order(choice: Choice) -> tuple:
    demo = DEMO_PAIR.index(choice.name) if choice.name in DEMO_PAIR else len(DEMO_PAIR)
    return demo, choice.packaged, choice.packaged and not choice.name.startswith("denois"), choice.name


def chosen(names: Sequence[str], choices: Sequence[Choice]) -> list[Choice]:
    """The choices of these names; ``NAME [steps=10, seed=1]`` is a choice with other options."""
    by_name = {choice.name: choice for choice in choices}
    found = {}
    for name in names:
        base, bracket, options = str(name).removesuffix("]").partition(" [")
        if name in by_name:
            choice = by_name[name]
        elif bracket and base in by_name:
            choice = with_options(by_name[base], options)
        else:
            raise WorkbenchError(f"restorer {name!r} is not there (any more); look again for finished runs")
        found[choice.name] = choice
    return list(found.values())


def with_options(choice: Choice, options: str) -> Choice:
    """A choice with other options, which its name tells.

    Parameters
    ----------
    options : str
        As in ``steps=10, seed=1``.

    Raises
    ------
    WorkbenchError
        The restorer has no such option, or its value is out of bounds; or the files are gone.
    """
    from workbench.restorers import parse_options

    own = load(choice)
    asked = own.with_options(parse_options(each for each in options.split(",") if each.strip()))
    changes = choice.options | asked.changes(own)
    if not changes:
        return choice
    base = choice.name.partition(" [")[0] if choice.options else choice.name
    card = choice.card | {"options": asked.options.model_dump(mode="json")}
    return replace(choice, name=f"{base} [{_written(changes)}]", card=card, options=changes)


def _written(options: dict) -> str:
    return ", ".join(f"{key}={value}" for key, value in options.items())


def titles(choices: Sequence[Choice]) -> list[str]:
    """A short title for each of the chosen restorers: its method where no other has the same, else its name.

    One with options of its own goes by its name, which has them.
    """
    methods = [choice.method for choice in choices]
    taken = {"", "input", "reference", "classical"}
    return [
        method if methods.count(method) == 1 and method not in taken and not choice.options else choice.name
        for method, choice in zip(methods, choices, strict=True)
    ]


def load(choice: Choice) -> Restorer:
    """The restorer of a choice, in evaluation mode; the last few stay in memory.

    Raises
    ------
    WorkbenchError
        The files are gone or do not fit each other.
    """
    try:
        return _load(choice.path, choice.path.stat().st_mtime_ns).with_options(choice.options)
    except OSError as error:
        raise WorkbenchError(f"{choice.name}: its files are gone; choose another restorer") from error


@lru_cache(maxsize=MOST)
def _load(path: Path, modified: int) -> Restorer:
    import torch

    from workbench.restorers import load_restorer

    restorer = load_restorer(path)[0]
    return restorer.to("cuda") if torch.cuda.is_available() else restorer


def add_upload(files: Sequence[str | Path], taken: Sequence[str]) -> Choice:
    """Take in a restorer that a person uploads: nothing in it is unpickled, and its card must fit its weights.

    Parameters
    ----------
    files : sequence of path-like
        A ``.safetensors`` file and its ``.json`` card.
    taken : sequence of str
        Names of the choices that there are.

    Raises
    ------
    WorkbenchError
        The two files are not a restorer of this package.
    """
    from workbench.restorers import load_restorer

    paths = {Path(file).suffix.lower(): Path(file) for file in files}
    if len(files) != 2 or set(paths) != {".safetensors", ".json"}:
        given = ", ".join(Path(file).name for file in files) or "none"
        raise WorkbenchError(f"a restorer needs two files, its .safetensors and its .json card; given: {given}")
    stem = paths[".safetensors"].stem
    name = f"{stem} (uploaded)"
    number = 1
    while name in taken or name in ("input", "reference"):
        number += 1
        name = f"{stem} (uploaded {number})"
    folder = TemporaryDirectory(prefix="workbench-restorer-")
    path = Path(folder.name, "restorer.safetensors")
    for suffix, source in paths.items():
        shutil.copyfile(source, path.with_suffix(suffix))
    try:
        card = read_card(path.with_suffix(".json"))
        load_restorer(path)
    except WorkbenchError as error:
        # Say which of the person's files it is, not where the copy lies.
        message = str(error)
        for suffix, source in paths.items():
            message = message.replace(str(path.with_suffix(suffix)), source.name)
        raise WorkbenchError(message) from error
    return Choice(name, path, card, folder)
