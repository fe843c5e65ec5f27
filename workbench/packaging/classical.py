"""Make restorers that need no training come with the package: a card each, no weights."""

from __future__ import annotations

from pathlib import Path

from workbench.restorers import Restorer, save_restorer
from workbench.restorers.names import PACKAGED

_NOISE = "nothing is trained, the noise level is estimated from the picture"
NOTES = {
    "nlm": (
        "denoising", "non-local means (Buades, Coll, Morel 2005) of scikit-image; " + _NOISE,
        "scikit-image, BSD-3-Clause",
    ),
    "tv": (
        "denoising", "total variation (Rudin, Osher, Fatemi 1992; Chambolle 2004) of scikit-image; " + _NOISE,
        "scikit-image, BSD-3-Clause",
    ),
    "bm3d": (
        "denoising", "BM3D (Dabov, Foi, Katkovnik, Egiazarian 2007) of deepinv, with cosine transforms; " + _NOISE,
        "deepinv, BSD-3-Clause",
    ),
    "equalise": ("low-light", "histogram equalisation of each channel on 8 bits; nothing is trained", ""),
}  # fmt: skip
"""By kind the task, what it is, and whose programme under which licence if it is another's."""


def package_classical(folder: Path = PACKAGED) -> list[Path]:
    """Write the restorers into a folder, by default the package's, with the options' defaults; the files' paths."""
    paths = []
    for kind, (task, note, licence) in NOTES.items():
        restorer = Restorer({}, kind, described={})
        facts = {"task": task, "method": "classical", "note": note} | ({"licence": licence} if licence else {})
        path = Path(folder) / f"{kind}.safetensors"
        save_restorer(path, restorer, provenance=facts)
        paths.append(path)
    return paths
