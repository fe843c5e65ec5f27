"""The metrics by name; those of other installed packages are found (docs/adding-a-metric.md)."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.errors import WorkbenchError
from workbench.evaluation.colour_noise import ColourNoise
from workbench.evaluation.fid import Fid
from workbench.evaluation.lpips import Lpips
from workbench.evaluation.metric import Metric, Psnr, Ssim
from workbench.evaluation.niqe import Niqe
from workbench.evaluation.no_reference import Blur, Noise
from workbench.plugins import installed

GROUP = "workbench.metrics"

_OWN = (Psnr, Ssim, Lpips, Fid, Niqe, ColourNoise, Noise, Blur)
METRICS: dict[str, type[Metric]] = {each.name: each for each in _OWN}
METRICS |= installed(GROUP, Metric, "workbench.evaluation.Metric", METRICS)
FIDELITY = ("psnr", "ssim")
"""What needs no weights."""
STANDARD = (*FIDELITY, "lpips")
"""What an evaluation measures if nothing else is asked for."""


def chosen(names: Iterable[str]) -> list[type[Metric]]:
    """Metrics by name, in the order of the names.

    Raises
    ------
    WorkbenchError
        There is no such metric.
    """
    names = list(names)
    if unknown := [name for name in names if name not in METRICS]:
        raise WorkbenchError(f"no metric is called {unknown[0]!r}; choose some of {', '.join(METRICS)}")
    return [METRICS[name] for name in names]
