"""Vanilla, adapted, their controls and rivals on real photographs: PolyU as target domain, CC and Nam never trained on.

The data folder holds bsds500/{train,test}/ (clean), polyu_crops/, cc15/ and nam25/ (input/ and target/). PolyU is
split by pictured object: every third object, in alphabetical order, is kept for the test.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from study import GUARDED, Cell, alone, main, rivals

from workbench.evaluation.sets import HELD_OUT_SOURCE
from workbench.recipes import load_recipe

OBJECT = re.compile(r".*_\d+_([a-z]+)_*\d*$", re.IGNORECASE)

STRONG = ("options.noise-space.ceiling=5.0",)
RIVALS = rivals(load_recipe("denoise-pocket"), "training.validate_every=450")  # these pictures are large
CELLS = [
    Cell("vanilla", "vanilla", blur_control=True),
    Cell("adapted-c5", "noise-space", STRONG),
    Cell("guarded-c5", "noise-space", GUARDED),
    Cell("oracle", "oracle"),
    Cell("vanilla-early-1000", "vanilla", ("warm_start=null", *alone(1000))),
    Cell("awgn-as-target-c5", "noise-space", (*STRONG, "data.target=synthetic")),
    Cell("vanilla-equal-time", "vanilla", ("training.max_steps=2700",), seeds=(0, 1)),
    Cell("adapted-c5-cs", "noise-space", (*STRONG, "options.noise-space.residual_swap=false"), seeds=(0,)),
    Cell(
        "adapted-c5-neither",
        "noise-space",
        (*STRONG, "options.noise-space.residual_swap=false", "options.noise-space.channel_shuffle=false"),
        seeds=(0,),
    ),
    Cell("adapted-c2", "noise-space", ("options.noise-space.ceiling=2.0",), seeds=(0,)),
    Cell(
        "adapted-c0.2",
        "noise-space",
        ("options.noise-space.ceiling=0.2", "options.noise-space.ramp_end=1.0"),
        seeds=(0,),
    ),
    *RIVALS,
]


def split_by_object(folder: Path, output: Path) -> dict[str, Path]:
    """Link a paired folder's files into ``output/{train,test}/{input,target}``; no object is on both sides."""
    names = sorted(path.name for path in (folder / "input").iterdir())
    shown = {name: OBJECT.match(Path(name).stem).group(1).lower() for name in names}
    objects = sorted(set(shown.values()))
    held_out = set(objects[2::3])
    for name in names:
        for side in ("input", "target"):
            link = output / ("test" if shown[name] in held_out else "train") / side / name
            link.parent.mkdir(parents=True, exist_ok=True)
            if not link.is_symlink():
                link.symlink_to((folder / side / name).resolve())
    return {part: output / part for part in ("train", "test")}


def options(parser: argparse.ArgumentParser) -> None:
    """The study's own argument."""
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")


def settings(arguments: argparse.Namespace) -> list[str]:
    """What all cells share."""
    folder = arguments.data.resolve()
    split = split_by_object(folder / "polyu_crops", arguments.runs / "polyu")
    source = f"[{folder / 'bsds500' / 'train'}, {folder / 'bsds500' / 'test'}]"
    # The recorded warm starts were not clipped
    data = [f"data.source={source}", f"data.target={split['train']}", f"data.validation={split['test']}"]
    return [*data, "warm_start.gradient_clip=null"]


def tests(arguments: argparse.Namespace) -> dict[str, str]:
    """The test sets."""
    folders = {
        "PolyU": arguments.runs / "polyu" / "test",
        "CC": arguments.data / "cc15",
        "Nam": arguments.data / "nam25",
    }
    return {name: str(folder) for name, folder in folders.items()} | {"AWGN 25": HELD_OUT_SOURCE}


if __name__ == "__main__":
    main("real-photographs", "denoise-pocket", CELLS, settings, tests, options)
