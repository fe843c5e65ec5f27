"""What was found in, or made of, a data set's folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

SHOWN = 20
"""Problems of a part that are printed; of the others the number is named."""


@dataclass
class PartOutcome:
    """One canonical folder.

    Attributes
    ----------
    name : str
        The part, empty for the folder itself.
    kind : {"pairs", "images"}
    count : int or None
        Pairs or images that are there; None when they were not counted.
    expected : int or None
        How many there should be, if that is published.
    problems : list of str
        One line each.
    news : str
        What was done, such as ``already there``.
    """

    name: str
    kind: str
    count: int | None
    expected: int | None = None
    problems: list[str] = field(default_factory=list)
    news: str = ""

    def compare(self) -> None:
        """Note it as a problem when the number is not the published one."""
        if self.count is not None and self.expected is not None and self.count != self.expected:
            self.problems.append(f"{self._number()}, {self.expected:,} are published")

    def lines(self, folder: Path) -> list[str]:
        """In words, line by line."""
        parts = [self._number(), self.news, _number_of(self.problems)]
        head = f"{folder / self.name}: {', '.join(part for part in parts if part)}"
        more = [f"  ... and {len(self.problems) - SHOWN:,} more"] if len(self.problems) > SHOWN else []
        return [head, *(f"  {problem}" for problem in self.problems[:SHOWN]), *more]

    def _number(self) -> str:
        if self.count is None:
            return ""
        return f"{self.count:,} {self.kind.removesuffix('s') if self.count == 1 else self.kind}"


@dataclass
class Outcome:
    """A data set's folder."""

    folder: Path
    parts: list[PartOutcome] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not any(part.problems for part in self.parts)

    def lines(self) -> list[str]:
        """In words, line by line."""
        return [line for part in self.parts for line in part.lines(self.folder)]


def _number_of(problems: list[str]) -> str:
    if not problems:
        return ""
    return "1 problem:" if len(problems) == 1 else f"{len(problems):,} problems:"
