"""Training: a recipe in, a run folder out."""

from workbench.training.cached import cached_name, cached_run, recipe_digest, smoke_settings
from workbench.training.fit import fit
from workbench.training.run import Run, list_runs

__all__ = ["Run", "cached_name", "cached_run", "fit", "list_runs", "recipe_digest", "smoke_settings"]
