"""The desk scale on real photographs: adaptation, its controls and classical denoisers (docs/desk.md).

Data and split as in the study ``real-photographs``; PolyU's test objects chose nothing. During training the restorer is
watched on objects of the training half (desk_pilot.py), without deciding anything: lengths are fixed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from desk_pilot import inner_split
from study import Cell, main

from workbench.recipes import VARIANTS
from workbench.studies.splits import split_by_object

SYNTHESIS = VARIANTS["synthesis"].settings
# A step of adaptation takes about four times as long: it has fewer, so that no control is shorter
SHORTER = ("training.max_steps=450", "options.noise-space.head_start=200")
LONGER = ("training.max_steps=2000", "training.learning_rate=0.0005")
CELLS = [
    Cell("vanilla", "vanilla", SHORTER[:1]),
    Cell("synthesis", "vanilla", SYNTHESIS),
    Cell("guarded", "noise-space", SHORTER),
    Cell("synthesis+guarded", "noise-space", (*SYNTHESIS, *SHORTER)),
    Cell("oracle", "oracle"),
    Cell("synthesis-equal-time", "vanilla", (*SYNTHESIS, "training.max_steps=2000")),
    Cell("synthesis-long", "vanilla", (*SYNTHESIS, *LONGER)),
    Cell("synthesis+guarded-long", "noise-space", (*SYNTHESIS, *LONGER)),
    Cell("oracle-long", "oracle", LONGER),
]


def options(parser: argparse.ArgumentParser) -> None:
    """The study's own argument."""
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")


def settings(arguments: argparse.Namespace) -> list[str]:
    """What all cells share."""
    folder = arguments.data.resolve()
    source = f"[{folder / 'bsds500' / 'train'}, {folder / 'bsds500' / 'test'}]"
    target = split_by_object(str(folder / "polyu_crops"), arguments.runs / "polyu")["train"]
    watched = inner_split(folder, arguments.runs)["test"]
    return [f"data.source={source}", f"data.target={target}", f"data.validation={watched}", "data.validation_images=4"]


def tests(arguments: argparse.Namespace) -> dict[str, str]:
    """The test sets."""
    places = {
        "PolyU": arguments.runs / "polyu" / "test",
        "CC": arguments.data / "cc15",
        "Nam": arguments.data / "nam25",
    }
    return {name: str(place.resolve()) for name, place in places.items()}


if __name__ == "__main__":
    main("desk", "denoise-desk", CELLS, settings, tests, options, filters=("nlm", "tv", "bm3d"))
