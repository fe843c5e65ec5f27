"""Record the small pictures by which the app's Compare tab lists its samples.

Run ``python benchmarks/app_samples.py``; it writes ``apps/assets/samples.json``.
"""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

from PIL import Image

import apps
from apps.samples import RECORD, samples
from workbench.files import write_text

FILE = Path(apps.__file__).parent / "assets" / RECORD
SIDE = 200


def thumbnail(path: Path) -> str:
    """A picture reduced to `SIDE` pixels, as the address of a WebP file in a page."""
    small, file = Image.open(path), io.BytesIO()
    small.thumbnail((SIDE, SIDE))
    small.save(file, "WEBP", quality=85)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def record() -> dict[str, dict[str, str]]:
    """By kind and name of a sample the address of its small picture."""
    kinds = {"simulated": True, "clean": False}
    return {
        kind: {sample.name: thumbnail(sample.photo) for sample in samples(simulated)}
        for kind, simulated in kinds.items()
    }


if __name__ == "__main__":
    write_text(FILE, json.dumps(record(), indent=1) + "\n")
