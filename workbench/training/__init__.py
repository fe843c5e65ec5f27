"""Training: a recipe in, a run folder out. What needs torch and Lightning is imported when it is asked for."""

from importlib import import_module

from workbench.runs.folder import Run, list_runs

_IN = {
    "fit": "fitting",
    **dict.fromkeys(("run_name", "find_or_train", "find_or_train_all", "recipe_digest", "smoke_settings"), "reuse"),
}

__all__ = ["Run", "list_runs", *_IN]


def __getattr__(name: str):
    if name not in _IN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_IN[name]}"), name)
