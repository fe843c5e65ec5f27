"""A gallery of photographs that no packaged restorer was trained on: `python benchmarks/unseen.py`.

The held-out scenes by simulated cameras that the packaged restorers never met (they were adapted to real photographs of
PolyU), and the photographs of folders that are named: with ``input/`` and ``target/``, or noisy ones alone. What is
written is ``docs/figures/unseen.jpg``, or another file.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.data.collections import read_folder, read_pairs
from workbench.data.domains import Pair
from workbench.data.embedded import simulated_target
from workbench.data.folders import is_paired
from workbench.figures import INPUT, REFERENCE, Views, save_figure, side_by_side, views_of
from workbench.images import to_float
from workbench.restore import restore_array
from workbench.restorers import Restorer, load_restorer

FIGURE = Path(__file__).parents[1] / "docs" / "figures" / "unseen.jpg"
SHOTS = {"night": 0, "strong": 3, "textured": 5}
"""By camera, which of its held-out shots is shown."""
RESTORERS = {
    "vanilla": "denoise-photographs-vanilla",
    "guarded": "denoise-photographs-adapted",
    "pocket, adapted": "denoise-photographs-pocket-adapted",
    "non-local means": "nlm",
}
SIDE = 128


def simulated(restorers: dict[str, Restorer]) -> dict[str, Views]:
    """The held-out scenes by cameras that the restorers never met."""
    rows = {}
    for camera, number in SHOTS.items():
        shots = simulated_target("held-out", camera)
        shot = shots[number % len(shots)]
        rows[f"camera\n{camera}"] = views_of(Pair(shot.name, shot.photograph, shot.reference), restorers)
    return rows


def photographs(folder: Path, restorers: dict[str, Restorer]) -> dict[str, Views]:
    """The photographs of a folder, with their references where it has ``input/`` and ``target/``."""
    if is_paired(folder):
        degraded, clean = read_pairs(folder)
        pairs = zip(degraded.names, degraded, clean, strict=True)
        return {Path(name).stem: views_of(Pair(name, photo, reference), restorers) for name, photo, reference in pairs}
    rows, photos = {}, read_folder(folder)
    for name, photo in zip(photos.names, photos, strict=True):
        made = {title: restore_array(each, to_float(photo)).clip(0, 1) for title, each in restorers.items()}
        rows[Path(name).stem] = {INPUT: to_float(photo), **made, REFERENCE: None}
    return rows


def main() -> None:
    """Draw the gallery."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, help="further photographs")
    parser.add_argument("--output", type=Path, default=FIGURE)
    arguments = parser.parse_args()
    restorers = {title: load_restorer(name)[0] for title, name in RESTORERS.items()}
    rows = simulated(restorers)
    for folder in arguments.folders:
        rows |= photographs(folder, restorers)
    text = f"Crops of {SIDE} pixels with the PSNR of the whole picture, where there is a reference; packaged restorers."
    figure = side_by_side(rows, text, side=SIDE, whole=True, inches=2.0)
    save_figure(figure, arguments.output, pil_kwargs={"quality": 88})


if __name__ == "__main__":
    main()
