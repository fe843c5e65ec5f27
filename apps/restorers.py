"""The restorers one can choose from: those of finished runs, and those a person uploads."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

from workbench.errors import WorkbenchError
from workbench.nets import load_restorer
from workbench.nets.weights import read_card
from workbench.training import list_runs

DEMO_PAIR = ("denoise-pocket-vanilla-s0", "denoise-pocket-noise-space-s0")
MOST = 4
"""How many restorers one comparison may have."""

_TITLES = {"noise-space": "adapted"}


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
    """

    name: str
    path: Path
    card: dict
    folder: TemporaryDirectory | None = field(default=None, repr=False, compare=False)

    @property
    def method(self) -> str:
        """The training method by the name it goes by in the app; empty if the card does not tell."""
        provenance = self.card.get("provenance")
        method = provenance.get("method") if isinstance(provenance, dict) else None
        return _TITLES.get(method, method) if isinstance(method, str) else ""

    @property
    def label(self) -> str:
        """How a list of restorers shows it."""
        return f"{self.method} · {self.name}" if self.method else self.name

    def __hash__(self) -> int:
        return hash((self.name, self.path))


def find_restorers(runs: Path) -> tuple[list[Choice], list[str]]:
    """The restorers of the finished runs below a folder.

    Returns
    -------
    choices : list of Choice
        The demo's pair first, then by name.
    problems : list of str
        One line for each finished run whose restorer or summary cannot be read.
    """
    choices, problems = [], []
    for run in list_runs(runs):
        try:
            if run.finished and run.weights.is_file():
                choices.append(Choice(run.name, run.weights, read_card(run.weights.with_suffix(".json"))))
        except (WorkbenchError, OSError) as error:
            problems.append(str(error))
    order = {name: position for position, name in enumerate(DEMO_PAIR)}
    return sorted(choices, key=lambda choice: (order.get(choice.name, len(order)), choice.name)), problems


def first_choice(choices: Sequence[Choice]) -> list[str]:
    """The names to start with: the demo's pair, else a vanilla and an adapted restorer, else the first two."""
    names = [choice.name for choice in choices]
    if set(DEMO_PAIR) <= set(names):
        return list(DEMO_PAIR)
    by_method = {choice.method: choice.name for choice in reversed(choices)}
    pair = [by_method[method] for method in ("vanilla", "adapted") if method in by_method]
    return pair if len(pair) == 2 else names[:2]


def titles(choices: Sequence[Choice]) -> list[str]:
    """A short title for each of the chosen restorers: its method where no other has the same, else its name."""
    methods = [choice.method for choice in choices]
    taken = {"", "input", "reference"}
    return [
        method if methods.count(method) == 1 and method not in taken else choice.name
        for method, choice in zip(methods, choices, strict=True)
    ]


def load(choice: Choice) -> nn.Module:
    """The network of a choice, in evaluation mode; the last few stay in memory.

    Raises
    ------
    WorkbenchError
        The files are gone or do not fit each other.
    """
    try:
        return _load(choice.path, choice.path.stat().st_mtime_ns)
    except OSError as error:
        raise WorkbenchError(f"{choice.name}: its files are gone; choose another restorer") from error


@lru_cache(maxsize=MOST)
def _load(path: Path, modified: int) -> nn.Module:
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
        network = load_restorer(path)[0]
    except WorkbenchError as error:
        # Say which of the person's files it is, not where the copy lies.
        message = str(error)
        for suffix, source in paths.items():
            message = message.replace(str(path.with_suffix(suffix)), source.name)
        raise WorkbenchError(message) from error
    if not (hasattr(network, "multiple") and hasattr(network, "halo")):
        raise WorkbenchError(f"{paths['.json'].name}: {card['network']['name']} is not a restorer")
    return Choice(name, path, card, folder)
