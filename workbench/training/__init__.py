"""Training: a recipe in, a run folder out."""

from workbench.runs.folder import Run, list_runs
from workbench.training.fitting import fit
from workbench.training.reuse import cached_name, cached_run, cached_runs, recipe_digest, smoke_settings

__all__ = [
    "Run", "cached_name", "cached_run", "cached_runs", "fit", "list_runs", "recipe_digest", "smoke_settings",
]  # fmt: skip
