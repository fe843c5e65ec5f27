"""Recipes on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import get_args

import yaml
from pydantic import BaseModel, ValidationError

from workbench.errors import WorkbenchError
from workbench.files import read_text, write_text
from workbench.recipes.former import current_key, current_tree
from workbench.recipes.reading import LONGEST, parse
from workbench.recipes.schema import Recipe
from workbench.recipes.variants import variant_settings


def available() -> list[Recipe]:
    """The packaged recipes, sorted by name."""
    files = resources.files("workbench.recipes").iterdir()
    names = sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))
    return [load_recipe(name) for name in names]


def load_recipe(name: str | Path, settings: Iterable[str] = (), **overrides) -> Recipe:
    """Read a recipe by packaged name or from a YAML file, and change single values.

    Parameters
    ----------
    name : str or Path
        A packaged name such as ``denoise-pocket``, a YAML file, or a run folder (its ``recipe.yaml``). ``+VARIANT``
        after it applies a named change (`workbench.recipes.variants`), as in ``denoise-pocket+table4-e``.
    settings : iterable of str
        ``KEY=VALUE`` with dotted keys, such as ``training.max_steps=200``; values are read as YAML.
    **overrides
        Top-level keys, such as ``method="vanilla"``; None is ignored.

    Raises
    ------
    WorkbenchError
        When there is no such recipe, or a key or value in it is wrong.

    Examples
    --------
    >>> recipe = load_recipe("denoise-pocket", ["training.max_steps=10"], method="vanilla")
    >>> recipe.method, recipe.training.max_steps, recipe.restorer.name
    ('vanilla', 10, 'unet-pocket')
    """
    name, chosen = _split(name)
    text, place = _read(name)
    try:
        tree = parse(text)
    except yaml.YAMLError as error:
        raise WorkbenchError(f"{place}: not valid YAML ({' '.join(str(error).split())})") from error
    if not isinstance(tree, dict):
        raise WorkbenchError(f"{place}: a recipe is a mapping of keys to values, see `workbench recipes`")
    tree = current_tree(tree, by_hand=Path(place).name != "recipe.yaml")  # which a run folder holds
    changes = variant_settings(chosen, str(name))
    if chosen:
        tree["name"] = "+".join([str(tree.get("name")), *chosen])
    return apply_settings(tree, [*changes, *settings], place, **overrides)


def apply_settings(tree: dict | Recipe, settings: Iterable[str] = (), place: str = "recipe", **overrides) -> Recipe:
    """Validate a recipe's tree after changing single values; arguments as in `load_recipe`."""
    tree = tree.model_dump(mode="json") if isinstance(tree, Recipe) else tree
    for setting in settings:
        key, separator, value = setting.partition("=")
        if not separator or not key:
            raise WorkbenchError(f"--set {setting}: write KEY=VALUE, such as training.max_steps=200")
        *parents, leaf = current_key(key).split(".")
        node = tree
        for parent in parents:
            child = node.setdefault(parent, {})
            if parent == "degradation" and isinstance(child, str):  # a name alone, which is given an option
                child = node[parent] = {"name": child}
            if not isinstance(child, dict):
                raise WorkbenchError(f"--set {setting}: {parent!r} has no keys below it")
            node = child
        try:
            # A folder's name is taken as it is typed, whatever it would mean in YAML.
            plain = parents == ["data"] and value[:1] not in "[{" and value != "null"
            node[leaf] = value if plain else parse(value)
        except yaml.YAMLError as error:
            raise WorkbenchError(f"--set {setting}: {value!r} is not a valid value") from error
    tree |= {key: value for key, value in overrides.items() if value is not None}
    try:
        return Recipe.model_validate(tree)
    except ValidationError as error:
        raise WorkbenchError(one_line(error, place, Recipe)) from error


def one_line(error: ValidationError, place: str, model: type[BaseModel] | None = None) -> str:
    """The first thing that is wrong with a recipe, in one line; of a key of ``model`` that is not there the nearest."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    reason = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        nearest = None if model is None else _nearest(model, [part for part in problem["loc"] if isinstance(part, str)])
        reason = "there is no such key" + (f"; did you mean {nearest}?" if nearest else "")
    return ": ".join(part for part in (place, key, reason) if part)


def _nearest(model: type[BaseModel], parts: list[str]) -> str | None:
    """The key of a model, beside a mistyped one or else anywhere, whose last part is most like its last part."""
    *parents, leaf = parts
    keys = [key.rpartition(".") for key in _keys(model)]
    beside = {last: f"{above}{dot}{last}" for above, dot, last in keys if above == ".".join(parents)}
    anywhere = {last: f"{above}{dot}{last}" for above, dot, last in keys}
    for names in (beside, anywhere):
        if close := get_close_matches(leaf, names, 1):
            return names[close[0]]
    return None


def _keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """The dotted keys of a model and of the sections in it."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _keys(part, f"{prefix}{name}.")


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write a fully resolved recipe as YAML, replacing the file in one step."""
    write_text(path, yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False))


def _split(name: str | Path) -> tuple[str | Path, list[str]]:
    """A recipe's name and the variants after it; a path that exists is taken as it is."""
    if Path(name).exists() or "+" not in Path(name).name:
        return name, []
    base, *chosen = Path(name).name.split("+")
    return Path(name).with_name(base), chosen


def _read(name: str | Path) -> tuple[str, str]:
    path = Path(name)
    if path.is_dir():
        path = path / "recipe.yaml"
    if path.suffix in {".yaml", ".yml"}:
        try:
            return read_text(path, LONGEST), str(path)
        except FileNotFoundError as error:
            raise WorkbenchError(f"{path}: cannot be read as a recipe ({error.strerror})") from error
    packaged = resources.files("workbench.recipes") / f"{name}.yaml"
    if not packaged.is_file():
        names = ", ".join(recipe.name for recipe in available())
        raise WorkbenchError(f"no recipe is called {str(name)!r}; packaged are {names}; or give a YAML file")
    return packaged.read_text(), str(name)
