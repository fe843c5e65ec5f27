"""Measuring a restorer on a test set, as `workbench evaluate` and the comparisons do; a run keeps what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from workbench.devices import choose_device
from workbench.evaluation.measures import STANDARD
from workbench.evaluation.protocols import get_protocol
from workbench.evaluation.sets import open_set
from workbench.restorers import load_restorer
from workbench.restorers.cost import restoring_gmacs
from workbench.restorers.passes import Progress
from workbench.runs.evaluations import run_folder, save_evaluation
from workbench.runs.provenance import provenance


def evaluate_restorer(
    restorer: Path,
    data: str,
    protocol: str = "rgb",
    *,
    metrics: Sequence[str] = STANDARD,
    options: Mapping[str, object] | None = None,
    tile: int | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> tuple[dict, Path | None]:
    """Measure a restorer on a test set, and keep the evaluation in its run, if it has one.

    Parameters
    ----------
    restorer : Path
        A run folder, a file of weights, or the name of a packaged restorer.
    data : str
        As of `workbench.evaluation.sets.open_set`.
    protocol : str
    metrics : sequence of str
        Names of `workbench.evaluation.measures.METRICS`.
    options : mapping, optional
        Of the restorer, in place of those of its card.
    tile, progress
        As of `workbench.restorers.Restorer.restore`.
    device : {"auto", "cpu", "cuda"}

    Returns
    -------
    result : dict
        As of `workbench.evaluation.evaluate_folder`; ``gmacs`` (`workbench.restorers.cost.restoring_gmacs`), and
        ``notes`` if the restorer has some (`Restorer.notes`).
    kept : Path or None
        The evaluation's file; None where the restorer is no run's, or no picture could be measured.

    Raises
    ------
    WorkbenchError
        There is no such restorer, test set, protocol, metric, option or device.
    """
    get_protocol(protocol)
    chosen = choose_device(device)
    run = run_folder(restorer)
    test_set = open_set(data, run)
    own, _ = load_restorer(restorer)
    asked = own.with_options(options or {})
    gmacs = restoring_gmacs(asked)
    result = test_set.evaluate(lambda image: asked.restore(image, tile, chosen, progress), protocol, metrics=metrics)
    result["gmacs"] = None if gmacs is None else round(gmacs, 4)
    if asked.notes:
        result["notes"] = sorted(asked.notes)
    if run is None or not result["images"]:
        return result, None
    return result, save_evaluation(run, test_set, result, provenance(), asked.changes(own))
