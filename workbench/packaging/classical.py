"""Make the classical denoisers restorers that come with the package: a card each, no weights."""

from __future__ import annotations

from pathlib import Path

from workbench.restorers import Restorer, save_restorer
from workbench.restorers.names import PACKAGED

NOTES = {
    "nlm": ("non-local means (Buades, Coll, Morel 2005) of scikit-image", "scikit-image, BSD-3-Clause"),
    "tv": ("total variation (Rudin, Osher, Fatemi 1992; Chambolle 2004) of scikit-image", "scikit-image, BSD-3-Clause"),
    "bm3d": (
        "BM3D (Dabov, Foi, Katkovnik, Egiazarian 2007) of deepinv, with cosine transforms", "deepinv, BSD-3-Clause"
    ),
}  # fmt: skip
"""By kind what it is, and whose programme under which licence."""


def package_classical(folder: Path = PACKAGED) -> list[Path]:
    """Write the restorers into a folder, by default the package's, with the options' defaults; the files' paths."""
    paths = []
    for kind, (note, licence) in NOTES.items():
        restorer = Restorer({}, kind, described={})
        note += "; nothing is trained, the noise level is estimated from the picture"
        facts = {"task": "denoising", "method": "classical", "note": note, "licence": licence}
        path = Path(folder) / f"{kind}.safetensors"
        save_restorer(path, restorer, provenance=facts)
        paths.append(path)
    return paths
