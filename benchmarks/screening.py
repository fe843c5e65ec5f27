"""Which of seven other settings matter to the adaptation: a fractional design of eight runs that serve every effect.

A Plackett-Burman design: every setting is at its second value in four runs and at its first in the other four, balanced
over all others. A setting's effect is the difference of the two means; interactions of two settings are not told from
it. One domain, one seed: it says where to look. Writes ``results/screening.csv``, one row a run.
"""

from __future__ import annotations

import sys

import strength
from scipy.linalg import hadamard
from study import RESULTS, Cell

from workbench.comparison import run_grid

FACTORS = {
    "ramp over the whole training, not 30 % of it": ("options.noise-space.ramp_end=1.0",),
    "margin 0.5, not 0.1": ("options.noise-space.margin=0.5",),
    "learning rate of the critic 0.0003, not 0.001": ("options.noise-space.learning_rate=0.0003",),
    "learning rate of the restorer 0.0001, not 0.0003": ("training.learning_rate=0.0001",),
    "timesteps 1 to 300, not to 1000": ("options.noise-space.timesteps=[1,300]",),
    "8 patches of 48, not 16 of 32": ("training.patch_size=48", "training.batch_size=8"),
    "no residual swap": ("options.noise-space.residual_swap=false",),
}
DESIGN = hadamard(8)[:, 1:] < 0
"""Whether a run (row) has a setting (column) at its second value; the first run has none."""
CELLS = tuple(
    Cell(
        "screen-" + "".join("01"[on] for on in row.astype(int)),
        "noise-space",
        (
            "options.noise-space.ceiling=2",
            *(s for on, settings in zip(row, FACTORS.values(), strict=True) if on for s in settings),
        ),
    )
    for row in DESIGN
)
PATH = RESULTS / "screening.csv"


def main() -> None:
    """Train what is missing and write the rows."""
    arguments = strength.arguments_of(__doc__).parse_args()
    grid = strength.grid_of(arguments, CELLS, PATH.stem)
    if failures := run_grid(grid, 1, title=PATH.stem):
        sys.exit("\n".join(f"{failure.name}: {failure.reason}" for failure in failures))
    strength.rows(grid, arguments.domain).to_csv(PATH, index=False)


if __name__ == "__main__":
    main()
