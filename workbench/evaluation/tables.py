"""The papers' tables beside what was measured here.

A cell of a paper is claimed by the experiment that the paper describes there: a packaged recipe at scale ``paper`` with
a method and, where the table is about them, a named variant and a restorer. A run counts for the cell if its task, its
method and what distinguishes the variant are the same. Its mean over seeds is set against the paper's number only if
nothing else differs either: scale ``paper``, the recipe's settings, the paper's data set in full and the paper's
protocol. Every other run that counts gets a line of its own without the paper's number, labelled with its scale and
data. A cell without a run stays empty.

No torch here, so that ``workbench tables`` answers at once; only for runs of methods with settings of their own it is
imported, for what those settings are by default.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.evaluation.published import Number, published
from workbench.recipes import Recipe, load_recipe
from workbench.runs.measurements import Measurement

SCALES = ("paper", "bench", "desk", "pocket")

# The paper's names, as they are called here.
METHODS = {
    "Vanilla": "vanilla", "DANN": "dann", "DSN": "dsn", "PixelDA": "pixelda", "CyCADA": "cycada", "Ours": "noise-space",
    "Ours-Ex": "noise-space", "Ne2Ne": "neighbor2neighbor", "MaskedD": "masked", "NLCL": "nlcl",
    "Restormer": "vanilla", "SelfDeblur": "selfdeblur", "VDIP": "vdip", "C2N": "c2n", "AP-BSN": "ap-bsn",
}  # fmt: skip
RESTORERS = {"Restormer": "restormer"}
# Of these the paper had another network (C2N and MaskedD by its Table A2), or does not tell network and training. Runs
# of any restorer count, except where the row is named after one, and none is set against the paper's number.
NOT_COMPARED = frozenset({"Ne2Ne", "MaskedD", "NLCL", "Restormer", "C2N"})
PLAIN = frozenset({"vanilla", "noise-space"})
"""Methods whose recipes are written out as they are."""
RECIPES = {"denoising": "denoise-paper", "deraining": "derain-paper", "deblurring": "deblur-paper"}
DATA_SETS = {"SIDD": "sidd/validation", "SPA": "spa/test", "RealBlur-J": "realblur-j/test"}
ABLATIONS = {
    "(a)": "+table4-a", "(b)": "+table4-b", "(c)": "+table4-c", "(d)": "+table4-d", "(e)": "+table4-e",
    "(f) (Ours)": "", "(Only syn)": "+table4-only-syn", "(Only real)": "+table4-only-real",
}  # fmt: skip
PROTOCOLS = {
    "denoising": {
        "PSNR": {"blocks", "blocks-volume"}, "SSIM": {"blocks-volume"}, "LPIPS": {"blocks", "blocks-volume"},
    },
    "deraining": dict.fromkeys(("PSNR", "SSIM", "LPIPS"), {"y"}),
    "deblurring": dict.fromkeys(("PSNR", "SSIM", "LPIPS"), {"rgb"}),
}  # fmt: skip

# What distinguishes the paper's variants of its method, besides the restorer.
VARIANT_KEYS = tuple(
    f"noise_space.{key}" for key in ("timesteps", "channel_shuffle", "residual_swap", "conditions", "paired")
)
# What cannot change a result, and what is not of the experiment but about it.
_NEUTRAL_TRAINING = (
    "log_every", "validate_every", "checkpoint_every", "snapshot_every", "workers", "threads", "accelerator", "devices",
)  # fmt: skip
NEUTRAL_KEYS = frozenset(
    {
        "name", "description", "seed", "data.validation", "data.source_validation", "data.validation_images",
        *(f"{section}.{key}" for section in ("training", "warm_start") for key in _NEUTRAL_TRAINING),
    }
)  # fmt: skip
DIGITS = {"PSNR": 2, "SSIM": 4, "LPIPS": 4}


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
    runs: tuple[Path, ...] = field(default=(), compare=False)


def table_lines(paper: str, table: str | None, measurements: Iterable[Measurement]) -> list[Line]:
    """A paper's table, or all of them, joined with measurements.

    Parameters
    ----------
    paper, table : str
        As of `workbench.evaluation.published.published`.
    measurements : iterable of Measurement

    Returns
    -------
    list of Line
        In the paper's order; each cell begins with the line that has the paper's number.

    Raises
    ------
    WorkbenchError
        There is no such paper or table.
    """
    groups = _groups(measurements)
    lines = []
    for number in published(paper, table):
        experiment = _experiment(number)
        compared, others = [], []
        if experiment is not None:
            for group in groups:
                if (line := _line(number, experiment, group)) is not None:
                    (others if line.difference is None else compared).append(line)
        lines += compared or [Line(*_place(number), published=number.printed)]
        lines += sorted(others, key=_order)
    return lines


def _order(line: Line) -> tuple:
    return SCALES.index(line.scale), bool(line.settings), line.settings, line.data, line.protocol


def _place(number: Number) -> tuple[str, ...]:
    return number.paper, number.table, number.row, number.column, number.metric


@cache
def _experiment(number: Number) -> Recipe | None:
    """The experiment that a published number is about; None if it is none that can be run here."""
    if number.paper != "noise-da" or number.metric not in DIGITS:
        return None
    if number.table == "4":
        return load_recipe(f"denoise-paper{ABLATIONS[number.row]}")
    if number.row not in METHODS:
        return None
    method = METHODS[number.row]
    if number.table == "A3":
        return load_recipe("denoise-paper", [f"restorer={{name: {number.column.lower()}}}"], method=method)
    variant = "+unpaired-coco" if number.row == "Ours-Ex" else ""
    restorer = [f"restorer={{name: {RESTORERS[number.row]}}}"] if number.row in RESTORERS else []
    return load_recipe(RECIPES[number.column] + variant, restorer, method=method)


def _written_out(recipe: Recipe) -> Recipe:
    """The recipe as training writes it into a run's folder."""
    if recipe.method in PLAIN:
        return recipe
    from workbench.methods import resolve

    return resolve(recipe)


