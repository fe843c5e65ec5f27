"""Runs that are found again by what their recipe says: for notebooks, whose second pass must not train again."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import multiprocessing
import os
from collections.abc import Hashable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import torch

from workbench.data.contents import contents
from workbench.data.domains import places
from workbench.methods import METHODS, NoiseSpaceAdaptation, resolve
from workbench.recipes import Recipe, apply_settings
from workbench.runs.folder import Run
from workbench.training.fitting import HARMLESS, fit

Key = TypeVar("Key", bound=Hashable)

# What a recipe is called does not change its run. Unlike in `fit`, snapshots count: who asks for some needs them.
_NAMES = ("name", "description")
_HARMLESS = HARMLESS - {"training.snapshot_every"}


def recipe_digest(recipe: Recipe) -> str:
    """Twelve hexadecimal digits: equal if all is equal that decides what the run is.

    Name, description and what changes only how fast it is trained do not count; the pictures in its folders do.

    Raises
    ------
    WorkbenchError
        When an option of the method is unknown or wrong.
    """
    tree = _former_tree(recipe)
    for key in (*_NAMES, *_HARMLESS):
        *parents, leaf = key.split(".")
        node = tree
        for parent in parents:
            node = node[parent]
        del node[leaf]
    if held := contents(places(recipe.data)):
        tree["contents"] = held
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:12]


def _former_tree(recipe: Recipe) -> dict:
    """A resolved recipe as it was written when digests began: runs keep their names.

    The settings of noise-space adaptation, with all defaults, stood in every recipe; those that were added later are
    left out where they change nothing.
    """
    tree = resolve(recipe).model_dump(mode="json")
    tree["options"].pop("noise-space", None)
    options = NoiseSpaceAdaptation.Options(**recipe.options.get("noise-space", {})).model_dump(mode="json")
    if options["guard"] == "none":
        del options["guard"], options["guard_blur"]
    return tree | {"noise_space": options}


def cached_name(recipe: Recipe) -> str:
    """Name of the run folder of a recipe: ``RECIPE-METHOD-sSEED-DIGEST``."""
    return f"{recipe.name}-{recipe.method}-s{recipe.seed}-{recipe_digest(recipe)}"


def cached_run(recipe: Recipe, runs: Path = Path("runs"), *, smoke: bool = False) -> Run:
    """The finished run of a recipe: trained now, or continued, or found in the folder.

    It lies in ``RECIPE-METHOD-sSEED-DIGEST`` and is trained without a progress bar, which would end up in a notebook's
    output; the app's monitor shows how far it is.

    Parameters
    ----------
    recipe : Recipe
    runs : Path
        Folder of run folders; warm starts in it are shared.
    smoke : bool
        Train hardly any steps (`smoke_settings`), to see that everything runs.

    Returns
    -------
    Run

    Raises
    ------
    WorkbenchError
        As `workbench.training.fit`.
    """
    if smoke:
        recipe = apply_settings(recipe, smoke_settings(recipe))
    with contextlib.redirect_stderr(io.StringIO()):
        return fit(recipe, runs, cached_name(recipe), resume=True)


def cached_runs(recipes: Mapping[Key, Recipe], runs: Path = Path("runs"), *, smoke: bool = False) -> dict[Key, Run]:
    """`cached_run` of several recipes: side by side, a process and a thread each, where there are cores and no GPU.

    Parameters
    ----------
    recipes : mapping
        Recipes by any names; equal ones are trained once.
    runs, smoke
        As of `cached_run`. With ``smoke`` they go one after the other: to start processes would take longest.

    Returns
    -------
    dict
        Finished runs by the same names.

    Raises
    ------
    WorkbenchError
        As `workbench.training.fit`.
    """
    named = {cached_name(recipe): recipe for recipe in recipes.values()}
    missing = [recipe for name, recipe in named.items() if not Run(Path(runs) / name).finished]
    lanes = min(len(missing), 1 if smoke or torch.cuda.is_available() else os.cpu_count() or 1)
    if lanes > 1:
        # Not forked: a copy of a process that has used torch's threads may hang.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(lanes, context, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            for training in [pool.submit(cached_run, recipe, runs) for recipe in missing]:
                training.result()
    return {key: cached_run(recipe, runs, smoke=smoke) for key, recipe in recipes.items()}


def smoke_settings(recipe: Recipe, steps: int = 8) -> list[str]:
    """``KEY=VALUE`` changes that leave a recipe a few small steps of each kind and one picture to validate on."""
    sections = ["training", *(["warm_start"] if recipe.warm_start is not None else [])]
    changes = {
        f"{section}.{key}": value
        for section in sections
        for key, value in {
            "max_steps": steps, "batch_size": 4, "patch_size": 32, "validate_every": steps, "log_every": 2
        }.items()
    }  # fmt: skip
    if recipe.training.snapshot_every is not None:
        changes["training.snapshot_every"] = steps // 2
    own = METHODS[recipe.method].options_of(recipe)
    if hasattr(own, "head_start"):
        changes[f"options.{recipe.method}.head_start"] = min(own.head_start, steps // 2)
    changes["data.validation_images"] = 1
    return [f"{key}={value}" for key, value in changes.items()]
