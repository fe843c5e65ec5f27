"""Every method for a task on the same restorer, data, steps and warm start, beside the controls.

One simulated domain a call: ``camera``, ``rain`` or ``shake``; the comparison on photographs is part of
real_photographs.py. Writes ``results/rivals-DOMAIN.csv``. It is `workbench compare` with further rows: the guard, and
training from scratch.
"""

from __future__ import annotations

import argparse

from study import GUARDED, Cell, alone, main, own_arguments, rivals

from workbench.comparison import controls
from workbench.evaluation.sets import HELD_OUT_SOURCE
from workbench.recipes import load_recipe

# Without warm start, for as many steps as warm start and training have together.
FROM_SCRATCH = ("warm_start=null", *alone(3450), "training.gradient_clip=1.0", "training.validate_every=250")

DOMAINS = {"camera": "denoise-pocket", "rain": "derain-pocket", "shake": "deblur-pocket"}


def cells(domain: str) -> list[Cell]:
    """The rows of a domain's table: controls, adaptation, rivals, the oracle last."""
    recipe = load_recipe(DOMAINS[domain])
    vanilla, early, oracle = (Cell(each.name, each.method, each.settings) for each in controls(recipe))
    adapted = [Cell("adapted", "noise-space"), Cell("guarded-c5", "noise-space", GUARDED)]
    others = rivals(recipe)
    if domain == "camera":
        others[:0] = [
            Cell("vanilla-from-scratch", "vanilla", FROM_SCRATCH),
            Cell("dann-from-scratch", "dann", (*FROM_SCRATCH, "options.dann.ceiling=0.1")),
        ]
    return [vanilla, early, *adapted, *others, oracle]


def tests(domain: str) -> dict[str, str]:
    """The test sets: the target's held-out pictures and, where nothing restores picture by picture, the source's."""
    target = {f"simulated {domain}": f"simulated-{domain}"}
    return target if domain == "shake" else target | {"source": HELD_OUT_SOURCE}


def options(parser: argparse.ArgumentParser) -> None:
    """The study's own argument."""
    parser.add_argument("domain", choices=DOMAINS)


if __name__ == "__main__":
    domain = own_arguments(options).domain
    main(f"rivals-{domain}", DOMAINS[domain], cells(domain), lambda _: [], lambda _: tests(domain), options)
