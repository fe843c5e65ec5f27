"""Every task trains and is measured, at a size that takes seconds."""

import json

import pytest
from support import TINY

from workbench.recipes import load_recipe
from workbench.training import fit

STEPS = ["training.max_steps=2", "training.validate_every=2", "options.noise-space.head_start=1"]


@pytest.mark.parametrize("recipe", ["denoise-pocket", "derain-pocket", "deblur-pocket", "derain-pocket+unpaired"])
def test_two_steps_of_every_task(recipe, tmp_path):
    run = fit(load_recipe(recipe, [*TINY, *STEPS]), tmp_path)
    validation = run.summary["validation"]
    assert run.name == f"{recipe}-noise-space-s0"
    assert 5 < validation["target_psnr"] < 60 and 5 < validation["source_psnr"] < 60
    card = json.loads((run.folder / "restorer.json").read_text())
    assert card["provenance"]["data"]["degradation"] == load_recipe(recipe).data.degradation.name


def test_warm_starts_are_shared_within_a_degradation_only(tmp_path):
    short = [*TINY, *STEPS, "warm_start={max_steps: 1, batch_size: 2, patch_size: 16}"]
    for recipe in ("derain-pocket", "deblur-pocket"):
        for method in ("vanilla", "noise-space"):
            fit(load_recipe(recipe, short, method=method), tmp_path)
    assert len(list((tmp_path / ".warm-starts").glob("*-s0"))) == 2
