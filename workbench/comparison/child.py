"""Train and measure one run of a grid: ``python -m workbench.comparison.child TASK``, the task as JSON.

It runs what `workbench train --resume` and `workbench evaluate` run, in one process that ends with its parent.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from workbench.errors import WorkbenchError
from workbench.recipes import load_recipe
from workbench.runs.evaluating import evaluate_restorer
from workbench.runs.folder import Run
from workbench.runs.processes import end_with
from workbench.training import fit


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
            failed += evaluate_restorer(run.folder, location, task["protocol"])[0]["failed"]
    except WorkbenchError as error:
        print(f"workbench: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(getattr(error, "exit_status", 2))
    if failed:
        first, others = failed[0], f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        print(f"workbench: not measured: {first['name']} ({first['reason']}){others}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
