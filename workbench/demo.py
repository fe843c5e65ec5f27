"""The main job on one command: train vanilla and guarded from the same seed, compare them on held-out photographs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np

from workbench.comparison import Cell, Grid, run_grid
from workbench.data.domains import Pair, validation_pairs
from workbench.devices import threads_alone, trainings_at_once
from workbench.errors import WorkbenchError
from workbench.evaluation.measures import STANDARD, chosen
from workbench.evaluation.sets import HELD_OUT_SOURCE
from workbench.figures import REFERENCE, Views, crop_of, save_figure, side_by_side, textured_place, views_of
from workbench.files import make_folder
from workbench.images import to_uint, write_png
from workbench.recipes import load_recipe, variant_settings
from workbench.runs.folder import Run
from workbench.runs.provenance import provenance
from workbench.tabular import as_text

RECIPE, GUARDED = "denoise-pocket", "denoise-pocket+guarded"
_GUARD = variant_settings(["guarded"], RECIPE)
CELLS = (
    Cell("-vanilla", "vanilla"),
    Cell("+guarded-noise-space", "noise-space", (f"name={GUARDED}",), variant=tuple(_GUARD)),
)
"""The guard, which is not the paper's, is what works best here (docs/study.md)."""
LABELS = {"vanilla": "vanilla", "noise-space": "guarded"}
"""What the table and the pictures call their restorers; a method's title does not tell that it is guarded."""
SOURCE_SIGMA = 25.0
_SIDE = 112
"""Of the crops in the overview, in pixels."""


def run_demo(runs: Path, seed: int = 0, settings: Sequence[str] = ()) -> dict:
    """Train, measure, print the table and write side-by-side pictures.

    Both go on at the same time where there are two cores. Runs that are there already are continued or reused.

    Parameters
    ----------
    runs : Path
        Folder of run folders; the pictures go to ``runs/demo-s<seed>/``.
    seed : int
    settings : sequence of str
        ``KEY=VALUE`` changes of the recipes.

    Returns
    -------
    dict
        ``{"target": {"input": {"psnr", "ssim", "lpips"}, "vanilla": ..., "noise-space": ...}, "source": ...,
        "seconds": ..., "provenance": ...}``; means over the held-out photographs of each domain, protocol rgb.

    Raises
    ------
    WorkbenchError
        A run could not be trained or measured.
    Interrupted
        After SIGINT or SIGTERM, once the runs have written their checkpoints.
    """
    begin = time.perf_counter()
    together = min(trainings_at_once(), len(CELLS))
    settings = (f"training.threads={threads_alone(together)}", *settings)
    data = load_recipe(RECIPE, settings).data
    places = {"target": data.validation, "source": HELD_OUT_SOURCE}
    grid = Grid(RECIPE, CELLS, (seed,), places, Path(runs), settings, prefix=RECIPE)
    if failures := run_grid(grid, together, title="demo"):
        raise WorkbenchError(f"{failures[0].name}: {failures[0].reason}")
    trained = {job.cell.method: job for job in grid.jobs()}
    measured = {
        domain: {method: job.evaluation(place) for method, job in trained.items()} for domain, place in places.items()
    }
    result: dict = {
        domain: {"input": found["vanilla"].input_mean} | {method: each.mean for method, each in found.items()}
        for domain, found in measured.items()
    }
    runs_there = {method: job.run for method, job in trained.items()}
    pictures = write_pictures(Path(runs) / f"demo-s{seed}", validation_pairs(data), runs_there)
    result["seconds"] = round(time.perf_counter() - begin, 1)
    result["provenance"] = provenance()
    print(_table(result, {domain: found["vanilla"].images for domain, found in measured.items()}, seed))
    for reason in measured["target"]["vanilla"].unavailable.values():
        print(reason)
    print(f"Side by side: {pictures}")
    return result


def _table(result: dict, counts: dict[str, int], seed: int) -> str:
    titles = {
        "target": f"target domain: simulated camera, {counts['target']} held-out pictures",
        "source": f"source domain: AWGN sigma {SOURCE_SIGMA:.0f}, {counts['source']} held-out pictures",
    }
    metrics = chosen(STANDARD)
    lines = [["", *(metric.heading() for metric in metrics)]]
    for domain, title in titles.items():
        lines.append([title, *[""] * len(metrics)])
        for name, scores in result[domain].items():
            cells = [(scores[metric.name], metric.digits) for metric in metrics]
            numbers = ["-" if value is None else f"{value:.{digits}f}" for value, digits in cells]
            lines.append([f"  {LABELS.get(name, name)}", *numbers])
    head = f"\n{RECIPE}, seed {seed}, {result['seconds']:.0f} s of training and evaluation"
    return f"{head}\n{as_text(lines)}"


def write_pictures(folder: Path, pairs: Sequence[Pair], runs: dict[str, Run], most: int = 4) -> Path:
    """Write side-by-side pictures of held-out photographs: one PNG each, and ``overview.png`` with enlarged crops.

    Returns
    -------
    Path
        The overview.
    """
    matplotlib.use("agg")
    make_folder(folder)
    restorers = {LABELS[method]: run.restorer() for method, run in runs.items()}
    chosen = [pairs[index] for index in np.linspace(0, len(pairs) - 1, min(most, len(pairs))).round().astype(int)]
    rows = {pair.name: views_of(pair, restorers) for pair in chosen}
    for name, views in rows.items():
        write_png(folder / f"{name}.png", to_uint(np.hstack(list(views.values()))))
    text = "Simulated camera, held-out photographs (crops where the reference has most texture; PSNR of the crop)"
    figure = side_by_side({name: _telling(views) for name, views in rows.items()}, text, side=_SIDE)
    path = folder / "overview.png"
    save_figure(figure, path, dpi=125)
    return path


def _telling(views: Views) -> Views:
    place = textured_place(views[REFERENCE], _SIDE)
    return {name: crop_of(view, *place, _SIDE) for name, view in views.items()}
