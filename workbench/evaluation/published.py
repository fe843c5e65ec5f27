"""The numbers that the two papers print in their tables, as data.

``published.csv`` beside this module has a line for each of them: ``paper``, ``table``, ``row`` (method or variant),
``column`` (task or setting), ``metric``, ``data`` (data set, as the paper calls it), ``value`` and ``note``. ``value``
is the number; it is empty where the cell holds more than one. ``note`` quotes what is printed if that is not ``value``.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from workbench.errors import WorkbenchError


@dataclass(frozen=True)
class Paper:
    """A paper: what it is called here, its reference, and what each of its tables is about."""

    title: str
    reference: str
    tables: dict[str, str]


PAPERS = {
    "noise-da": Paper(
        "Noise-DA",
        "Liao, Yue, Wang, Loy: Denoising as Adaptation: Noise-Space Domain Adaptation for Image Restoration, ICLR 2025",
        {
            "1": "denoising, SIDD test set",
            "2": "deraining, SPA test set",
            "3": "deblurring, RealBlur-J test set",
            "4": "ablations, SIDD test set",
            "5": "a deeper restorer against self-supervised denoising, SIDD test set",
            "A1": "paired and unpaired diffusion input",
            "A2": "complexity of the restorers",
            "A3": "other restorers, SIDD test set",
        },
    ),
    "drdd": Paper(
        "DRDD",
        "Lin et al.: Decoupled Residual Denoising Diffusion Models for Unified and Data Efficient Image-to-Image"
        " Translation, arXiv:2606.01048, 2026",
        {
            "1": "five restoration tasks in one model, All-in-One-5",
            "2": "denoising in three domains, MNMD",
            "3": "decoupled and coupled SDE-based diffusion",
            "4": "sizes of the data sets",
            "5(a)": "deraining alone",
            "5(b)": "denoising alone",
            "6": "inpainting, CelebA-HQ",
            "7": "edges to objects",
            "8": "ablations, All-in-One-5",
            "9": "computational cost",
            "10": "numbers of sampling steps",
            "11": "real data sets not seen in training",
            "C.7": "PSNR, All-in-One-5",
            "C.8": "smaller training sets, All-in-One-3",
            "C.9": "levels of the injected noise",
        },
    ),
}


@dataclass(frozen=True)
class Number:
    """A cell of a paper's table.

    Attributes
    ----------
    paper : str
        A key of `PAPERS`.
    table, row, column, metric, data : str
        Where it stands; ``data`` is empty for numbers that belong to no data set, such as parameter counts.
    value : float or None
        None where the cell holds more than one number.
    printed : str
        As the paper prints it.
    note : str
        What else there is to say.
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


def published(paper: str, table: str | None = None) -> list[Number]:
    """The numbers of a paper in the order of its tables.

    Parameters
    ----------
    paper : str
        A key of `PAPERS`.
    table : str, optional
        Only this table, in any case of letters; ``5`` stands for ``5(a)`` and ``5(b)`` too.

    Raises
    ------
    WorkbenchError
        There is no such paper or table.
    """
    if paper not in PAPERS:
        raise WorkbenchError(f"no numbers of a paper called {paper!r}; choose one of {', '.join(PAPERS)}")
    names = PAPERS[paper].tables
    if table is not None:
        names = [name for name in names if table.lower() in (name.lower(), name.partition("(")[0].lower())]
        if not names:
            known = ", ".join(PAPERS[paper].tables)
            raise WorkbenchError(f"the paper {paper} has no table {table!r} of numbers; choose one of {known}")
    return [number for number in _numbers() if number.paper == paper and number.table in names]


@cache
def _numbers() -> tuple[Number, ...]:
    text = (resources.files("workbench.evaluation") / "published.csv").read_text(encoding="utf-8")
    return tuple(_number(**line) for line in csv.DictReader(text.splitlines()))


def _number(value: str, note: str, **place: str) -> Number:
    printed = value
    if note.startswith("printed "):
        printed, _, note = note.removeprefix("printed ").partition("; ")
    return Number(**place, value=float(value) if value else None, printed=printed, note=note)
