"""From the runs of a grid to rows (a run on a test set each) and to tables (a cell each)."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.comparison.grid import Grid, Job
from workbench.comparison.intervals import gain_interval
from workbench.comparison.running import Failure
from workbench.evaluation.measures import STANDARD, chosen
from workbench.files import make_folder, write_text
from workbench.recipes import Recipe, load_recipe
from workbench.tabular import as_csv, as_markdown, as_text

COLUMNS = ("cell", "method", "seed", "test", "images", *STANDARD, "steps", "seconds", "warm_seconds",
           "seconds_per_step", "peak_mib", "seconds_per_megapixel", "settings", "commit", "gmacs",
           "training_gmacs")  # fmt: skip
SCORES = ("cell", "seed", "test", "picture", *STANDARD)
"""Columns of the scores by picture."""
FORMATS = ("text", "md", "json", "csv")
NOTES = (
    "Mean ± sample standard deviation over seeds. Gain and gap closed (the share of the way from vanilla to the oracle,"
    " in PSNR) are computed seed by seed. 95 %: where the mean gain could lie by the choice of seeds and photographs (a"
    " paired bootstrap that draws crops of a photograph together; from five photographs on). Training: wall-clock"
    " seconds, warm start included; time a step: the median over the training; both depend on what else the machine"
    " does. Peak memory: of the training process, libraries included; on a GPU, of the tensors there. Restoring: on the"
    " test set, the file's reading not included. Multiplications with addition, on which the machine has no influence:"
    " in TMAC those of the whole training, forward and backward, warm start included, counted at its last step; in GMAC"
    " those of restoring a picture of 256 x 256, all passes of all networks."
)
LEAST_ROOM = 0.5
"""Distance in dB from vanilla to the oracle below which no share of it is told: noise would decide."""
PER_IMAGE = (
    "A method of 0 steps trains nothing: it optimises every picture by itself, and its time is that of restoring."
)


def grid_rows(grid: Grid) -> list[dict[str, str]]:
    """What has been trained and measured so far.

    Returns
    -------
    list of dict
        Keys as `COLUMNS`, values as they are written; ``cell`` is ``input`` for the degraded pictures themselves.
    """
    rows, inputs = [], set()
    for job in grid.jobs():
        if not job.trained:
            continue
        facts = run_facts(job)
        for test, location in grid.tests.items():
            evaluation = job.evaluation(location)
            if evaluation is None:
                continue
            if test not in inputs:
                inputs.add(test)
                rows.append(_row({"cell": "input"}, test, evaluation.images, evaluation.input_mean))
            took = evaluation.seconds_per_megapixel
            restoring = {
                "seconds_per_megapixel": "" if took is None else f"{took:.4g}",
                "gmacs": "" if evaluation.gmacs is None else f"{evaluation.gmacs:.4g}",
            }
            rows.append(_row(facts | restoring, test, evaluation.images, evaluation.mean))
    return rows


def grid_scores(grid: Grid) -> list[dict[str, str]]:
    """What has been measured so far, picture by picture.

    Returns
    -------
    list of dict
        Keys as `SCORES`, values as they are written.
    """
    return [
        row
        for job in grid.jobs()
        if job.trained
        for test, location in grid.tests.items()
        if (evaluation := job.evaluation(location)) is not None
        for row in score_rows({"cell": job.cell.name, "seed": str(job.seed), "test": test}, evaluation.scores)
    ]


def score_rows(facts: dict[str, str], scores: Mapping[str, Mapping[str, float | None]]) -> list[dict[str, str]]:
    """Rows of `SCORES` from the scores by picture; ``facts`` are the other columns."""
    return [facts | {"picture": picture} | _numbers(values) for picture, values in scores.items()]


def run_facts(job: Job) -> dict[str, str]:
    """What a finished run says of itself: those of `COLUMNS` that no test set is needed for."""
    summary = job.run.summary
    curves = job.run.scalars()
    a_step = curves[curves.tag == "time/seconds_per_step"].value.median()
    before = [summary["warm_start"], *summary.get("needs", {}).values()]
    memory = summary.get("peak_memory") or {}
    peak = memory.get("device_mib") if memory.get("device_mib") else memory.get("process_mib")
    counted = [summary.get("gmacs"), *(each.get("gmacs") for each in before if each)]
    return {
        "cell": job.cell.name, "method": job.cell.method, "seed": str(job.seed), "steps": str(summary["steps"]),
        "seconds": f"{summary['seconds']:.0f}",
        "warm_seconds": f"{sum(each['seconds'] for each in before if each):.0f}",
        "seconds_per_step": "" if np.isnan(a_step) else f"{a_step:.4f}", "peak_mib": "" if peak is None else str(peak),
        "settings": " ".join(job.own_settings), "commit": summary["provenance"]["commit"] or "",
        "training_gmacs": "" if None in counted else f"{sum(counted):.4g}",
    }  # fmt: skip


def _row(facts: dict[str, str], test: str, images: int, mean: dict[str, float | None]) -> dict[str, str]:
    return dict.fromkeys(COLUMNS, "") | facts | {"test": test, "images": str(images)} | _numbers(mean)


def _numbers(values: Mapping[str, float | None]) -> dict[str, str]:
    return {name: "" if values.get(name) is None else f"{values[name]:.4f}" for name in STANDARD}


def write_csv(rows: Iterable[dict], columns: Sequence[str] = COLUMNS) -> str:
    """Rows as CSV with the columns `COLUMNS`, or others."""
    return as_csv([columns, *([row.get(name, "") for name in columns] for row in rows)]) + "\n"


def read_csv(path: Path | io.StringIO) -> pd.DataFrame:
    """Rows with numbers as numbers; columns that an older file lacks are empty."""
    return pd.read_csv(path, dtype={"settings": str, "commit": str}).reindex(columns=COLUMNS)


def spread(values: Iterable[float], digits: int = 2, signed: bool = False) -> str:
    """``mean ± standard deviation`` of a cell's seeds, as the tables print it; ``signed`` for differences."""
    values = np.asarray(list(values), float)
    deviation = f" ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else ""
    plus = "+" if signed and values.mean() >= 0 else ""
    return f"{plus}{values.mean():.{digits}f}{deviation}"


