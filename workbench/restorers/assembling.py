"""Putting together restorers whose networks were trained apart."""

from __future__ import annotations

from workbench.errors import WorkbenchError
from workbench.restorers.restorer import Restorer

PARTS, WHOLE = ("drdd-residual", "drdd-noise"), "drdd"


def assemble(residual: Restorer, noise: Restorer) -> Restorer:
    """A restorer of two stages from those of each stage alone.

    Parameters
    ----------
    residual, noise : Restorer
        Of the kinds ``"drdd-residual"`` and ``"drdd-noise"``; how each is sampled stays, the seed is the first one's.

    Raises
    ------
    WorkbenchError
        They are of other kinds, or their processes differ.
    """
    if (residual.kind, noise.kind) != PARTS:
        raise WorkbenchError(
            f"restorers of the kinds {residual.kind!r} and {noise.kind!r} cannot be put together; give one of"
            f" {PARTS[0]!r} and one of {PARTS[1]!r} (train them with options.drdd.stages=residual and =noise)"
        )
    first, second = residual.options.model_dump(), noise.options.model_dump()
    for key in ("schedule", "level"):
        if first[key] != second[key]:
            raise WorkbenchError(
                f"the stages have another {key}, {first[key]} and {second[key]}; train one of them anew"
            )
    networks = {"residual": residual.networks["residual"], "noise": noise.networks["noise"]}
    described = {"residual": residual.described["residual"], "noise": noise.described["noise"]}
    return Restorer(networks, WHOLE, second | first, described=described, data_range=residual.data_range)
