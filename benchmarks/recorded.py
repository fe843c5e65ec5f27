"""The recorded numbers of the studies, as the pages tell them: which rows, and in which order."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from workbench.comparison.tables import read_csv
from workbench.studies import load_study, study_names

RESULTS = Path(__file__).parent / "results"
FILES = {"rivals-photographs": "real-photographs"}
"""Of the studies whose CSV has another name."""
RIVALS = [
    name
    for name, cell in load_study("real-photographs").cells.items()
    if cell.method == name not in ("vanilla", "oracle")
]
"""Cells of the photographs' study."""
BESIDE_RIVALS = ("input", "vanilla", "vanilla-early-1000", "adapted-c5", "guarded-c5", "oracle")
ORDER = ("input", "vanilla", "vanilla + best blur", "vanilla-", "awgn-as-target", "", "adapted", "guarded", "oracle")
"""Beginnings of the names of rows, in the order in which every table has them; the empty one stands for all others."""


def file_of(study: str) -> Path:
    """The CSV file of a study."""
    return RESULTS / f"{FILES.get(study, study)}.csv"


def place_of(cell: str) -> int:
    """Where a row stands in a table, by `ORDER`."""
    if cell in ORDER:
        return ORDER.index(cell)
    fitting = [place for place, start in enumerate(ORDER) if start and place > 2 and cell.startswith(start)]
    return fitting[0] if fitting else ORDER.index("")


def read(study: str) -> pd.DataFrame:
    """A study's rows, those of a domain's rivals in the order of their study.

    Those of photographs are told twice: ``rivals-photographs`` has the rivals and main controls.
    """
    rows = read_csv(file_of(study))
    of_rivals = rows.cell.isin(RIVALS)
    if study == "rivals-photographs":
        rows = rows[of_rivals | rows.cell.isin(BESIDE_RIVALS)]
        return pd.concat([rows[rows.cell != "oracle"], rows[rows.cell == "oracle"]])
    if study.startswith("rivals-") and study in study_names():
        order = ["input", *load_study(study).cells]
        return rows.sort_values("cell", key=lambda names: names.map(order.index), kind="stable")
    return rows[~of_rivals] if study == "real-photographs" else rows
