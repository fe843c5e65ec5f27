"""The papers' tables beside what was measured here.

A cell of a paper is claimed by the experiment that the paper describes there (`workbench.papers.Experiment`): a
packaged recipe at scale ``paper`` with a method and, where the table is about them, a named variant and a restorer. A
run counts for the cell if its task, its method and what distinguishes the variant are the same, and if it was measured
on pictures that are for that task. Its mean over seeds is set against the paper's number only if nothing else differs
either: scale ``paper``, the recipe's settings, the paper's data set in full and the paper's protocol. Every other run
that counts gets a line of its own without the paper's number, labelled with its scale and data. A cell without a run
says why.

No torch here, so that ``workbench tables`` answers at once; only for runs of methods with settings it is imported, for
what those settings are by default.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.evaluation.measures import METRICS
from workbench.papers import PAPERS, Experiment, Number, published
from workbench.recipes import Recipe, load_recipe
from workbench.runs.evaluations import Evaluation
from workbench.runs.identity import EXPERIMENT, deciding
from workbench.runs.measurements import Measurement

SCALES = ("paper", "bench", "desk", "pocket")
EMBEDDED = {
    "simulated-camera": "denoising", "simulated-rain": "deraining", "simulated-shake": "deblurring",
    "held-out-source": "the source domain",
}  # fmt: skip
"""What the embedded test sets are for; none of the papers' tables is about the source domain."""

DIGITS = {metric.title: metric.digits for metric in METRICS.values()}


@dataclass(frozen=True)
class Line:
    """A line of a result table; what does not apply is None or empty.

    Attributes
    ----------
    paper, table, row, column, metric : str
        The paper's cell.
    published : str
        The paper's number as it is printed.
    ours, spread, difference : float or None
        Mean over the seeds, their sample standard deviation (None for a single seed), and mean less the paper's number.
    n : int
        Number of seeds; 0 without a run.
    scale, data, protocol, settings, commit : str
        Of the runs: ``settings`` is what they change in the packaged recipe, beyond the variant.
    why : str
        Why the paper's number stands alone; empty where ours is beside it.
    note : str
        What there is to say of the paper's number.
    runs : tuple of Path
        Their folders; not in any printed form.
    """

    paper: str
    table: str
    row: str
    column: str
    metric: str
    published: str = ""
    ours: float | None = None
    spread: float | None = None
    difference: float | None = None
    n: int = 0
    scale: str = ""
    data: str = ""
    protocol: str = ""
    settings: str = ""
    commit: str = ""
    why: str = ""
    note: str = ""
    runs: tuple[Path, ...] = field(default=(), compare=False)


def table_lines(
    paper: str, table: str | None, measurements: Iterable[Measurement], tasks: Mapping[str, str]
) -> list[Line]:
    """A paper's table, or all of them, joined with measurements.

    Parameters
    ----------
    paper, table : str
        As of `workbench.papers.published`.
    measurements : iterable of Measurement
    tasks : dict of str to str
        What data sets are for, by name (`data_tools.catalogue.tasks`). What was measured on pictures that are for
        another task, or of which nobody says what they are for, does not count; a run's own held-out pictures are for
        its task.

    Returns
    -------
    list of Line
        In the paper's order; each cell begins with the line that has the paper's number.

    Raises
    ------
    WorkbenchError
        There is no such paper or table.
    """
    numbers, groups = published(paper, table), _groups(measurements)
    lines = []
    for number in numbers:
        experiment = PAPERS[paper].experiment(number)
        if isinstance(experiment, str):
            lines.append(Line(*_place(number), published=number.printed, why=experiment, note=number.note))
            continue
        task = experiment.task or experiment.recipe.task
        counted = [group for group in groups if _purpose(group[0], tasks) == task]
        found = [line for group in counted if (line := _line(number, experiment, group)) is not None]
        compared = [line for line in found if line.difference is not None]
        missing = f"no run of {experiment.recipe.name}, measured on {experiment.data_set}"
        why = experiment.apart or missing
        lines += compared or [Line(*_place(number), published=number.printed, why=why, note=number.note)]
        lines += sorted((line for line in found if line.difference is None), key=_order)
    return lines


def of_unknown_purpose(measurements: Iterable[Measurement], tasks: Mapping[str, str]) -> list[str]:
    """The names of test sets of which nobody says what they are for; see `table_lines`."""
    return sorted({each.evaluation.data for each in measurements if _purpose(each, tasks) is None})


def _purpose(measured: Measurement, tasks: Mapping[str, str]) -> str | None:
    """The task that the pictures of a measurement are for; None if nobody says. A folder goes by its name."""
    evaluation, recipe = measured.evaluation, measured.recipe
    if evaluation.location in EMBEDDED:
        return EMBEDDED[evaluation.location]
    known = tasks.get(re.split(r"[/+]", evaluation.data_set or evaluation.data)[0].lower())
    own = evaluation.location in (recipe.data.validation, str(Path(recipe.data.validation).expanduser()))
    return recipe.task if known is None and own else known


