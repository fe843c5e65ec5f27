"""The papers' tables beside what was measured here.

A cell of a paper is claimed by the experiment that the paper describes there: a packaged recipe at scale ``paper`` with
a method and, where the table is about them, a named variant and a restorer. A run counts for the cell if its task, its
method and what distinguishes the variant are the same. Its mean over seeds is set against the paper's number only if
nothing else differs either: scale ``paper``, the recipe's settings, the paper's data set in full and the paper's
protocol. Every other run that counts gets a line of its own without the paper's number, labelled with its scale and
data. A cell without a run stays empty.

No torch here, so that ``workbench tables`` answers at once.
"""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.evaluation.published import PAPERS, Number, published
from workbench.evaluation.records import FOLDER, Record, read_record
from workbench.recipes import Recipe, load_recipe

FORMATS = ("text", "md", "latex", "csv")
SCALES = ("paper", "bench", "pocket")

# The paper's names, as they are called here.
METHODS = {
    "Vanilla": "vanilla", "DANN": "dann", "DSN": "dsn", "PixelDA": "pixelda", "CyCADA": "cycada", "Ours": "noise-space",
    "Ours-Ex": "noise-space",
}  # fmt: skip
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
    "log_every", "validate_every", "checkpoint_every", "workers", "threads", "accelerator", "devices",
)  # fmt: skip
NEUTRAL_KEYS = frozenset(
    {
        "name", "description", "seed", "data.validation", "data.source_validation", "data.validation_images",
        *(f"{section}.{key}" for section in ("training", "warm_start") for key in _NEUTRAL_TRAINING),
    }
)  # fmt: skip
DIGITS = {"PSNR": 2, "SSIM": 4, "LPIPS": 4}

DIFFERENCE = (
    "Difference: ours minus the paper's, given only for runs of the paper's recipe at scale 'paper', measured on all of"
    " the paper's data set by its protocol. Other lines are other experiments: see their scale and data. Spread: sample"
    " standard deviation over n seeds."
)
LPIPS = "The paper does not say on which network its LPIPS rests; ours is AlexNet."


@dataclass(frozen=True)
class Measurement:
    """A record of a run, with the run's recipe and the commit it was trained at."""

    run: Path
    recipe: Recipe
    commit: str
    record: Record


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


@dataclass(frozen=True)
class Found:
    """What a runs folder holds: measurements, finished runs without any, and files that cannot be read."""

    measurements: list[Measurement]
    unmeasured: list[Path]
    failed: list[dict]


