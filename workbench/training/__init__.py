"""Training: a recipe in, a run folder out."""

from workbench.training.cached import cached_name, cached_run, cached_runs, recipe_digest, smoke_settings
from workbench.training.fit import fit
from workbench.training.run import Run, list_runs

__all__ = [
    "Run", "cached_name", "cached_run", "cached_runs", "fit", "list_runs", "recipe_digest", "smoke_settings",
]  # fmt: skip
