"""Vanilla, adapted and their controls on the embedded data: the simulated camera as the target domain.

The standard camera with all controls; --camera chooses another, for vanilla, adapted with and without guard, oracle.
"""

from __future__ import annotations

import argparse

from study import GUARDED, Cell, alone, main, own_arguments

from workbench.evaluation.sets import HELD_OUT_SOURCE

CELLS = [
    Cell("vanilla", "vanilla", blur_control=True),
    Cell("adapted", "noise-space"),
    Cell("guarded-c5", "noise-space", GUARDED),
    Cell("oracle", "oracle"),
    Cell("vanilla-early-1000", "vanilla", ("warm_start=null", *alone(1000))),
    Cell("awgn-as-target", "noise-space", ("data.target=synthetic",)),
    Cell("vanilla-early-500", "vanilla", ("warm_start=null", *alone(500))),
    Cell("vanilla-equal-time", "vanilla", ("training.max_steps=2700",), seeds=(0,)),
    Cell("adapted-cs", "noise-space", ("options.noise-space.residual_swap=false",), seeds=(0,)),
    Cell(
        "adapted-neither",
        "noise-space",
        ("options.noise-space.residual_swap=false", "options.noise-space.channel_shuffle=false"),
        seeds=(0,),
    ),
    Cell("adapted-c2", "noise-space", ("options.noise-space.ceiling=2.0",), seeds=(0,)),
    Cell("adapted-c5", "noise-space", ("options.noise-space.ceiling=5.0",)),
    Cell(
        "adapted-c0.2",
        "noise-space",
        ("options.noise-space.ceiling=0.2", "options.noise-space.ramp_end=1.0"),
        seeds=(0,),
    ),
    Cell("adapted-warm-1000", "noise-space", ("warm_start.max_steps=1000",), seeds=(0,)),
]

SHARED = ("vanilla", "adapted", "adapted-c5", "guarded-c5", "oracle")


def options(parser: argparse.ArgumentParser) -> None:
    """The study's own argument."""
    parser.add_argument("--camera", choices=["standard", "mild", "strong", "textured"], default="standard")


if __name__ == "__main__":
    camera = own_arguments(options).camera
    main(
        "embedded" if camera == "standard" else f"embedded-{camera}", "denoise-pocket",
        [cell for cell in CELLS if camera == "standard" or cell.name in SHARED],
        lambda arguments: [f"data.camera={arguments.camera}"],
        lambda arguments: {"simulated camera": "simulated-camera", "AWGN 25": HELD_OUT_SOURCE}, options,
    )  # fmt: skip
