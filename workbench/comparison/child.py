"""Train and measure one run of a grid: ``python -m workbench.comparison.child TASK``, the task as JSON.

It runs what `workbench train --resume` and `workbench evaluate` run, in one process that ends with its parent.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from workbench.recipes import load_recipe
from workbench.runs.evaluating import evaluate_restorer
from workbench.runs.folder import Run
from workbench.runs.processes import end_with
from workbench.terminal import run_command, say
from workbench.training import fit


def main() -> None:
    """Train and measure one run."""
    task = json.loads(sys.argv[1])
    end_with(task["parent"])
    sys.exit(run_command(lambda: complete(task)))


def complete(task: dict) -> int:
    """Do what is asked for; the exit status: 1 where pictures could not be measured."""
    run, failed = Run(Path(task["runs"]) / task["name"]), []
    if task["train"]:
        recipe = load_recipe(task["recipe"], task["settings"], method=task["method"], seed=task["seed"])
        run = fit(recipe, Path(task["runs"]), task["name"], resume=True)
    for location in task["tests"]:
        failed += evaluate_restorer(run.folder, location, task["protocol"])[0]["failed"]
    if not failed:
        return 0
    first, others = failed[0], f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    say(f"not measured: {first['name']} ({first['reason']}){others}")
    return 1


if __name__ == "__main__":
    main()
