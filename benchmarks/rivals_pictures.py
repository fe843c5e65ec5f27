"""What each method of `rivals.py` makes of one held-out picture: a crop each, to docs/figures/rivals-DOMAIN.jpg.

The page has ``camera --picture 2 --crop 136 40 112``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from rivals import DOMAINS, cells

from workbench.data.domains import validation_pairs
from workbench.evaluation.metrics import psnr
from workbench.images import to_float
from workbench.notebooks import panel
from workbench.recipes import load_recipe
from workbench.restore import restore_array
from workbench.runs.folder import Run

FIGURES = Path(__file__).parents[1] / "docs" / "figures"
COLUMNS = 6


def main() -> None:
    """Write the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("domain", choices=DOMAINS)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", type=int, default=0, help="which of the held-out pictures")
    parser.add_argument("--crop", type=int, nargs=3, default=[64, 64, 96], help="top, left, side")
    arguments = parser.parse_args()
    runs = arguments.runs or Path("runs") / f"rivals-{arguments.domain}"
    recipe = load_recipe(DOMAINS[arguments.domain])
    name, degraded, reference = list(validation_pairs(recipe.data))[arguments.picture]
    degraded, reference = to_float(degraded), to_float(reference)
    shown = {"input": degraded}
    for cell in cells(arguments.domain):
        run = Run(runs / f"{cell.name}-s{arguments.seed}")
        if run.finished:
            shown[cell.name] = np.clip(restore_array(run.restorer(), degraded), 0, 1)
    shown["reference"] = reference
    top, left, side = arguments.crop
    crops = [(image[top : top + side, left : left + side], _note(title, image, reference))
             for title, image in shown.items()]  # fmt: skip
    crops += [(None, "")] * (-len(crops) % COLUMNS)
    lines = [crops[start : start + COLUMNS] for start in range(0, len(crops), COLUMNS)]
    pictures, notes = ([[crop[part] for crop in line] for line in lines] for part in (0, 1))
    text = f"Simulated {arguments.domain}, held-out picture {name}, seed {arguments.seed}; PSNR of the whole picture."
    figure = panel(pictures, [""] * COLUMNS, notes=notes, text=text)
    figure.savefig(FIGURES / f"rivals-{arguments.domain}.jpg", dpi=130)


def _note(title: str, image: np.ndarray, reference: np.ndarray) -> str:
    return title if image is reference else f"{title}, {psnr(image, reference, 1.0):.2f} dB"


if __name__ == "__main__":
    main()
