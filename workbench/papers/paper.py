"""A paper as data: what it prints in its tables, and which of that can be trained and measured here.

``published.csv`` in a paper's folder has a line for each number: ``table``, ``row`` (method or variant), ``column``
(task or setting), ``metric``, ``data`` (data set, as the paper calls it), ``value`` and ``note``. ``value`` is the
number; it is empty where the cell holds more than one. ``note`` quotes what is printed if that is not ``value``, and
says what is wrong with it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources

from workbench.errors import WorkbenchError
from workbench.recipes import Recipe


@dataclass(frozen=True)
class Number:
    """A cell of a paper's table.

    Attributes
    ----------
    paper : str
        The paper's key in `workbench.papers.PAPERS`.
    table, row, column, metric, data : str
        Where it stands; ``data`` is empty for numbers that belong to no data set, such as parameter counts.
    value : float or None
        None where the cell holds more than one number.
    printed : str
        As the paper prints it.
    note : str
        What else there is to say, such as that an average is not that of its row.
    """

    paper: str
    table: str
    row: str
    column: str
    metric: str
    data: str
    value: float | None
    printed: str
    note: str


@dataclass(frozen=True)
class Experiment:
    """What a published number is about, as it is trained and measured here.

    Attributes
    ----------
    recipe : Recipe
        The packaged recipe at scale ``paper``, with the method, the restorer and the variant of the cell.
    data_set : str
        The paper's test set by its name in the catalogue of data sets.
    protocols : frozenset of str
        By which the metric is the paper's.
    variant_keys : tuple of str
        Dotted keys that tell the paper's variants of its method apart.
    any_restorer : bool
        Runs with any restorer count.
    apart : str
        Why no run is set against the paper's number; empty where like meets like.
    task : str
        What the test pictures are for; empty where that is the recipe's task.
    """

    recipe: Recipe
    data_set: str
    protocols: frozenset[str]
    variant_keys: tuple[str, ...] = ()
    any_restorer: bool = False
    apart: str = ""
    task: str = ""


@dataclass(frozen=True)
class Paper:
    """A paper.

    Attributes
    ----------
    key : str
        What the command line calls it.
    title, reference : str
    folder : str
        The package that holds its ``published.csv``.
    tables : dict of str to str
        What each of its tables of numbers is about.
    experiment : callable
        From a number to its `Experiment`, or to the reason why there is none here.
    notes : dict of str to str
        By table, what its reader should know.
    """

    key: str
    title: str
    reference: str
    folder: str
    tables: dict[str, str]
    experiment: Callable[[Number], Experiment | str]
    notes: dict[str, str] = field(default_factory=dict)

    @cached_property
    def numbers(self) -> tuple[Number, ...]:
        """All that it prints, in the order of its tables."""
        text = (resources.files(self.folder) / "published.csv").read_text(encoding="utf-8")
        return tuple(_number(paper=self.key, **line) for line in csv.DictReader(text.splitlines()))

    def published(self, table: str | None = None) -> list[Number]:
        """The numbers of a table or of all.

        Parameters
        ----------
        table : str, optional
            Only this one, in any case of letters; ``5`` stands for ``5(a)`` and ``5(b)`` too.

        Raises
        ------
        WorkbenchError
            There is no such table.
        """
        names = list(self.tables)
        if table is not None:
            names = [name for name in names if table.lower() in (name.lower(), name.partition("(")[0].lower())]
            if not names:
                known = ", ".join(self.tables)
                raise WorkbenchError(f"the paper {self.key} has no table {table!r} of numbers; choose one of {known}")
        return [number for number in self.numbers if number.table in names]


def _number(value: str, note: str, **place: str) -> Number:
    printed = value
    if note.startswith("printed "):
        printed, _, note = note.removeprefix("printed ").partition("; ")
    return Number(**place, value=float(value) if value else None, printed=printed, note=note)
