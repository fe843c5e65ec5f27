"""The settings that were tried before rivals.py, one seed: on the simulated camera, and on simulated rain for nlcl.

As strength.py: the PSNR is that of the eight pictures that training is validated on. Writes
``results/rivals-settings.csv``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pandas as pd
import strength
from rivals import FROM_SCRATCH
from study import RESULTS, Cell

from workbench.comparison import Grid, run_grid


def _cell(name: str, method: str, shared: tuple[str, ...] = (), **settings: object) -> Cell:
    return Cell(name, method, (*shared, *(f"options.{method}.{key}={value}" for key, value in settings.items())))


DOMAINS = {
    "standard": (
        Cell("vanilla", "vanilla"),
        *(_cell(f"dann-{weight}", "dann", ceiling=weight) for weight in (1, 0.1, 0.01, 0.003, 0.001)),
        *(_cell(f"dann-from-scratch-{weight}", "dann", FROM_SCRATCH, ceiling=weight) for weight in (1, 0.3, 0.1, 0.01)),
        *(_cell(f"pixelda-rate-{rate}", "pixelda", learning_rate=rate) for rate in (2e-4, 5e-5)),
        _cell("pixelda-adversarial-0.1", "pixelda", learning_rate=2e-4, adversarial=0.1),
        *(_cell(f"cycada-rate-{rate}-feature-{weight}", "cycada", learning_rate=rate, feature=weight)
          for rate, weight in ((1e-3, 0.01), (2e-4, 0.01), (2e-4, 0.001))),
        *(_cell(f"c2n-rates-{own}-{critic}", "c2n", learning_rate=own, critic_learning_rate=critic)
          for own, critic in ((2e-4, 1e-3), (5e-4, 2.5e-3), (1e-3, 3e-3), (2e-4, 5e-3))),
        *(_cell(f"masked-{low}-{high}", "masked", input_mask=[low, high])
          for low, high in ((0.8, 0.9), (0, 0.9), (0, 0.5))),
    ),
    "rain": (
        Cell("vanilla", "vanilla"),
        *(_cell(f"nlcl-rate-{rate}", "nlcl", learning_rate=rate) for rate in (2e-4, 1e-3)),
    ),
}  # fmt: skip
RECIPES = {"standard": "denoise-pocket", "rain": "derain-pocket"}
PATH = RESULTS / "rivals-settings.csv"


def main() -> None:
    """Train what is missing and write the rows."""
    found = []
    for domain, cells in DOMAINS.items():
        grid = Grid(RECIPES[domain], cells, (0,), {}, Path("runs") / f"rivals-settings-{domain}")
        failures = run_grid(grid, os.cpu_count() or 1, title=f"rivals-settings {domain}")
        if failures:
            sys.exit("\n".join(f"{failure.name}: {failure.reason}" for failure in failures))
        found.append(strength.rows(grid, domain))
    pd.concat(found).to_csv(PATH, index=False)


if __name__ == "__main__":
    main()
