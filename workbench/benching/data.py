"""Training samples: how fast one process makes them, beside what a step takes."""

from __future__ import annotations

import itertools
import statistics
from dataclasses import replace

from workbench.benching.measuring import Result, Settings, in_turn, rows_of
from workbench.data.domains import training_stream
from workbench.data.streams import step_batches
from workbench.methods import METHODS, resolve
from workbench.recipes import load_recipe

TARGETS = {"denoise": "simulated-camera", "derain": "simulated-rain", "deblur": "simulated-shake"}
"""Tasks and the target domains that come with the package."""


def run(settings: Settings) -> Result:
    """Measure a batch of every task at every scale that is asked for."""
    rows = []
    for task, scale in itertools.product(TARGETS, settings.scales):
        places = [f"data.{key}={TARGETS[task]}" for key in ("target", "validation")]
        recipe = resolve(
            load_recipe(f"{task}-{scale}", ["data.source=embedded", *places, *settings.changes], method="noise-space")
        )
        training = recipe.training
        stream = training_stream(recipe.data, METHODS[recipe.method](recipe).parts, training.patch_size, recipe.seed)
        batches = iter(step_batches(stream, training.batch_size))
        times = in_turn({"a batch": lambda batches=batches: next(batches)}, settings)
        (row,) = rows_of(f"{recipe.name}, {training.batch_size} x {training.patch_size} px", times)
        rate = training.batch_size / statistics.median(row.times.processor)
        rows.append(replace(row, facts={"samples/s": round(rate)}))
    return Result("data", rows, ["A sample is a source pair, a target patch and the random numbers of its step."])