def _groups(measurements: Iterable[Measurement]) -> list[list[Measurement]]:
    """Measurements that differ in nothing but the seed; of a seed that was trained twice the later one counts."""
    groups: dict[str, dict[int, Measurement]] = {}
    for each in sorted(measurements, key=lambda each: each.record.date):
        record = each.record
        what = record.data_set if record.data_set and record.complete else f"{record.place} {record.images}"
        key = json.dumps([_settings(each.recipe), what, record.protocol], default=str)
        groups.setdefault(key, {})[each.recipe.seed] = each
    return [list(group.values()) for group in groups.values()]


def _line(number: Number, experiment: Recipe, group: list[Measurement]) -> Line | None:
    """A group's line under a published number; None if it does not count for it or has no such metric."""
    recipe, record = group[0].recipe, group[0].record
    metric = number.metric.lower()
    group = [each for each in group if each.record.mean.get(metric) is not None]
    if not group or (recipe.task, recipe.method) != (experiment.task, experiment.method):
        return None
    experiment = _written_out(experiment)
    any_restorer = number.row in NOT_COMPARED and number.row not in RESTORERS
    if not _same_variant(recipe, experiment) or not (any_restorer or _same_restorer(recipe, experiment)):
        return None
    values = [each.record.mean[metric] for each in group]
    mean = statistics.fmean(values)
    comparable = (
        number.row not in NOT_COMPARED
        and _settings(recipe) == _settings(experiment)
        and record.complete
        and record.data_set == DATA_SETS.get(number.data)
        and record.protocol in PROTOCOLS[experiment.task][number.metric]
    )
    return Line(
        *_place(number),
        published=number.printed if comparable else "",
        ours=mean,
        spread=statistics.stdev(values) if len(values) > 1 else None,
        difference=mean - number.value if comparable else None,
        n=len(values),
        scale=recipe.scale,
        data=record.data if record.complete or record.data_set is None else f"{record.images} of {record.data}",
        protocol=record.protocol,
        settings=_changes(recipe),
        commit=" ".join(sorted({each.commit for each in group} - {""})),
        runs=tuple(each.run for each in group),
    )


def _same_restorer(recipe: Recipe, experiment: Recipe) -> bool:
    """Whether a run trains the experiment's restorer or, at another scale, one of its kind."""
    if recipe.scale == experiment.scale:
        return recipe.restorer == experiment.restorer
    return _family(recipe) == _family(experiment)


def _same_variant(recipe: Recipe, experiment: Recipe) -> bool:
    """Whether a run has what distinguishes the experiment among those of its method, at whatever scale."""
    ours, theirs = _settings(recipe), _settings(experiment)
    return all(ours.get(key) == theirs.get(key) for key in VARIANT_KEYS)


def _family(recipe: Recipe) -> str:
    """The kind of restorer: a smaller scale has a smaller one of the same kind."""
    return recipe.restorer.name.partition("-")[0]


def _settings(recipe: Recipe) -> dict[str, object]:
    """All that makes up a run, by dotted key; nothing of methods other than its own."""
    flat: dict[str, object] = {}

    def add(tree: dict, prefix: str) -> None:
        for key, value in tree.items():
            if isinstance(value, dict):
                add(value, f"{prefix}{key}.")
            else:
                flat[f"{prefix}{key}"] = value

    tree = recipe.model_dump(mode="json")
    if recipe.method != "noise-space":
        del tree["noise_space"]
    add(tree, "")
    return {key: value for key, value in flat.items() if key not in NEUTRAL_KEYS}


def _changes(recipe: Recipe) -> str:
    """What a run changes in the packaged recipe of its name, beyond what makes it the variant that it is."""
    try:
        packaged = _settings(_written_out(load_recipe(recipe.name, method=recipe.method)))
    except WorkbenchError:
        return f"recipe {recipe.name}, not packaged"
    ours, absent = _settings(recipe), object()

    def replaced(key: str) -> bool:
        """Whether the run has something else in place of the key's section, such as no warm start."""
        return any(key.startswith(f"{each}.") or each.startswith(f"{key}.") for each in ours)

    keys = [*ours, *(key for key in packaged if key not in ours and not replaced(key))]
    changed = (key for key in keys if ours.get(key, absent) != packaged.get(key, absent) and key not in VARIANT_KEYS)
    return " ".join(f"{key}={json.dumps(ours.get(key))}" for key in changed)
