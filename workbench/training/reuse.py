"""Runs that are found again by what their recipe says: for notebooks, whose second pass must not train again."""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import os
from collections.abc import Hashable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import torch

from workbench.data.domains import data_locations
from workbench.data.fingerprints import fingerprints
from workbench.devices import trainings_at_once
from workbench.methods import METHODS, resolve
from workbench.recipes import Recipe, apply_settings
from workbench.runs.folder import Run
from workbench.runs.identity import REUSE, digest, find_run
from workbench.runs.processes import end_with

Key = TypeVar("Key", bound=Hashable)

NARROWEST = (
    {"name": "unet-pocket", "width": 4}, {"name": "diffusion-pocket", "widths": [4, 8, 8]},
    {"name": "drdd-pocket", "widths": [4, 8]},
)  # fmt: skip


def recipe_digest(recipe: Recipe) -> str:
    """Twelve hexadecimal digits, which differ for recipes whose runs differ (`workbench.runs.identity`).

    The pictures in its folders count too.

    Raises
    ------
    WorkbenchError
        When an option of the method is unknown or wrong.
    """
    return digest(resolve(recipe), REUSE, fingerprints(data_locations(recipe.data)))


def run_name(recipe: Recipe, runs: Path) -> str:
    """Name of the run folder of a recipe: of the run that is there, or ``RECIPE-METHOD-sSEED-DIGEST`` for a new one."""
    recipe = resolve(recipe)
    name = f"{recipe.name}-{recipe.method}-s{recipe.seed}-{recipe_digest(recipe)}"
    if (Path(runs) / name).exists():
        return name
    # Under another recipe's name, or with the digest that an earlier version gave
    there = (path.parent for path in Path(runs).glob(f"*-{recipe.method}-s{recipe.seed}-{'[0-9a-f]' * 12}/recipe.yaml"))
    run = find_run(there, recipe, REUSE, fingerprints(data_locations(recipe.data)), resolve)
    return name if run is None else run.name


def find_or_train(recipe: Recipe, runs: Path = Path("runs"), *, smoke: bool = False) -> Run:
    """The finished run of a recipe: trained now, or continued, or found in the folder.

    It is the one that `run_name` names, and is trained without a progress bar, which would end up in a notebook's
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
        from workbench.training.fitting import fit  # imports Lightning, for which lists of studies need not wait

        return fit(recipe, runs, run_name(recipe, runs), resume=True)


def find_or_train_all(
    recipes: Mapping[Key, Recipe], runs: Path = Path("runs"), *, smoke: bool = False
) -> dict[Key, Run]:
    """`find_or_train` of several recipes: side by side, a process and a thread each, where there are cores and no GPU.

    Parameters
    ----------
    recipes : mapping
        Recipes by any names; equal ones are trained once.
    runs, smoke
        As of `find_or_train`. With ``smoke`` they go one after the other: to start processes would take longest.

    Returns
    -------
    dict
        Finished runs by the same names.

    Raises
    ------
    WorkbenchError
        As `workbench.training.fit`.
    """
    different = {recipe_digest(recipe): recipe for recipe in recipes.values()}.values()
    missing = [recipe for recipe in different if not Run(Path(runs) / run_name(recipe, runs)).finished]
    lanes = min(len(missing), 1 if smoke else trainings_at_once())
    if lanes > 1:
        # Not forked: a copy of a process that has used torch's threads may hang.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(lanes, context, initializer=_begin_lane, initargs=(os.getpid(),)) as pool:
            for training in [pool.submit(find_or_train, recipe, runs) for recipe in missing]:
                training.result()
    return {key: find_or_train(recipe, runs, smoke=smoke) for key, recipe in recipes.items()}


def _begin_lane(parent: int) -> None:
    """Prepare a process that trains beside others."""
    end_with(parent)
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)


def smoke_settings(recipe: Recipe, steps: int = 8) -> list[str]:
    """``KEY=VALUE`` changes that leave a recipe a few small steps of each kind and one picture to validate on.

    Pocket networks, of the restorer and in the method's options, are as narrow as can be, unless the recipe says how
    wide they are.
    """
    resolved = resolve(recipe)
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
    if head_start := METHODS[recipe.method].length(resolved).head_start:
        changes[f"options.{recipe.method}.head_start"] = min(head_start, steps // 2)
    options = resolved.options.get(recipe.method, {})
    networks = {f"options.{recipe.method}.{key}": value for key, value in options.items()}
    if recipe.pretrained is None:
        networks["restorer"] = recipe.restorer.model_dump()
    for key, network in networks.items():
        narrow = next((narrow for narrow in NARROWEST if network == {"name": narrow["name"]}), None)
        if narrow is not None:
            changes[key] = json.dumps(narrow)
    changes["data.validation_images"] = 1
    return [f"{key}={value}" for key, value in changes.items()]
