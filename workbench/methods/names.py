"""The methods by name, without torch: what only lists or shows them need not wait for it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

GROUP = "workbench.methods"

OWN: dict[str, tuple[str, str]] = {
    "vanilla": ("vanilla", "Vanilla"),
    "oracle": ("oracle", "Oracle"),
    "noise-space": ("noise_space", "NoiseSpaceAdaptation"),
    "condition-quality": ("condition_quality", "ConditionQuality"),
    "dann": ("dann", "DomainAdversarial"),
    "dsn": ("dsn", "DomainSeparation"),
    "pixelda": ("pixelda", "PixelDA"),
    "cycada": ("cycada", "CyCADA"),
    "neighbor2neighbor": ("neighbor2neighbor", "Neighbor2Neighbor"),
    "ap-bsn": ("ap_bsn", "ApBsn"),
    "c2n": ("c2n", "C2N"),
    "masked": ("masked", "Masked"),
    "self-collaboration": ("self_collaboration", "SelfCollaboration"),
    "nlcl": ("nlcl", "Nlcl"),
    "selfdeblur": ("selfdeblur", "SelfDeblur"),
    "vdip": ("vdip", "Vdip"),
    "drdd": ("drdd", "Drdd"),
    "entangled": ("entangled", "Entangled"),
    "rddm": ("rddm", "Rddm"),
    "ir-sde": ("ir_sde", "IrSde"),
    "de-irsde": ("de_irsde", "DeIrSde"),
    "direct": ("direct", "Direct"),
}
"""By name the module in this package and the class."""
TITLES = {"noise-space": "adapted"}
"""What tables, pictures and the app call the restorers of those of `OWN` that do not go by their names."""


@cache
def installed_names() -> frozenset[str]:
    """The names that other installed packages offer methods under, whether these can be loaded or not."""
    return frozenset(entry.name for entry in entry_points(group=GROUP)) - OWN.keys()
