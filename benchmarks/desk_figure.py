"""A strongly noisy photograph, restored: docs/figures/desk.jpg, from the runs of the study ``desk``.

Which photograph and which part of it is decided by a rule: of CC, which no training saw, the photograph whose input is
furthest from its reference (lowest PSNR), and in it the square, of those that lie a quarter of its side apart, whose
reference has the median variance of brightness: neither the flattest nor the busiest.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from skimage.color import rgb2gray

from workbench.data.collections import read_pairs
from workbench.data.domains import existing_folder
from workbench.evaluation.metrics import psnr
from workbench.figures import panel
from workbench.images import to_float
from workbench.restore import restore_array
from workbench.restorers import load_restorer
from workbench.studies import load_study

FIGURE = Path(__file__).parents[1] / "docs" / "figures" / "desk.jpg"
CELLS = {"vanilla": "vanilla", "guarded, on synthesis": "synthesis+guarded-long"}
SIDE = 160


def noisiest(folder: Path) -> tuple[str, np.ndarray, np.ndarray]:
    """The pair of lowest PSNR: name, input and reference, floating point in [0, 1]."""
    degraded, clean = read_pairs(folder)
    pairs = [(name, to_float(degraded[place]), to_float(clean[place])) for place, name in enumerate(degraded.names)]
    return min(pairs, key=lambda pair: psnr(pair[1], pair[2], 1.0))


def median_square(reference: np.ndarray, side: int = SIDE) -> tuple[slice, slice]:
    """The square of median variance of brightness."""
    grey, step = rgb2gray(reference), side // 4
    places = [(top, left) for top in range(0, grey.shape[0] - side + 1, step)
              for left in range(0, grey.shape[1] - side + 1, step)]  # fmt: skip
    places.sort(key=lambda place: grey[place[0] : place[0] + side, place[1] : place[1] + side].var())
    top, left = places[len(places) // 2]
    return slice(top, top + side), slice(left, left + side)


def main() -> None:
    """Write the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/desk"))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    grid = load_study("desk").only(CELLS.values(), (given.seed,)).grid(given.runs)
    trained = {job.cell.name: job.run for job in grid.jobs()}
    name, degraded, reference = noisiest(existing_folder(grid.tests["CC"]))
    shown = {"input": degraded, "non-local means": restore_array(load_restorer("nlm")[0], degraded)}
    for title, cell in CELLS.items():
        shown[title] = restore_array(trained[cell].restorer(), degraded)
    shown["reference"] = reference
    square = median_square(reference)
    notes = [title if title == "reference" else f"{title}, {psnr(np.clip(image, 0, 1), reference, 1.0):.2f} dB"
             for title, image in shown.items()]  # fmt: skip
    crops = [np.clip(image[square], 0, 1) for image in shown.values()]
    text = f"CC, {name}, never trained on; seed {given.seed}; PSNR of the whole picture."
    panel([crops], [""] * len(crops), notes=[notes], text=text).savefig(FIGURE, dpi=130)


if __name__ == "__main__":
    main()
