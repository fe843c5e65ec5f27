"""Blind votes: two results without their names, which is better; kept in a CSV file beside the runs."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from apps.comparison import Comparison, Job
from apps.pictures import Crop
from workbench.errors import WorkbenchError
from workbench.files import check_plain

FILE = "votes.csv"
COLUMNS = ("time", "photo", "degradation", "x", "y", "zoom", "a", "b", "vote")
A, B, NEITHER = "a", "b", "neither"
MAX_BYTES = 10_000_000
"""No votes are added to a larger file."""


@dataclass(frozen=True)
class Ballot:
    """Two results of one photograph at one place, in an order drawn by lot.

    Attributes
    ----------
    photo : str
        Name of the comparison.
    crop : Crop
    a, b : str
        Titles of the views.
    """

    photo: str
    crop: Crop
    a: str
    b: str

    def swapped(self) -> Ballot:
        """The same in the other order."""
        return Ballot(self.photo, self.crop, self.b, self.a)


def draw(job: Job, rng: np.random.Generator) -> Ballot:
    """Draw a photograph, two of its results, their order and a place.

    Raises
    ------
    WorkbenchError
        There are not two results to choose from.
    """
    comparison = job.comparisons[rng.integers(len(job.comparisons))]
    pairs = list(itertools.combinations([view.title for view in comparison.restored], 2))
    if not pairs:
        raise WorkbenchError("a vote needs two restorers; choose another one and compare again")
    ballot = Ballot(
        comparison.name, Crop(*rng.uniform(0.1, 0.9, 2).round(3).tolist(), 3), *pairs[rng.integers(len(pairs))]
    )
    return ballot if rng.random() < 0.5 else ballot.swapped()


def keep(runs: Path, job: Job, ballot: Ballot, vote: str) -> None:
    """Add a vote to the file.

    Parameters
    ----------
    runs : Path
        Folder of run folders, where the file lies.
    vote : {"a", "b", "neither"}

    Raises
    ------
    WorkbenchError
        It cannot be written.
    """
    if vote not in (A, B, NEITHER):
        raise WorkbenchError(f"vote {vote!r}: choose a, b or neither")
    comparison = job[ballot.photo]
    row = (
        datetime.now(UTC).isoformat(timespec="seconds"), _plain(ballot.photo), str(job.degradation), *ballot.crop,
        *(_plain(_restorer(comparison, title)) for title in (ballot.a, ballot.b)), vote,
    )  # fmt: skip
    path = Path(runs) / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{FILE}.lock"), timeout=10):
            if path.exists():
                check_plain(path)
            size = path.stat().st_size if path.exists() else 0
            if size > MAX_BYTES:
                raise WorkbenchError(f"{path}: is full; move it away to go on voting")
            with path.open("a", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerows([row] if size else [COLUMNS, row])
    except (OSError, Timeout) as error:
        raise WorkbenchError(f"{path}: the vote cannot be written ({error})") from error


def tally(runs: Path) -> list[tuple[str, str, int, int, int]]:
    """How often each of two restorers was preferred, over all votes in the file.

    Returns
    -------
    list of tuple
        ``(one, other, votes for one, votes for other, votes for neither)``, most votes first; lines of the file that
        are no votes are left out.
    """
    try:
        check_plain(Path(runs) / FILE)
        with (Path(runs) / FILE).open(newline="", encoding="utf-8", errors="replace") as file:
            rows = list(csv.DictReader(file))
    except (OSError, WorkbenchError):
        return []
    counts: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        a, b, vote = row.get("a"), row.get("b"), row.get("vote")
        if not a or not b or vote not in (A, B, NEITHER):
            continue
        one, other = sorted((a, b))
        winner = {A: a, B: b}.get(vote)
        place = 2 if winner is None else 0 if winner == one else 1
        counts.setdefault((one, other), [0, 0, 0])[place] += 1
    found = [(*pair, *count) for pair, count in counts.items()]
    return sorted(found, key=lambda line: (-sum(line[2:]), line[:2]))


def _restorer(comparison: Comparison, title: str) -> str:
    return comparison.views[title].choice.name


def _plain(text: str) -> str:
    """Text that a spreadsheet takes for text, not for a formula."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r") else text


def as_text(lines: Sequence[tuple[str, str, int, int, int]]) -> list[list[str]]:
    """The tally as cells of a table."""
    return [
        [one, other, str(first), str(second), str(neither), str(first + second + neither)]
        for one, other, first, second, neither in lines
    ]
