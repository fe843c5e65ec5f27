"""The methods' classes; those of other installed packages are found (docs/adding-a-method.md)."""

from __future__ import annotations

from importlib import import_module

from workbench.errors import WorkbenchError
from workbench.methods.base import Method
from workbench.methods.names import OWN
from workbench.methods.plugins import installed_methods
from workbench.recipes import Recipe

METHODS: dict[str, type[Method]] = {
    name: getattr(import_module(f"workbench.methods.{module}"), kind) for name, (module, kind) in OWN.items()
}
METHODS |= installed_methods(METHODS)


def resolve(recipe: Recipe) -> Recipe:
    """The recipe with the settings of its method, and of no other, written out.

    Raises
    ------
    WorkbenchError
        When a method that the recipe names is unknown, or a setting of any of them is unknown or wrong.
    """
    for name in (recipe.method, *recipe.options):
        if name not in METHODS:
            raise WorkbenchError(f"{recipe.name}: no method is called {name!r}; choose one of {', '.join(METHODS)}")
    for name in recipe.options:  # a mistyped setting of another method is as wrong as one of its own
        METHODS[name].options_of(recipe.model_copy(update={"method": name}))
    return METHODS[recipe.method].resolve(recipe)


def misfit(recipe: Recipe) -> str | None:
    """Why the method of a recipe is not for its task, in one line; None if it is."""
    tasks = METHODS[recipe.method].tasks
    if recipe.task in tasks:
        return None
    return f"method {recipe.method} is for {', '.join(sorted(tasks))}, not for {recipe.task}"
