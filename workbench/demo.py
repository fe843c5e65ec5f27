"""The main job on one command: train vanilla and guarded from the same seed, compare them on held-out photographs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np

from workbench.data.domains import Pair, source_pairs, validation_pairs
from workbench.evaluation import evaluate_pairs
from workbench.evaluation.measures import STANDARD, chosen
from workbench.figures import REFERENCE, Views, crop_of, save_figure, side_by_side, textured_place, views_of
from workbench.files import make_folder
from workbench.images import to_uint, write_png
from workbench.progress import progress_bar
from workbench.recipes import load_recipe
from workbench.restore import restore_array
from workbench.runs.folder import Run
from workbench.runs.provenance import provenance
from workbench.tabular import as_text
from workbench.training import fit

RECIPE = "denoise-pocket"
RECIPES = {"vanilla": RECIPE, "noise-space": f"{RECIPE}+guarded"}
"""By method. The guard, which is not the paper's, is what works best here (docs/study.md)."""
LABELS = {"vanilla": "vanilla", "noise-space": "guarded"}
"""What the table and the pictures call their restorers; a method's title does not tell that it is guarded."""
SOURCE_SIGMA = 25.0
_SIDE = 112
"""Of the crops in the overview, in pixels."""


def run_demo(runs: Path, seed: int = 0, settings: Sequence[str] = ()) -> dict:
    """Train, measure, print the table and write side-by-side pictures.

    Runs that are there already are continued or reused.

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
    """
    begin = time.perf_counter()
    recipes = {method: load_recipe(name, settings, method=method, seed=seed) for method, name in RECIPES.items()}
    trained = {method: fit(recipe, runs, resume=True) for method, recipe in recipes.items()}
    data = recipes["noise-space"].data
    domains = {"target": validation_pairs(data), "source": source_pairs(SOURCE_SIGMA)}
    result: dict = {domain: {} for domain in domains}
    unavailable = {}
    with progress_bar(len(RECIPES) * sum(map(len, domains.values())), "evaluate", "picture") as bar:
        for domain, pairs in domains.items():
            for method, run in trained.items():
                restorer = run.restorer()

                def restore(image, restorer=restorer):
                    bar.update()
                    return restore_array(restorer, image)

                measured = evaluate_pairs(restore, pairs)
                result[domain]["input"] = measured["input_mean"]
                result[domain][method] = measured["mean"]
                unavailable |= measured["unavailable"]
    pictures = write_pictures(Path(runs) / f"demo-s{seed}", domains["target"], trained)
    result["seconds"] = round(time.perf_counter() - begin, 1)
    result["provenance"] = provenance()
    print(_table(result, {domain: len(pairs) for domain, pairs in domains.items()}, seed))
    for reason in unavailable.values():
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
