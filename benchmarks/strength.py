"""What governs the strength of the adaptation: ceiling of the diffusion weight, and how long its critic learns alone.

One domain a call: a simulated camera (``standard``, ``strong``, ``mild``, ``textured``), or ``polyu`` with --data as in
real_photographs.py. One seed: a map of where to look, not yet a result.
"""

from __future__ import annotations

import argparse
import sys

import real_photographs
from study import Cell, main

from workbench.evaluation.sets import HELD_OUT_SOURCE

CAMERAS = ("standard", "strong", "mild", "textured")


def _adapted(ceiling: int, head_start: int, *settings: str) -> tuple[str, ...]:
    return (f"noise_space.ceiling={ceiling}", f"noise_space.head_start={head_start}", *settings)


CELLS = [
    Cell("vanilla", "vanilla"),
    *(Cell(f"adapted-c{ceiling}", "noise-space", _adapted(ceiling, 150)) for ceiling in (1, 2, 5)),
    Cell("adapted-c5-h600", "noise-space", _adapted(5, 600)),
    *(Cell(f"adapted-c{ceiling}-h1200", "noise-space", _adapted(ceiling, 1200)) for ceiling in (2, 5)),
    Cell("adapted-c5-long", "noise-space", _adapted(5, 150, "training.max_steps=1200")),
    Cell(
        "adapted-c5-wide",
        "noise-space",
        _adapted(5, 150, "noise_space.diffusion={name: diffusion-pocket, widths: [32, 64, 64]}"),
    ),
    Cell("oracle", "oracle"),
]

if __name__ == "__main__":
    # The study's name, and so its CSV and runs folder, are the domain's.
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("domain", choices=[*CAMERAS, "polyu"], nargs="?")
    domain = parser.parse_known_args()[0].domain
    if domain is None:
        sys.exit(f"strength.py: name a domain: {', '.join(CAMERAS)} or polyu")
    if domain == "polyu":
        main("strength-polyu", "denoise-pocket", CELLS, real_photographs.settings, real_photographs.tests,
             lambda parser: (parser.add_argument("domain"), real_photographs.options(parser)))  # fmt: skip
    else:
        main(
            f"strength-{domain}", "denoise-pocket", CELLS, lambda arguments: [f"data.camera={domain}"],
            lambda arguments: {f"simulated camera, {domain}": "simulated-camera", "AWGN 25": HELD_OUT_SOURCE},
            lambda parser: parser.add_argument("domain"),
        )  # fmt: skip
