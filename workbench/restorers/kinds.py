"""The kinds of restorers by name; those of other installed packages are found (docs/restorers.md)."""

from __future__ import annotations

from workbench.plugins import installed
from workbench.restorers.blind_spot import BlindSpot
from workbench.restorers.classical import Bm3d, NonLocalMeans, TotalVariation
from workbench.restorers.equalisation import Equalisation
from workbench.restorers.masked import Masked
from workbench.restorers.one_pass import OnePass
from workbench.restorers.per_image import PerImage
from workbench.restorers.procedure import Procedure
from workbench.restorers.residual_diffusion import (
    Coupled,
    Decoupled,
    Direct,
    Entangled,
    MeanReverting,
    NoiseStage,
    ResidualStage,
)

GROUP = "workbench.restorers"

KINDS: dict[str, type[Procedure]] = {
    "one-pass": OnePass,
    "per-image": PerImage,
    "blind-spot": BlindSpot,
    "masked": Masked,
    "nlm": NonLocalMeans,
    "tv": TotalVariation,
    "bm3d": Bm3d,
    "equalise": Equalisation,
    "direct": Direct,
    "drdd": Decoupled,
    "drdd-residual": ResidualStage,
    "drdd-noise": NoiseStage,
    "entangled": Entangled,
    "rddm": Coupled,
    "ir-sde": MeanReverting,
}
KINDS |= installed(GROUP, Procedure, "workbench.restorers.Procedure", KINDS)


def kind_of(network: object) -> str:
    """The kind of the restorer that a network, or a class of networks, makes alone: what it says, else one pass."""
    return getattr(network, "kind", "one-pass")
