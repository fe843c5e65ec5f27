"""Metrics, test protocols, their application to folders of image pairs, and result tables.

The names below are imported when they are first used: tables and published numbers need no torch.
"""

from typing import TYPE_CHECKING

from workbench.lazily import lazily

if TYPE_CHECKING:
    from workbench.evaluation.evaluate import evaluate_folder, evaluate_pairs, format_result
    from workbench.evaluation.lpips import Lpips
    from workbench.evaluation.metric import Metric, NoValue, Sample, Unavailable
    from workbench.evaluation.protocols import PROTOCOLS, Protocol, get_protocol

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


__getattr__ = lazily(
    __name__,
    {
        "workbench.evaluation.evaluate": ("evaluate_folder", "evaluate_pairs", "format_result"),
        "workbench.evaluation.lpips": ("Lpips",),
        "workbench.evaluation.metric": ("Metric", "NoValue", "Sample", "Unavailable"),
        "workbench.evaluation.protocols": ("PROTOCOLS", "Protocol", "get_protocol"),
    },
)
