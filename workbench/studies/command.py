"""What ``workbench study`` does with its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.comparison import Failure
from workbench.comparison.command import default_processes, numbered
from workbench.studies.declared import load_study, study_names
from workbench.studies.running import run_study
from workbench.tabular import as_text
from workbench.training.fitting import Interrupted


def list_studies() -> str:
    """The packaged studies as a table."""
    lines: dict[str, list[str]] = {}
    for study in map(load_study, study_names()):
        if study.title not in lines:
            lines[study.title] = [study.name, "", study.title]
        else:
            lines[study.title][1] += f" -{study.domain}"
    return as_text([["study", "its domains", "what it asks"], *lines.values()], right=())


def study_command(
    name: str,
    runs: Path | None,
    output: Path | None,
    cells: str | None,
    seeds: str | None,
    settings: Sequence[str],
    train: bool,
    processes: int | None,
) -> tuple[Path, list[Failure]]:
    """Run a study.

    Parameters
    ----------
    name : str
        A packaged study or a YAML file.
    runs : Path, optional
        By default ``runs/NAME``.
    output : Path, optional
        The CSV file, by default ``NAME.csv`` in ``runs``.
    cells, seeds : str, optional
        Only these, joined by commas.
    settings : sequence of str
        ``KEY=VALUE``, after the study's.
    train : bool
    processes : int, optional
        By default one a core, or one on a GPU.

    Returns
    -------
    path : Path
        The CSV file.
    failures : list of Failure

    Raises
    ------
    WorkbenchError
        There is no such study, cell or data set.
    Interrupted
        After SIGINT or SIGTERM, once the runs have written their checkpoints.
    """
    study = load_study(name).only(
        None if cells is None else [cell.strip() for cell in cells.split(",")],
        None if seeds is None else numbered(seeds.split(",")),
    )
    runs = Path("runs") / study.name if runs is None else runs
    path = runs / f"{study.name}.csv" if output is None else output
    grid = study.grid(runs, tuple(settings))
    try:
        return path, run_study(study, grid, path, processes or default_processes(), train)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; what was trained is kept, the same command goes on from there", 130) from None
