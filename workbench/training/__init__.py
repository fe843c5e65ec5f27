"""Training: a recipe in, a run folder out. What needs torch and Lightning is imported when it is asked for."""

from typing import TYPE_CHECKING

from workbench.lazily import lazily
from workbench.runs.folder import Run, list_runs

if TYPE_CHECKING:
    from workbench.training.fitting import fit
    from workbench.training.reuse import find_or_train, find_or_train_all, recipe_digest, run_name, smoke_settings

__all__ = ["Run", "find_or_train", "find_or_train_all", "fit", "list_runs", "recipe_digest", "run_name",
           "smoke_settings"]  # fmt: skip

__getattr__ = lazily(
    __name__,
    {
        "workbench.training.fitting": ("fit",),
        "workbench.training.reuse": (
            "find_or_train", "find_or_train_all", "recipe_digest", "run_name", "smoke_settings",
        ),
    },
)  # fmt: skip
