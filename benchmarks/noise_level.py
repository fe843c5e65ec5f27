"""Does noise bring tasks together, and which level does the paper's rule choose? (docs/drdd.md)

``python benchmarks/noise_level.py FOLDER`` takes the first 120 pictures of a folder (of BSDS500's test pictures for the
recorded results), cuts their middles, degrades a third of them each by noise, rain and low light, and writes
``results/noise_level_distances.csv`` (distances between the tasks by feature space and level, with their null band) and
``results/noise_level_choices.csv`` (the level at which the dual MMD is least, by features, kernel width and the end of
the grid), and draws ``docs/figures/drdd-tasks.png``, the tasks' pictures in the plane in which they vary most (the
paper's Fig. 1). AlexNet's features need the weights of LPIPS.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib import pyplot as plt
from torch import Tensor

from workbench.data.collections import read_folder
from workbench.data.degradations import build
from workbench.evaluation.lpips import Lpips
from workbench.figures import caption, save_figure
from workbench.files import write_text
from workbench.images import to_float
from workbench.probes.harmonisation import (
    DualMmd,
    Features,
    block_means,
    dual_mmd,
    harmonisation,
    lpips_features,
    pixels,
    plane,
    random_convolutions,
    with_noise,
)
from workbench.runs.provenance import provenance

RESULTS = Path(__file__).parent / "results"
FIGURES = Path(__file__).parents[1] / "docs" / "figures"
SIDE = 64
LEVELS = (0.0, 0.1, 0.3, 0.5, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0)
A_TASK = 40
ENDS = (1.5, 3.0)
SHOWN_SPACES, SHOWN_LEVELS, HUES = ("pixels", "AlexNet conv3-5"), (0.0, 0.3, 1.0), ("#0072b2", "#d55e00", "#009e73")
TASKS = {"noise": ("awgn", {"sigma": [25, 25]}), "rain": ("rain-streaks", {}), "low light": ("low-light", {})}


def middles(folder: Path) -> Tensor:
    """The middles of a folder's first pictures, (N, 3, SIDE, SIDE) in [0, 1], as many for each task."""
    cut = []
    for picture in list(read_folder(folder))[: A_TASK * len(TASKS)]:
        top, left = ((length - SIDE) // 2 for length in picture.shape[:2])
        cut.append(to_float(picture[top : top + SIDE, left : left + SIDE]))
    return torch.from_numpy(np.stack(cut)).permute(0, 3, 1, 2)


def degraded(clean: Tensor, name: str, options: dict) -> Tensor:
    """Pictures with a degradation of the workbench; picture n draws from (25, n)."""
    degradation = build(name, options)
    pictures = clean.permute(0, 2, 3, 1).numpy()
    made = [degradation(picture, np.random.default_rng((25, index))) for index, picture in enumerate(pictures)]
    return torch.from_numpy(np.stack(made).astype(np.float32)).permute(0, 3, 1, 2)


def feature_spaces() -> dict[str, Features]:
    """The features by name."""
    lpips = Lpips.load()
    return {
        "pixels": pixels, "8x8 means": block_means, "random convolutions": random_convolutions(),
        "AlexNet conv3-5": lpips_features(lpips),
    }  # fmt: skip


def draw(sources: dict[str, Tensor], spaces: dict[str, Features], name: str, path: Path) -> None:
    """The tasks' pictures in a plane, a row a feature space, a column a level of noise."""
    figure, axes = plt.subplots(len(spaces), len(SHOWN_LEVELS), figsize=(9, 6), layout="constrained", squeeze=False)
    for row, (space, features) in zip(axes, spaces.items(), strict=True):
        for axis, level in zip(row, SHOWN_LEVELS, strict=True):
            noisy = (with_noise(images, level, (0, index)) for index, images in enumerate(sources.values()))
            vectors = dict(zip(sources, map(features, noisy), strict=True))
            for (task, points), marker, hue in zip(plane(vectors).items(), "o^s", HUES, strict=True):
                axis.scatter(*points.T, s=16, marker=marker, facecolors="none", edgecolors=hue, label=task)
            axis.set(title=f"{space}, level {level:g}", xticks=[], yticks=[])
    axes[0, 0].legend(fontsize=8)
    counted = f"{len(next(iter(sources.values())))} pictures of {name} a task"
    caption(
        figure, f"{counted}, {SIDE} x {SIDE}; the first two principal components of all, each plot at its own scale."
    )
    save_figure(figure, path)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", help="what the results call the pictures; the folder's name if not given")
    arguments = parser.parse_args()
    folder, name, commit = arguments.folder, arguments.name or arguments.folder.name, provenance()["commit"]
    clean = middles(folder)
    each = len(clean) // len(TASKS)
    parts = {task: clean[index * each : (index + 1) * each] for index, task in enumerate(TASKS)}
    sources = {task: 2 * degraded(parts[task], *of) - 1 for task, of in TASKS.items()}
    source, target = torch.cat(list(sources.values())), 2 * torch.cat(list(parts.values())) - 1
    distances, choices, spaces = [], [], feature_spaces()
    draw(sources, {space: spaces[space] for space in SHOWN_SPACES}, name, FIGURES / "drdd-tasks.png")
    for space, features in spaces.items():
        table = harmonisation(sources, LEVELS, features)
        distances.append(table.assign(features=space, pictures_a_task=each).round(5))
        for width in ("each", "first"):
            whole = dual_mmd(source, target, LEVELS, features, width)
            for end in ENDS:
                here = whole.levels <= end
                dual = DualMmd(whole.levels[here], whole.to_target[here], whole.to_source[here])
                row = {"features": space, "width": width, "end": end, "best": dual.best()}
                row |= {"a_at_0": dual.to_target[0], "a_at_end": dual.to_target[-1]}
                choices.append(row | {"a_rises_somewhere": bool((np.diff(dual.to_target) > 0).any())})
        print(table.to_string(), pd.DataFrame(choices).tail(4).to_string(), sep="\n", flush=True)
    for rows, path in ((distances, "noise_level_distances"), (choices, "noise_level_choices")):
        table = pd.concat(rows) if path.endswith("distances") else pd.DataFrame(rows).round(5)
        write_text(RESULTS / f"{path}.csv", table.assign(data=name, commit=commit).to_csv(index=False))


if __name__ == "__main__":
    main()