def _order(line: Line) -> tuple:
    return SCALES.index(line.scale), bool(line.settings), line.settings, line.data, line.protocol


def _place(number: Number) -> tuple[str, ...]:
    return number.paper, number.table, number.row, number.column, number.metric


def _written_out(recipe: Recipe) -> Recipe:
    """The recipe as training writes it into a run's folder now; that of a method that is gone as it is."""
    if recipe.method == "vanilla":  # has no settings, and needs no torch
        return recipe.model_copy(update={"options": {}})
    from workbench.methods import resolve

    try:
        return resolve(recipe)
    except WorkbenchError:
        return recipe


def _groups(measurements: Iterable[Measurement]) -> list[list[Measurement]]:
    """Measurements that differ in nothing but the seed, the metrics and the date, by which they are sorted."""
    groups: dict[str, list[Measurement]] = {}
    for each in sorted(measurements, key=lambda each: each.evaluation.date):
        each = replace(each, recipe=_written_out(each.recipe))
        done = each.evaluation
        what = done.data_set if done.data_set and done.complete else f"{done.location} {done.images}"
        key = json.dumps([_settings(each.recipe), what, done.protocol, done.options], default=str)
        groups.setdefault(key, []).append(each)
    return list(groups.values())


def _options(evaluation: Evaluation) -> list[str]:
    """What was asked of the restorer other than its card says."""
    return [f"option {key}={value}" for key, value in sorted(evaluation.options.items())]


def _line(number: Number, experiment: Experiment, group: list[Measurement]) -> Line | None:
    """A group's line under a published number; None if it does not count for it or has no such metric.

    Of a seed that was trained or measured twice the later one counts.
    """
    metric = number.metric.lower()
    latest = {each.recipe.seed: each for each in group if metric in each.evaluation.mean}
    group = [each for each in latest.values() if each.evaluation.mean[metric] is not None]
    theirs, keys = experiment.recipe, experiment.variant_keys
    if not group or (group[0].recipe.task, group[0].recipe.method) != (theirs.task, theirs.method):
        return None
    recipe, done = group[0].recipe, group[0].evaluation
    theirs = _written_out(theirs)
    if not _same_variant(recipe, theirs, keys) or not (experiment.any_restorer or _same_restorer(recipe, theirs)):
        return None
    values = [each.evaluation.mean[metric] for each in group]
    mean = statistics.fmean(values)
    comparable = (
        not experiment.apart
        and not done.options
        and _settings(recipe) == _settings(theirs)
        and done.complete
        and done.data_set == experiment.data_set
        and done.protocol in experiment.protocols
    )
    return Line(
        *_place(number),
        published=number.printed if comparable else "",
        ours=mean,
        spread=statistics.stdev(values) if len(values) > 1 else None,
        difference=mean - number.value if comparable else None,
        n=len(values),
        scale=recipe.scale,
        data=done.data if done.complete or done.data_set is None else f"{done.images} of {done.data}",
        protocol=done.protocol,
        settings=" ".join(filter(None, [_changes(recipe, keys), *_options(done)])),
        commit=" ".join(sorted({each.commit for each in group} - {""})),
        note=number.note if comparable else "",
        runs=tuple(each.run for each in group),
    )


def _same_restorer(recipe: Recipe, experiment: Recipe) -> bool:
    """Whether a run trains the experiment's restorer or, at another scale, one of its kind."""
    if recipe.scale == experiment.scale:
        return recipe.restorer == experiment.restorer
    return _family(recipe) == _family(experiment)


def _same_variant(recipe: Recipe, experiment: Recipe, keys: tuple[str, ...]) -> bool:
    """Whether a run has what distinguishes the experiment among those of its method, at whatever scale."""
    ours, theirs = _settings(recipe), _settings(experiment)
    return all(ours.get(key) == theirs.get(key) for key in keys)


def _family(recipe: Recipe) -> str:
    """The kind of restorer: a smaller scale has a smaller one of the same kind."""
    return recipe.restorer.name.partition("-")[0]


def _settings(recipe: Recipe) -> dict[str, object]:
    """All that makes up the experiment, by dotted key; a seed is one try of it."""
    settings = deciding(recipe, EXPERIMENT)
    del settings["seed"]
    return settings


def _changes(recipe: Recipe, variant_keys: tuple[str, ...]) -> str:
    """What a run changes in the packaged recipe of its name, beyond what makes it the variant that it is."""
    try:
        packaged = _settings(_written_out(load_recipe(recipe.name, method=recipe.method)))
    except WorkbenchError:
        return f"recipe {recipe.name}, not packaged"
    ours, absent = _settings(recipe), object()

    def replaced(key: str) -> bool:
        """Whether the run has something else in place of the key's section, such as no warm start."""
        return any(key.startswith(f"{each}.") or each.startswith(f"{key}.") for each in ours)

    listed = [*ours, *(key for key in packaged if key not in ours and not replaced(key))]
    changed = (key for key in listed if ours.get(key, absent) != packaged.get(key, absent) and key not in variant_keys)
    return " ".join(f"{key}={json.dumps(ours.get(key))}" for key in changed)
