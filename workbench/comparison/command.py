"""What ``workbench compare`` does with its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.comparison.grid import CONTROLS, Cell, Grid, Job, controls, digest
from workbench.comparison.running import Failure, run_grid
from workbench.comparison.tables import FORMATS, write_tables
from workbench.data.domains import check_prepared, data_locations, held_out
from workbench.data.fingerprints import changed_location
from workbench.devices import trainings_at_once
from workbench.errors import WorkbenchError
from workbench.evaluation import get_protocol
from workbench.evaluation.sets import HELD_OUT_SOURCE, open_set
from workbench.files import is_plain_name
from workbench.methods import METHODS, Method, misfit, resolve
from workbench.recipes import Recipe, load_recipe, variant_settings
from workbench.runs.identity import difference


def compare(grid: Grid, processes: int | None, name: str | None, form: str) -> tuple[str, list[Failure]]:
    """Train and measure a grid; the tables go to ``RUNS/compare-RECIPE/``.

    Parameters
    ----------
    grid : Grid
        As of `make_grid`.
    processes : int, optional
        How many runs go on at the same time; one a core, or one on a GPU.
    name : str, optional
        Of the folder of the tables.
    form : str
        Of what is printed, one of `workbench.comparison.tables.FORMATS`.

    Returns
    -------
    printed : str
        The table in the asked format.
    failures : list of Failure

    Raises
    ------
    WorkbenchError
        There is no such format, or the tables cannot be written.
    Interrupted
        After SIGINT or SIGTERM, once the runs have written their checkpoints.
    """
    if form not in FORMATS:
        raise WorkbenchError(f"--format {form}: choose one of {', '.join(FORMATS)}")
    processes = processes or trainings_at_once()
    if name is not None and not is_plain_name(name):
        raise WorkbenchError(f"--name {name}: the tables lie in --runs, so give their folder a name without /")
    folder = grid.runs / (name or f"compare-{grid.prefix.removesuffix('-')}{grid.suffix}")
    printed = write_tables(grid, folder)[form]
    failures: list[Failure] = []
    try:
        failures = run_grid(grid, processes)
    finally:
        printed = write_tables(grid, folder, failures)[form]
    return printed, failures


def make_grid(
    task: str,
    scale: str,
    methods: Sequence[str] | None,
    control_names: Sequence[str],
    seeds: Sequence[str],
    settings: Sequence[str],
    data: Sequence[str],
    protocol: str,
    runs: Path,
) -> Grid:
    """The grid of a comparison, checked: what is wrong with the call shows before anything is trained.

    The runs are named as `workbench train` names them, so that each takes over the other's, with a suffix for settings
    that differ from the recipe's.

    Parameters
    ----------
    task, scale : str
        Of the packaged recipe; or ``task`` is a YAML file.
    methods : sequence of str, optional
        Names, noise-space also with variants as in ``noise-space+guarded``; by default all that are for the recipe's
        task.
    control_names : sequence of str
        As of `workbench.comparison.controls`.
    seeds : sequence of str
    settings : sequence of str
        ``KEY=VALUE``.
    data : sequence of str
        Places of test sets; none for those of the recipe.
    protocol : str
        Of the measurement.
    runs : Path

    Raises
    ------
    WorkbenchError
        When a recipe is not valid, there is no such variant, a method is not for its task or cannot be trained by it, a
        data set or a test set is missing, or a run folder holds a run of another recipe or of other pictures.
    """
    get_protocol(protocol)
    where = task if task.endswith((".yaml", ".yml")) else f"{task}-{scale}"
    recipe = load_recipe(where, settings)
    cells = {cell.name: cell for cell in controls(recipe, _named(control_names))}
    chosen = methods_for(recipe) if methods is None else _named(methods)
    cells |= {name: _cell(name) for name in chosen if name not in cells}
    numbers = numbered(seeds)
    if not cells:
        raise WorkbenchError("--methods: name at least one method")
    grid = Grid(
        where, tuple(sorted(cells.values(), key=_oracle_last)), numbers, _tests(recipe, data), Path(runs),
        tuple(settings), protocol, prefix=f"{recipe.name}-", suffix=digest(settings),
    )  # fmt: skip
    from workbench.training.fitting import check  # imports Lightning, for which lists of studies need not wait

    jobs = grid.jobs()
    for job in jobs:
        _check_task(job.resolved)
        check_prepared(data_locations(job.resolved.data))
    # A cell's seeds differ in nothing that could be wrong
    for job in {job.cell.name: job for job in jobs if not _trained(job)}.values():
        try:
            check(job.resolved)
        except WorkbenchError as error:
            raise WorkbenchError(f"{job.cell.name}: {error}; mend that, or leave it out of the comparison") from error
    return grid


def numbered(seeds: Sequence[str]) -> tuple[int, ...]:
    """Seeds as numbers, each once.

    Raises
    ------
    WorkbenchError
        One is none.
    """
    try:
        return tuple(dict.fromkeys(int(seed) for seed in seeds))
    except ValueError:
        raise WorkbenchError(f"--seeds {','.join(seeds)}: give whole numbers, such as 0,1,2") from None


def methods_for(recipe: Recipe) -> list[str]:
    """The methods of the recipe's own family and task, but for the controls; those of other packages come last."""
    family = METHODS.get(recipe.method, Method).family
    return [
        name
        for name, method in METHODS.items()
        if method.restores and recipe.task in method.tasks and method.family == family and name not in CONTROLS
    ]


