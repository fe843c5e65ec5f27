"""Training: a recipe in, a run folder out."""

from workbench.training.fit import fit
from workbench.training.run import Run, list_runs

__all__ = ["Run", "fit", "list_runs"]
