"""Metrics, test protocols and their application to folders of image pairs."""

from workbench.evaluation.evaluate import evaluate_folder, evaluate_pairs, format_report
from workbench.evaluation.lpips import Lpips, Unavailable
from workbench.evaluation.protocols import PROTOCOLS, Protocol, get_protocol

__all__ = [
    "PROTOCOLS",
    "Lpips",
    "Protocol",
    "Unavailable",
    "evaluate_folder",
    "evaluate_pairs",
    "format_report",
    "get_protocol",
]