def table(rows: pd.DataFrame, test: str, scores: pd.DataFrame | None = None) -> list[list[str]]:
    """The table of a test set: a line of headings, then a line a cell, mean ± sample standard deviation over its seeds.

    ``gap closed`` is the share of the distance from vanilla to the oracle, in PSNR, computed seed by seed; it is left
    out where that distance is less than `LEAST_ROOM`. Columns of the gain's interval, multiplications, time a step,
    memory and restoring are left out where no run has them.

    Parameters
    ----------
    rows : DataFrame
        As of `read_csv`.
    test : str
    scores : DataFrame, optional
        By picture, with the columns `SCORES`: for the interval of the gain.
    """
    rows = rows[rows.test == test]
    scores = None if scores is None else scores[scores.test == test]
    psnr, *others = chosen(STANDARD)
    by_seed = {cell: group.set_index("seed").psnr for cell, group in rows[rows.cell != "input"].groupby("cell")}
    room = by_seed["oracle"] - by_seed["vanilla"] if {"oracle", "vanilla"} <= by_seed.keys() else None
    lines = []
    for cell, group in rows.groupby("cell", sort=False):
        gain = (by_seed[cell] - by_seed["vanilla"]).dropna() if cell in by_seed and "vanilla" in by_seed else []
        gain = [] if cell == "vanilla" else gain
        closed = (gain / room).dropna() if len(gain) and room is not None and room.mean() > LEAST_ROOM else []
        lines.append(
            {
                "": cell,
                psnr.heading(): _spread(group.psnr, psnr.digits),
                "gain over vanilla / dB": spread(gain, signed=True) if len(gain) else "",
                "95 %": _interval(None if scores is None else gain_interval(scores, cell)),
                "gap closed": f"{spread(100 * closed, 0)} %" if len(closed) and cell != "oracle" else "",
                **{metric.heading(): _spread(group[metric.name], metric.digits) for metric in others},
                "seeds": str(group.seed.count() or ""),
                "training / s": _mean(group.seconds + group.warm_seconds),
                "training / TMAC": _mean(group.training_gmacs / 1000, 2),
                "time a step / ms": _mean(1000 * group.seconds_per_step),
                "peak memory / MiB": _mean(group.peak_mib),
                "restoring / s a megapixel": _mean(group.seconds_per_megapixel, 2),
                "restoring / GMAC": _mean(group.gmacs, 2),
            }
        )
    frame = pd.DataFrame(lines)
    always = ("", psnr.heading(), "gain over vanilla / dB", "gap closed", *(metric.heading() for metric in others),
              "seeds", "training / s")  # fmt: skip
    names = [name for name in frame.columns if name in always or not (frame[name] == "").all()]
    return [names, *frame[names].to_numpy().tolist()]


def _interval(bounds: tuple[float, float] | None) -> str:
    return "" if bounds is None else "{:+.2f} to {:+.2f}".format(*bounds)


def _spread(values: pd.Series, digits: int) -> str:
    return spread(values, digits) if values.notna().all() else ""


def _mean(values: pd.Series, digits: int = 0) -> str:
    return f"{values.mean():.{digits}f}" if values.notna().all() else ""


