"""What ``workbench compare`` does with its arguments."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch

from workbench.comparison.grid import Cell, Grid, controls, digest
from workbench.comparison.running import Failure, run_grid
from workbench.comparison.tables import FORMATS, write_tables
from workbench.data.domains import PAIRS, check_prepared, places
from workbench.errors import WorkbenchError
from workbench.evaluation import get_protocol
from workbench.evaluation.sets import HELD_OUT_SOURCE, open_set
from workbench.recipes import Recipe, load_recipe
from workbench.training.fit import Interrupted


def compare(
    task: str,
    scale: str,
    methods: Sequence[str],
    control_names: Sequence[str],
    seeds: Sequence[str],
    settings: Sequence[str],
    data: Sequence[str],
    protocol: str,
    runs: Path,
    name: str | None,
    processes: int | None,
    form: str,
) -> tuple[str, list[Failure]]:
    """Train and measure; what is wrong with the call shows before anything is trained.

    The runs are named as `workbench train` names them, so that each takes over the other's, with a suffix for settings
    that differ from the recipe's. The tables go to ``RUNS/compare-RECIPE/``.

    Returns
    -------
    printed : str
        The table in the asked format.
    failures : list of Failure

    Raises
    ------
    WorkbenchError
        When the call is wrong.
    Interrupted
        After SIGINT or SIGTERM, once the runs have written their checkpoints.
    """
    if form not in FORMATS:
        raise WorkbenchError(f"--format {form}: choose one of {', '.join(FORMATS)}")
    get_protocol(protocol)
    grid = make_grid(task, scale, methods, control_names, seeds, settings, data, protocol, runs)
    if processes is None:
        processes = 1 if torch.cuda.is_available() else os.cpu_count() or 1
    folder = Path(runs) / (name or f"compare-{grid.prefix.removesuffix('-')}{grid.suffix}")
    printed = write_tables(grid, folder)[form]
    failures: list[Failure] = []
    try:
        failures = run_grid(grid, processes)
    except KeyboardInterrupt:
        raise Interrupted("interrupted; what was trained is kept, the same command goes on from there", 130) from None
    finally:
        printed = write_tables(grid, folder, failures)[form]
    return printed, failures


def make_grid(
    task: str,
    scale: str,
    methods: Sequence[str],
    control_names: Sequence[str],
    seeds: Sequence[str],
    settings: Sequence[str],
    data: Sequence[str],
    protocol: str,
    runs: Path,
) -> Grid:
    """The grid of a comparison, checked: every recipe is valid, its data sets and the test sets are there."""
    where = task if task.endswith((".yaml", ".yml")) else f"{task}-{scale}"
    recipe = load_recipe(where, settings)
    cells = {cell.name: cell for cell in controls(recipe, list(filter(None, control_names)))}
    cells |= {method: Cell(method, method) for method in methods if method and method not in cells}
    try:
        numbers = tuple(dict.fromkeys(int(seed) for seed in seeds))
    except ValueError:
        raise WorkbenchError(f"--seeds {','.join(seeds)}: give whole numbers, such as 0,1,2") from None
    if not cells:
        raise WorkbenchError("--methods: name at least one method")
    grid = Grid(
        where, tuple(sorted(cells.values(), key=_oracle_last)), numbers, _tests(recipe, data), Path(runs),
        tuple(settings), protocol, prefix=f"{recipe.name}-", suffix=digest(settings),
    )  # fmt: skip
    for job in grid.jobs():
        check_prepared(places(job.resolved.data))
    return grid


def _oracle_last(cell: Cell) -> bool:
    return cell.name == "oracle"


def _tests(recipe: Recipe, data: Sequence[str]) -> dict[str, str]:
    """Test sets by name; those of the recipe if none are given."""
    chosen = list(data) or [recipe.data.validation]
    if not data and (recipe.data.source_validation or recipe.data.degradation != PAIRS):
        chosen.append(HELD_OUT_SOURCE)
    tests: dict[str, str] = {}
    for place in chosen:
        test_set = open_set(place, data=recipe.data)
        if not getattr(test_set, "folder", Path()).is_dir():
            raise WorkbenchError(f"--data {place}: no such folder, with input/ and target/ in it")
        name = test_set.name
        tests[f"{name} ({place})" if name in tests else name] = place
    return tests
