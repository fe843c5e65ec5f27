"""Train and measure one run of a grid: ``python -m workbench.comparison.child TASK``, the task as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from workbench.devices import choose_device
from workbench.errors import WorkbenchError
from workbench.evaluation.sets import open_set
from workbench.recipes import load_recipe
from workbench.restore import restore_array
from workbench.runs.evaluations import save_evaluation
from workbench.runs.folder import Run
from workbench.runs.processes import end_with
from workbench.runs.provenance import provenance
from workbench.training import fit


def measure(run: Run, location: str, protocol: str) -> list[dict]:
    """Measure a finished run on a test set and keep the record in its folder.

    Returns
    -------
    list of dict
        ``{"name", "reason"}`` of the pictures that could not be measured.
    """
    test_set = open_set(location, run.folder)
    restorer, device = run.restorer(), choose_device("auto")
    result = test_set.evaluate(lambda image: restore_array(restorer, image, device=device), protocol)
    save_evaluation(run.folder, test_set, result, provenance())
    return result["failed"]


def main() -> None:
    """Train and measure one run."""
    task = json.loads(sys.argv[1])
    end_with(task["parent"])
    torch.set_num_threads(1)
    run, failed = Run(Path(task["runs"]) / task["name"]), []
    try:
        if task["train"]:
            recipe = load_recipe(task["recipe"], task["settings"], method=task["method"], seed=task["seed"])
            run = fit(recipe, Path(task["runs"]), task["name"], resume=True)
        for location in task["tests"]:
            failed += measure(run, location, task["protocol"])
    except WorkbenchError as error:
        print(f"workbench: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(getattr(error, "exit_status", 2))
    if failed:
        first, others = failed[0], f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        print(f"workbench: not measured: {first['name']} ({first['reason']}){others}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