def write_tables(grid: Grid, folder: Path, failures: Iterable[Failure] = ()) -> dict[str, str]:
    """Write a grid's table in every format, ``comparison.txt``, ``.md``, ``.json`` and ``.csv``; and ``pictures.csv``.

    Parameters
    ----------
    grid : Grid
    folder : Path
    failures : iterable of Failure
        Named below the tables.

    Returns
    -------
    dict of str to str
        The text by format, a key of `FORMATS`.

    Raises
    ------
    WorkbenchError
        A file cannot be written.
    """
    rows = grid_rows(grid)
    frame = read_csv(io.StringIO(write_csv(rows)))
    failures, scores = list(failures), write_csv(grid_scores(grid), SCORES)
    by_picture = pd.read_csv(io.StringIO(scores), dtype={"picture": str})
    tables = {test: table(frame, test, by_picture) for test in grid.tests if (frame.test == test).any()}
    recipe = load_recipe(grid.recipe, grid.settings)
    sources = " + ".join(f"{_location(entry.source)} ({entry.degradation})" for entry in recipe.data.entries)
    headline = f"{recipe.name}, scale {recipe.scale}, restorer {recipe.restorer.name}, protocol {grid.protocol}"
    facts = [
        f"Seeds {', '.join(map(str, grid.seeds))}; source {sources},"
        f" target {_location(recipe.data.target)}; code {', '.join(sorted(set(frame.commit.dropna()))) or 'unknown'}.",
        f"Training: {recipe.training.max_steps} steps"
        + (f" after a warm start of {recipe.warm_start.max_steps}, one a seed for all" if recipe.warm_start else "")
        + ", unless told otherwise here.",
        *([f"Settings of all: {' '.join(grid.settings)}."] if grid.settings else []),
        *_own(grid, recipe, frame),
        NOTES,
        *(f"{reason}." for reason in _unavailable(grid)),
        *([PER_IMAGE] if ((frame.steps == 0) & (frame.warm_seconds == 0)).any() else []),
        *(f"Failed: {failure.name}: {failure.reason}" for failure in failures),
    ]
    titles = {test: f"{test}, {int(frame[frame.test == test].images.iloc[0])} pictures" for test in tables}
    texts = {
        "text": "\n\n".join([headline, *(f"{titles[test]}\n{as_text(tables[test])}" for test in tables), *facts]),
        "md": "\n\n".join(
            [f"# {headline}", *(f"## {titles[test]}\n\n{as_markdown(tables[test])}" for test in tables), *facts]
        ),
        "json": json.dumps(
            {
                "recipe": recipe.name, "scale": recipe.scale, "task": recipe.task, "seeds": list(grid.seeds),
                "protocol": grid.protocol, "settings": list(grid.settings), "tests": grid.tests,
                "rows": json.loads(frame.to_json(orient="records")),
                "tables": {test: [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
                           for test, lines in tables.items()},
                "failed": [{"name": failure.name, "reason": failure.reason} for failure in failures],
            },
            indent=2,
        ),
        "csv": write_csv(rows).removesuffix("\n"),
    }  # fmt: skip
    make_folder(folder)
    write_text(folder / "pictures.csv", scores)
    for form, text in texts.items():
        write_text(folder / f"comparison.{'txt' if form == 'text' else form}", text + "\n")
    return texts


def _own(grid: Grid, recipe: Recipe, frame: pd.DataFrame) -> list[str]:
    """A line for each cell that differs in method, settings, network or length from what its name and recipe say."""
    lines = []
    for job in {job.cell: job for job in grid.jobs()}.values():
        cell, changed, own = job.cell, job.own_settings, []
        if changed or cell.name != cell.method:
            own.append(f"{cell.method}{' with ' if changed else ''}{' '.join(changed)}")
        if job.resolved.restorer != recipe.restorer:
            own.append(f"network {job.resolved.restorer.name}")
        if recipe.warm_start is not None and job.resolved.warm_start is None:
            own.append("no warm start")
        for steps in frame[frame.cell == cell.name].steps.dropna().unique():
            if steps != recipe.training.max_steps:
                own.append(f"{steps:.0f} steps")
        if own:
            lines.append(f"{cell.name}: {', '.join(own)}.")
    return lines


def _unavailable(grid: Grid) -> list[str]:
    """Why metrics could not be computed, each reason once."""
    found = (job.evaluation(location) for job in grid.jobs() if job.trained for location in grid.tests.values())
    return list(dict.fromkeys(reason for each in found if each for reason in each.unavailable.values()))


def _location(location: str | list[str]) -> str:
    return location if isinstance(location, str) else ", ".join(location)