def _check_task(recipe: Recipe) -> None:
    """See that a method restores, and is for the recipe's task."""
    if not METHODS[recipe.method].restores:
        raise WorkbenchError(f"method {recipe.method} trains no restorer; leave it out of --methods")
    if (reason := misfit(recipe)) is not None:
        raise WorkbenchError(f"{reason}; leave it out of --methods")


def _trained(job: Job) -> bool:
    """Whether the run has finished; a folder with a run of another recipe or of other pictures is an error."""
    run = job.run
    if not (run.checkpoint.exists() or run.finished):
        return False
    if (changed := difference(resolve(run.recipe), job.resolved)) is not None:
        problem = f"holds a run whose recipe differs at {changed}"
    elif (location := changed_location(run.fingerprints, data_locations(job.resolved.data))) is not None:
        problem = f"holds a run of other pictures than {location} has now"
    else:
        return job.trained
    raise WorkbenchError(f"{run.folder}: {problem}; use another --runs, or move that folder away")


def _cell(name: str) -> Cell:
    """The cell of a method, with the settings of the variants that are named after it."""
    method, *variants = name.split("+")
    settings = variant_settings(variants, f"--methods {method}")
    if not all(each.startswith(f"options.{method}.") for each in settings):
        raise WorkbenchError(f"--methods {name}: a variant here must be one that changes {method} alone; see --set")
    return Cell(name, method, variant=tuple(settings))


def _named(names: Sequence[str]) -> list[str]:
    return [name.strip() for name in names if name.strip()]


def _oracle_last(cell: Cell) -> bool:
    return cell.name == "oracle"


def _tests(recipe: Recipe, data: Sequence[str]) -> dict[str, str]:
    """Test sets by name; those of the recipe if none are given."""
    chosen = list(data) or [recipe.data.validation]
    if not data and any(held_out(entry) for entry in recipe.data.entries):
        chosen.append(HELD_OUT_SOURCE)
    tests: dict[str, str] = {}
    for location in chosen:
        test_set = open_set(location, data=recipe.data)
        if not getattr(test_set, "folder", Path()).is_dir():
            raise WorkbenchError(f"--data {location}: no such folder, with input/ and target/ in it")
        name = test_set.name
        tests[f"{name} ({location})" if name in tests else name] = location
    return tests
