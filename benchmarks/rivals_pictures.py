"""What each method of the study ``rivals`` makes of one held-out picture, to docs/figures/rivals-DOMAIN.jpg.

The page has ``camera --picture 2 --crop 136 40 112``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.data.domains import validation_pairs
from workbench.figures import side_by_side, views_of
from workbench.recipes import load_recipe
from workbench.runs.folder import Run
from workbench.studies import load_study

FIGURES = Path(__file__).parents[1] / "docs" / "figures"
COLUMNS = 6


def main() -> None:
    """Write the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("domain", choices=("camera", "rain", "shake"))
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", type=int, default=0, help="which of the held-out pictures")
    parser.add_argument("--crop", type=int, nargs=3, default=[64, 64, 96], help="top, left, side")
    arguments = parser.parse_args()
    runs = arguments.runs or Path("runs") / f"rivals-{arguments.domain}"
    study = load_study(f"rivals-{arguments.domain}")
    recipe = load_recipe(study.recipe)
    pair = list(validation_pairs(recipe.data))[arguments.picture]
    trained = {name: Run(runs / f"{name}-s{arguments.seed}") for name in study.cells}
    views = views_of(pair, {name: run.restorer() for name, run in trained.items() if run.finished})
    top, left, side = arguments.crop
    height, width = pair.reference.shape[:2]
    text = (
        f"Simulated {arguments.domain}, held-out picture {pair.name}, seed {arguments.seed}; PSNR of the whole picture."
    )
    across, down = left / (width - side), top / (height - side)
    figure = side_by_side({pair.name: views}, text, across, down, side, whole=True, columns=COLUMNS, inches=2.4)
    figure.savefig(FIGURES / f"rivals-{arguments.domain}.jpg", dpi=130)


if __name__ == "__main__":
    main()