def find_measurements(runs: Path) -> Found:
    """Collect the evaluations of all runs below a folder; hidden folders, such as cached warm starts, are left out.

    Parameters
    ----------
    runs : Path
        May be missing, which is to have no runs.
    """
    found = Found([], [], [])
    for path in sorted(Path(runs).rglob("recipe.yaml")):
        run = path.parent
        if any(part.startswith(".") for part in run.relative_to(runs).parts):
            continue
        summary = _summary(run)
        records = sorted((run / FOLDER).glob("*.json"))
        if not records:
            if summary.get("status") == "finished":
                found.unmeasured.append(run)
            continue
        try:
            recipe = load_recipe(path)
        except WorkbenchError as error:
            found.failed.append({"name": str(run), "reason": str(error).removeprefix(f"{path}: ")})
            continue
        commit = str((summary.get("provenance") or {}).get("commit") or "")
        for file in records:
            try:
                found.measurements.append(Measurement(run, recipe, commit, read_record(file)))
            except WorkbenchError as error:
                found.failed.append({"name": str(file), "reason": str(error).removeprefix(f"{file}: ")})
    return found


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
    return load_recipe(RECIPES[number.column] + variant, method=method)


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
    if not group or not _same_experiment(recipe, experiment):
        return None
    values = [each.record.mean[metric] for each in group]
    mean = statistics.fmean(values)
    comparable = (
        _settings(recipe) == _settings(experiment)
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


def _same_experiment(recipe: Recipe, experiment: Recipe) -> bool:
    """Whether a run is the experiment, at whatever scale."""
    if (recipe.task, recipe.method) != (experiment.task, experiment.method):
        return False
    if recipe.scale == experiment.scale:
        if recipe.restorer != experiment.restorer:
            return False
    elif _family(recipe) != _family(experiment):
        return False
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
        packaged = _settings(load_recipe(recipe.name, method=recipe.method))
    except WorkbenchError:
        return f"recipe {recipe.name}, not packaged"
    ours = _settings(recipe)
    keys = [key for key in [*ours, *(key for key in packaged if key not in ours)] if key not in VARIANT_KEYS]
    return " ".join(f"{key}={json.dumps(ours.get(key))}" for key in keys if ours.get(key) != packaged.get(key))


def _summary(run: Path) -> dict:
    try:
        summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return summary if isinstance(summary, dict) else {}


# Rendering

COLUMNS = {
    "row": "method", "column": "setting", "metric": "metric", "published": "paper", "ours": "ours", "spread": "spread",
    "n": "n", "difference": "difference", "scale": "scale", "data": "data", "protocol": "protocol",
    "settings": "changed settings", "commit": "commit",
}  # fmt: skip
ALWAYS = ("row", "column", "metric", "published", "ours", "n", "difference")
NUMERIC = ("published", "ours", "spread", "n", "difference")


def render(lines: list[Line], form: str) -> str:
    """Tables to print.

    Parameters
    ----------
    lines : list of Line
        Of one paper.
    form : {"text", "md", "latex", "csv"}
        ``csv`` is one table with all columns. The others are a table for each of the paper's, without the columns that
        hold nothing, and say what a difference is. LaTeX needs the packages booktabs and longtable.

    Raises
    ------
    WorkbenchError
        There is no such format.
    """
    if form not in FORMATS:
        raise WorkbenchError(f"format {form!r} does not exist; choose one of {', '.join(FORMATS)}")
    if form == "csv":
        return _csv(lines)
    write = {"text": _text, "md": _markdown, "latex": _latex}[form]
    parts = []
    for table in dict.fromkeys(line.table for line in lines):
        chosen = [line for line in lines if line.table == table]
        paper = PAPERS[chosen[0].paper]
        title = f"{paper.title}, Table {table}: {paper.tables[table]}"
        columns = [key for key in COLUMNS if key in ALWAYS or any(shown(line, key) for line in chosen)]
        headings = [f"{paper.title} (paper)" if key == "published" else COLUMNS[key] for key in columns]
        parts.append(write(title, columns, headings, [[shown(line, key) for key in columns] for line in chosen]))
    notes = [DIFFERENCE]
    if any(line.metric == "LPIPS" and line.difference is not None for line in lines):
        notes.append(LPIPS)
    notes.append(f"Paper: {PAPERS[lines[0].paper].reference}.")
    separator = {"text": "\n", "md": "\n\n", "latex": "\n\n"}[form]
    if form == "latex":
        parts.insert(0, "% \\usepackage{booktabs,longtable}")
    return "\n\n".join([*parts, separator.join(_escaped(note) if form == "latex" else note for note in notes)])


def shown(line: Line, key: str) -> str:
    """A cell of a result line as it is printed; empty where there is nothing."""
    value = getattr(line, key)
    if value is None or (key == "n" and not value):
        return ""
    if isinstance(value, float):
        return f"{value:{'+' if key == 'difference' else ''}.{DIGITS[line.metric]}f}"
    return str(value)


def _csv(lines: list[Line]) -> str:
    file = io.StringIO()
    names = [each.name for each in fields(Line) if each.name != "runs"]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    for line in lines:
        values = (getattr(line, name) for name in names)
        writer.writerow(["" if value is None or value == 0 and isinstance(value, int) else value for value in values])
    return file.getvalue().removesuffix("\n")


def _text(title: str, columns: list[str], headings: list[str], rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]

    def joined(cells: list[str]) -> str:
        aligned = [
            f"{cell:>{width}}" if column in NUMERIC else f"{cell:<{width}}"
            for cell, width, column in zip(cells, widths, columns, strict=True)
        ]
        return "  ".join(aligned).rstrip()

    return "\n".join([title, joined(headings), "-" * (sum(widths) + 2 * len(widths) - 2), *map(joined, rows)])


def _markdown(title: str, columns: list[str], headings: list[str], rows: list[list[str]]) -> str:
    escapes = str.maketrans({character: f"\\{character}" for character in "\\|*_<"})

    def joined(cells: list[str]) -> str:
        return f"| {' | '.join(cell.translate(escapes) for cell in cells)} |"

    rule = "|".join("---:" if column in NUMERIC else "---" for column in columns)
    return "\n".join([f"### {title}", "", joined(headings), f"|{rule}|", *map(joined, rows)])


def _latex(title: str, columns: list[str], headings: list[str], rows: list[list[str]]) -> str:
    def joined(cells: list[str]) -> str:
        return f"{' & '.join(map(_escaped, cells))} \\\\"

    alignment = "".join("r" if column in NUMERIC else "l" for column in columns)
    begin = [
        "\\begingroup\\scriptsize",
        f"\\begin{{longtable}}{{{alignment}}}",
        f"\\caption{{{_escaped(title)}}} \\\\",
        "\\toprule",
    ]
    head = [joined(headings), "\\midrule", "\\endhead"]
    return "\n".join([*begin, *head, *map(joined, rows), "\\bottomrule", "\\end{longtable}", "\\endgroup"])


_LATEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}  # fmt: skip


def _escaped(text: str) -> str:
    escaped = "".join(_LATEX.get(character, character) for character in text)
    # These would be taken for arguments of the \\ before them.
    return f"{{}}{escaped}" if escaped.startswith(("[", "*")) else escaped
