"""Metrics, test protocols, their application to folders of image pairs, and result tables.

The names below are imported when they are first used: tables and published numbers need no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.evaluation.evaluate import evaluate_folder, evaluate_pairs, format_result
    from workbench.evaluation.lpips import Lpips
    from workbench.evaluation.metric import Metric, NoValue, Sample, Unavailable
    from workbench.evaluation.protocols import PROTOCOLS, Protocol, get_protocol

_MODULES = {
    "evaluate_folder": "evaluate",
    "evaluate_pairs": "evaluate",
    "format_result": "evaluate",
    "Lpips": "lpips",
    "Metric": "metric",
    "NoValue": "metric",
    "Sample": "metric",
    "Unavailable": "metric",
    "PROTOCOLS": "protocols",
    "Protocol": "protocols",
    "get_protocol": "protocols",
}

__all__ = [
    "PROTOCOLS",
    "Lpips",
    "Metric",
    "NoValue",
    "Protocol",
    "Sample",
    "Unavailable",
    "evaluate_folder",
    "evaluate_pairs",
    "format_result",
    "get_protocol",
]


def __getattr__(name: str):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value
