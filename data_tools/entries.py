"""What the catalogue knows of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from data_tools.layouts import Rule

Kind = Literal["pairs", "images"]


@dataclass(frozen=True)
class RemoteFile:
    """A file that its publisher offers at a fixed address.

    Attributes
    ----------
    name : str
        What it is called on disk.
    url : str
    size : int or None
        Bytes; None where no size is published.
    checksum : str or None
        ``algorithm:hexdigest`` with an algorithm of `hashlib`; None where none is published.
    parts : tuple of str
        The parts of the data set that the file holds; empty means all.
    """

    name: str
    url: str
    size: int | None = None
    checksum: str | None = None
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """One canonical folder of a data set: a split, or the whole set.

    Attributes
    ----------
    name : str
        Folder inside the data set's folder; empty when the data set has one part only.
    kind : {"pairs", "images"}
        ``input/`` and ``target/`` with equal names, or ``images/``.
    count : int or None
        Pairs or images its publisher states; None where that is not known for certain.
    rules : tuple of Rule
        The original layouts in which it is around, the first that fits is taken.
    """

    name: str
    kind: Kind
    count: int | None
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Cut:
    """How the denoising papers cut a training set into patches.

    Attributes
    ----------
    size, overlap : int
        Width and overlap of the square patches in pixels.
    larger_than : int
        Pictures of which a side is not larger stay whole.
    """

    size: int
    overlap: int
    larger_than: int = 0


@dataclass(frozen=True)
class Entry:
    """A data set.

    Attributes
    ----------
    name : str
        What the command line and the recipes call it.
    title : str
        What papers call it.
    task : str
    role : str
        What it is for in the experiments.
    home : str
        Home page.
    licence : str
    parts : tuple of Part
    files : tuple of RemoteFile
        Empty when there is no address from which it could be downloaded.
    by_hand : str
        How to get it otherwise, up to what to hand to ``--from``.
    note : str
        What to know before using it.
    cut : Cut or None
        The usual patches, for training sets of large pictures.
    """

    name: str
    title: str
    task: str
    role: str
    home: str
    licence: str
    parts: tuple[Part, ...]
    files: tuple[RemoteFile, ...] = ()
    by_hand: str = ""
    note: str = ""
    cut: Cut | None = None

    def files_of(self, parts: tuple[Part, ...]) -> tuple[RemoteFile, ...]:
        """The downloads that hold any of these parts."""
        names = {part.name for part in parts}
        return tuple(file for file in self.files if not file.parts or names & set(file.parts))

    def full_name(self, part: Part) -> str:
        """``set/part``, or the set's name when it has one part only."""
        return f"{self.name}/{part.name}" if part.name else self.name
