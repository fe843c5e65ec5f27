"""Whether every method trains and restores on a device at all, in full and in half precision: a few steps of each."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from workbench.benching.measuring import Result, Row, Settings, Times, processor_seconds
from workbench.devices import choose_device
from workbench.errors import WorkbenchError
from workbench.methods import METHODS, misfit
from workbench.recipes import Recipe, apply_settings, load_recipe
from workbench.restore import restore_array
from workbench.restorers import load_restorer
from workbench.restorers.names import packaged
from workbench.training import fit, smoke_settings

PRECISIONS = ("32-true", "bf16-mixed")
RECIPES = ("denoise-pocket", "derain-pocket", "deblur-pocket", "drdd-denoise-pocket", "condition-quality-pocket")
STEPS, SIDE = 4, 96


def run(settings: Settings) -> Result:
    """Train and restore by every method, and restore by every packaged restorer, going on where one fails."""
    device = choose_device(settings.device)
    rows, failed = [], []
    with tempfile.TemporaryDirectory() as folder:
        for case, what, job in _jobs(Path(folder), settings, device):
            clock, processor = time.perf_counter(), processor_seconds()
            try:
                said = job()
            except Exception as error:  # whatever a method raises on a device that it has never seen
                said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                failed.append({"name": f"{case}, {what}", "reason": said})
            times = Times([time.perf_counter() - clock], [processor_seconds() - processor])
            rows.append(Row(case, what, times, facts={"": said}))
    return Result("smoke", rows, [f"{len(rows) - len(failed)} of {len(rows)} work on {device}"], {"failed": failed})


def recipe_for(method: str, changes: list[str]) -> Recipe:
    """A packaged recipe that a method fits, cut to a few steps.

    Raises
    ------
    WorkbenchError
        There is none.
    """
    recipes = [load_recipe(name) for name in RECIPES]
    for recipe in sorted(recipes, key=lambda recipe: recipe.method != method):  # its own first
        chosen = load_recipe(recipe.name, ["warm_start=null"], method=method)
        if recipe.method == method or misfit(chosen) is None:
            return apply_settings(chosen, [*smoke_settings(chosen, STEPS), *changes])
    raise WorkbenchError(f"{method}: no packaged recipe is for it")


def _jobs(folder: Path, settings: Settings, device: torch.device) -> Iterator[tuple]:
    accelerator = "gpu" if device.type == "cuda" else "cpu"
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE + 5, 3), np.uint8)

    def train(method: str, precision: str) -> str:
        changes = [f"training.accelerator={accelerator}", f"training.precision={precision}", *settings.changes]
        run = fit(recipe_for(method, changes), folder, f"{method}-{precision}")
        restore_array(run.restorer(), image, device=device)
        return "trains and restores"

    def restore(name: str, half: bool) -> str:
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            restore_array(load_restorer(name)[0], image, device=device)
        return "restores"

    for precision in PRECISIONS:
        for method in METHODS:
            yield precision, method, lambda method=method, precision=precision: train(method, precision)
        for name in packaged():
            yield precision, name, lambda name=name, half=precision != PRECISIONS[0]: restore(name, half)
