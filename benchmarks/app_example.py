"""Record the example of the app's first screen: one noisy photograph through restorers that come with the package.

A held-out photograph by the simulated camera, which no restorer was trained on, at the place with most detail. Run
``python benchmarks/app_example.py``; it writes ``apps/assets/example.webp`` and ``apps/assets/example.json``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

import apps
from workbench.data.camera import detail
from workbench.data.embedded import simulated_target
from workbench.evaluation import get_protocol
from workbench.images import to_float
from workbench.restorers import load_restorer, names

SHOT = "chelsea-1-005"
RESTORERS = {
    "vanilla": "denoise-simulated-camera-vanilla",
    "adapted": "denoise-simulated-camera-adapted",
    "non-local means": "nlm",
}
SIDE, CROP = 320, 176
"""Of the photograph, and of what is shown of it, in pixels."""
FOLDER = Path(apps.__file__).parent / "assets"


def record() -> tuple[np.ndarray, dict]:
    """The pictures side by side (`CROP`, n * `CROP`, 3) uint8, and what is to be said of them."""
    (shot,) = [each for each in simulated_target("held-out", size=SIDE) if each.name == SHOT]
    pictures = {"input": shot.photograph}
    for title, name in RESTORERS.items():
        pictures[title] = load_restorer(names.find(name))[0].restore(shot.photograph)
    pictures["reference"] = shot.reference
    protocol = get_protocol("rgb")
    clean = protocol.prepare(to_float(shot.reference))
    psnr = {
        title: round(protocol.psnr(protocol.prepare(to_float(picture)), clean), 2)
        for title, picture in pictures.items()
        if title != "reference"
    }
    height, width = shot.reference.shape[:2]
    places = [(y, x) for y in range(0, height - CROP + 1, 16) for x in range(0, width - CROP + 1, 16)]
    y, x = max(places, key=lambda place: detail(shot.reference[place[0] : place[0] + CROP, place[1] : place[1] + CROP]))
    strip = np.hstack([picture[y : y + CROP, x : x + CROP] for picture in pictures.values()])
    return strip, {
        "photo": SHOT,
        "size": SIDE,
        "titles": list(pictures),
        "restorers": RESTORERS,
        "psnr": psnr,
        "crop": [x, y, CROP],
    }


def main() -> None:
    """Write both files."""
    strip, facts = record()
    Image.fromarray(strip).save(FOLDER / "example.webp", lossless=True)
    (FOLDER / "example.json").write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
