"""What belongs to a paper, a room each: its published numbers, its tables and names; and the tables beside runs."""

from workbench.errors import WorkbenchError
from workbench.papers.drdd import DRDD
from workbench.papers.noise_space_adaptation import NOISE_SPACE_ADAPTATION
from workbench.papers.paper import Experiment, Number, Paper

PAPERS: dict[str, Paper] = {paper.key: paper for paper in (NOISE_SPACE_ADAPTATION, DRDD)}


def published(paper: str, table: str | None = None) -> list[Number]:
    """The numbers of a paper in the order of its tables.

    Parameters
    ----------
    paper : str
        A key of `PAPERS`.
    table : str, optional
        As of `Paper.published`.

    Raises
    ------
    WorkbenchError
        There is no such paper or table.

    Examples
    --------
    >>> [number.printed for number in published("noise-da", "1") if number.row == "Ours"]
    ['34.71', '0.9202', '0.0903']
    """
    if paper not in PAPERS:
        raise WorkbenchError(f"no numbers of a paper called {paper!r}; choose one of {', '.join(PAPERS)}")
    return PAPERS[paper].published(table)


__all__ = ["PAPERS", "Experiment", "Number", "Paper", "published"]
