"""From the layouts in which data sets come to pairs and images.

A layout is a rule made of templates over relative paths: ``train/{sequence}/blur/{frame}.*`` stands for every image of
that name at any depth. ``{field}`` matches within one path component, ``{field:d}`` digits only, ``{field:a|b}`` one of
the words; a field that comes twice must be the same twice, ``**/`` is any folders, and ``.*`` at the end any image
suffix. Letter case is ignored.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np

_TOKENS = re.compile(r"(\*\*/|\{\w+(?::[^}]+)?\}|\.\*$)")


@cache
def _image_suffix() -> str:
    from workbench.images import SUFFIXES  # brings numpy, which listing the catalogue does not need

    return "(?:" + "|".join(re.escape(suffix) for suffix in sorted(SUFFIXES)) + ")"


@dataclass(frozen=True)
class Files:
    """The files below a folder.

    Attributes
    ----------
    root : Path
    paths : tuple of str
        Sorted, with forward slashes, beginning with the name of ``root``: layouts often name their outermost folder.
    """

    root: Path
    paths: tuple[str, ...]

    @classmethod
    def below(cls, folder: Path) -> Files:
        """Look through a folder; hidden files and what archive programs leave behind are passed over."""
        folder = folder.resolve()
        found = []
        for parent, folders, files in os.walk(folder):
            folders[:] = [name for name in folders if not is_litter(name)]
            place = Path(parent).relative_to(folder.parent).as_posix()
            found.extend(f"{place}/{name}" for name in files if not is_litter(name))
        return cls(folder, tuple(sorted(found)))

    def path(self, relative: str) -> Path:
        """The file of one of ``paths``."""
        return self.root.parent / relative


def is_litter(name: str) -> bool:
    """Whether a file or folder name is one that systems and archive programs leave behind."""
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Item:
    """One image or pair of a data set, to be written under ``stem``.

    Attributes
    ----------
    stem : str
        File name without suffix.
    input, target : Path or ndarray, shape (H, W, 3) or (H, W), uint8 or uint16
        A file to keep as it is, or pixels. ``target`` is None for images without a partner.
    border : int
        Pixels by which the target may be larger on every side; they are cut off.
    halves : bool
        ``input`` is a file whose left half is the input and whose right half is the target.
    """

    stem: str
    input: Path | np.ndarray
    target: Path | np.ndarray | None = None
    border: int = 0
    halves: bool = False


@dataclass
class Found:
    """What a rule found.

    Attributes
    ----------
    total : int
        Number of items.
    items : iterable of Item
        Read once; pixels are made while it is read.
    problems : list of str
        What does not fit together; complete once ``items`` was read to its end.
    """

    total: int
    items: Iterable[Item]
    problems: list[str] = field(default_factory=list)


class Rule(Protocol):
    """An original layout."""

    @property
    def looks_for(self) -> str:
        """The files it goes by, for a message."""

    def find(self, files: Files) -> Found | None:
        """What there is in this layout; None when nothing is."""


@dataclass(frozen=True)
class Template:
    """A pattern over relative paths, see the module's documentation.

    Attributes
    ----------
    text : str
        With a leading ``/`` it begins at the searched folder itself, otherwise at any depth.
    """

    text: str

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields, in order of appearance."""
        return tuple(dict.fromkeys(re.findall(r"\{(\w+)", self.text)))

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The equivalent regular expression."""
        seen: set[str] = set()
        expression = "[^/]+/" if self.text.startswith("/") else "(?:.*/)?"
        for token in _TOKENS.split(self.text.removeprefix("/")):
            if token == "**/":
                expression += "(?:.*/)?"
            elif token == ".*":
                expression += _image_suffix()
            elif token.startswith("{"):
                name, _, choice = token[1:-1].partition(":")
                body = {"": "[^/]+", "d": r"\d+"}.get(choice) or "|".join(map(re.escape, choice.split("|")))
                expression += f"(?P={name})" if name in seen else f"(?P<{name}>{body})"
                seen.add(name)
            else:
                expression += re.escape(token)
        return re.compile(expression, re.IGNORECASE)

    def match(self, path: str) -> dict[str, str] | None:
        """The fields of a path, or None when it does not fit."""
        match = self.regex.fullmatch(path)
        return match.groupdict() if match else None


class _Stems:
    """Hands out file stems and notes where two files would get the same; case is ignored, as some disks do."""

    def __init__(self, problems: list[str]):
        self._taken: dict[str, str] = {}
        self._problems = problems

    def free(self, stem: str, path: str) -> bool:
        other = self._taken.setdefault(stem.casefold(), path)
        if other != path:
            self._problems.append(f"{path}: left out, it would be called {stem} like {other}")
        return other == path


@dataclass(frozen=True)
class Images:
    """Images without partners.

    Attributes
    ----------
    template : str
    names : frozenset of str
        Values of the field ``name`` to take, all when empty.
    stem : str
        What to call them, of the fields; all fields joined by ``_`` when empty.
    """

    template: str
    names: frozenset[str] = frozenset()
    stem: str = ""

    @property
    def looks_for(self) -> str:
        return self.template

    def find(self, files: Files) -> Found | None:
        template = Template(self.template)
        found = Found(0, [])
        stems, items = _Stems(found.problems), []
        for path in files.paths:
            fields = template.match(path)
            if fields is None or (self.names and fields["name"] not in self.names):
                continue
            stem = _stem(self.stem, fields)
            if stems.free(stem, path):
                items.append(Item(stem, files.path(path)))
        found.total, found.items = len(items), items
        return found if items else None


@dataclass(frozen=True)
class Halves:
    """Pairs of which each is one picture, the degraded image on the left and its reference on the right.

    Attributes
    ----------
    template : str
        Its fields joined by ``_`` make the name.
    """

    template: str

    @property
    def looks_for(self) -> str:
        return self.template

    def find(self, files: Files) -> Found | None:
        found = Images(self.template).find(files)
        if found is not None:
            found.items = [replace(item, halves=True) for item in found.items]
        return found


@dataclass(frozen=True)
class Pairs:
    """Degraded images and their references.

    Attributes
    ----------
    input, target : str
        Templates. The fields of ``target`` are among those of ``input``: an image belongs to the reference whose
        fields are the same, so several may share one.
    stem : str
        What to call the pair, of the fields of ``input``; all of them joined by ``_`` when empty.
    border : int
        Pixels by which a reference may be larger than its image on every side; they are cut off.
    """

    input: str
    target: str
    stem: str = ""
    border: int = 0

    @property
    def looks_for(self) -> str:
        return self.input

    def find(self, files: Files) -> Found | None:
        inputs, targets = Template(self.input), Template(self.target)
        references: dict[tuple[str, ...], list[str]] = {}
        for path in files.paths:
            fields = targets.match(path)
            if fields is not None:
                references.setdefault(_key(fields, targets.fields), []).append(path)
        found = Found(0, [])
        stems, items, used = _Stems(found.problems), [], set()
        for path in files.paths:
            fields = inputs.match(path)
            if fields is None:
                continue
            candidates = references.get(_key(fields, targets.fields))
            if candidates is None:
                found.problems.append(f"{path}: left out, its reference ({self.target}) is missing")
                continue
            # The same data may lie there twice, as train/ and test/ do in some sets: take the nearest.
            reference = max(candidates, key=lambda candidate: len(os.path.commonprefix([candidate, path])))
            used.add(reference)
            stem = _stem(self.stem, fields)
            if stems.free(stem, path):
                items.append(Item(stem, files.path(path), files.path(reference), self.border))
        if not items and not found.problems:
            return None
        if set(inputs.fields) == set(targets.fields):
            unused = sorted(path for paths in references.values() for path in paths if path not in used)
            found.problems += [f"{path}: left out, its degraded image ({self.input}) is missing" for path in unused]
        found.total, found.items = len(items), items
        return found


@dataclass(frozen=True)
class ListedPairs:
    """Pairs named line by line in a list, which makes the split.

    Attributes
    ----------
    listing : str
        Name of the list; a line holds the path of the reference and that of the degraded image.
    input : str
        Template of the listed degraded images; its fields make the name.
    """

    listing: str
    input: str

    @property
    def looks_for(self) -> str:
        return self.listing

    def find(self, files: Files) -> Found | None:
        listings = [path for path in files.paths if path.rpartition("/")[2].casefold() == self.listing.casefold()]
        if not listings:
            return None
        lines = files.path(listings[0]).read_text(encoding="utf-8", errors="replace").splitlines()
        listed = [line.split() for line in lines if line.strip()]
        place = _place_of_listed(listed, files)
        template, there, items = Template(self.input), frozenset(files.paths), []
        found = Found(0, [])
        stems = _Stems(found.problems)
        for columns in listed:
            paths = [place + column.lstrip("/") for column in columns[:2]]
            fields = template.match(paths[1]) if len(paths) == 2 else None
            if fields is None:
                found.problems.append(f"{listings[0]}: cannot make sense of the line {' '.join(columns)!r}")
            elif absent := [path for path in paths if path not in there]:
                found.problems.append(f"{absent[0]}: listed in {self.listing}, but not there")
            elif stems.free(stem := _stem("", fields), paths[1]):
                items.append(Item(stem, files.path(paths[1]), files.path(paths[0])))
        found.total, found.items = len(items), items
        return found if items else None


def _stem(form: str, fields: dict[str, str]) -> str:
    return form.format(**fields) if form else "_".join(fields.values())


def _key(fields: dict[str, str], names: Iterable[str]) -> tuple[str, ...]:
    return tuple(fields[name].casefold() for name in names)


def _place_of_listed(listed: list[list[str]], files: Files) -> str:
    """The folder that listed paths are relative to: that of the first listed file which is there."""
    by_name: dict[str, list[str]] = {}
    for path in files.paths:
        by_name.setdefault(path.rpartition("/")[2], []).append(path)
    for columns in listed:
        wanted = columns[0].lstrip("/")
        for path in by_name.get(wanted.rpartition("/")[2], ()):
            if path.endswith("/" + wanted):
                return path.removesuffix(wanted)
    return ""


def canonical_rules(name: str, kind: str, alone: bool) -> Iterator[Rule]:
    """The canonical layout as an original: what was prepared elsewhere can be handed over as it is.

    Parameters
    ----------
    name : str
        The part.
    kind : {"pairs", "images"}
    alone : bool
        Whether only this part is asked for, so that the searched folder itself may be it.
    """
    places = [f"{name}/"] if name else []
    places += ["/"] if alone or not name else []
    for place in places:
        if kind == "pairs":
            yield Pairs(f"{place}input/{{name}}.*", f"{place}target/{{name}}.*")
        else:
            yield Images(f"{place}images/**/{{name}}.*")
