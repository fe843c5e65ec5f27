"""What trainings leave on disk: run folders, their curves, processes, states and evaluations."""

from workbench.runs.folder import Run, list_runs

__all__ = ["Run", "list_runs"]
