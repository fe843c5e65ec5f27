"""Record the example of the app's first screen: one noisy photograph through restorers that come with the package.

Of the held-out photographs by the simulated night camera, which no restorer was trained on, the one whose input is
furthest from its reference, at the place with most detail.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

import workbench
from workbench.data.camera import detail
from workbench.data.domains import Pair
from workbench.data.embedded import simulated_target
from workbench.evaluation import get_protocol
from workbench.evaluation.metrics import psnr
from workbench.files import replacing, write_json
from workbench.images import to_float
from workbench.restorers import load_restorer

CAMERA = "night"
RESTORERS = {
    "vanilla": "denoise-photographs-vanilla",
    "guarded": "denoise-night-adapted",
    "non-local means": "nlm",
}
CROP = 176
"""Side of what is shown of the photograph, in pixels."""
FOLDER = Path(workbench.__file__).parents[1] / "apps" / "assets"


def example(pair: Pair) -> tuple[np.ndarray, dict]:
    """The pictures side by side (`CROP`, n * `CROP`, 3) uint8, and what is to be said of them."""
    pictures = {"input": pair.degraded}
    for title, name in RESTORERS.items():
        pictures[title] = load_restorer(name)[0].restore(pair.degraded)
    protocol = get_protocol("rgb")
    clean = protocol.prepare(to_float(pair.reference))
    measured = {
        title: round(protocol.measure(protocol.prepare(to_float(picture)), clean, with_ssim=False)[0], 2)
        for title, picture in pictures.items()
    }
    pictures["reference"] = pair.reference
    height, width = pair.reference.shape[:2]
    places = [(y, x) for y in range(0, height - CROP + 1, 16) for x in range(0, width - CROP + 1, 16)]
    y, x = max(places, key=lambda place: detail(pair.reference[place[0] : place[0] + CROP, place[1] : place[1] + CROP]))
    strip = np.hstack([picture[y : y + CROP, x : x + CROP] for picture in pictures.values()])
    return strip, {
        "photo": pair.name, "camera": CAMERA, "titles": list(pictures), "restorers": RESTORERS, "psnr": measured,
        "crop": [x, y, CROP],
    }  # fmt: skip


def package_example(folder: Path = FOLDER) -> list[Path]:
    """Write ``example.webp`` and ``example.json`` into a folder, by default the app's; their paths."""
    roll = simulated_target("held-out", CAMERA)
    shot = min(roll, key=lambda each: psnr(to_float(each.photograph), to_float(each.reference), 1.0))
    strip, facts = example(Pair(shot.name, shot.photograph, shot.reference))
    picture, words = folder / "example.webp", folder / "example.json"
    with replacing(picture) as file:
        Image.fromarray(strip).save(file, "WEBP", lossless=True)
    write_json(words, facts)
    return [picture, words]
