"""Recorded results rest on these samples: whoever changes them changes what every run of these recipes sees."""

from pathlib import Path

import numpy as np
import pytest

from workbench.data.domains import training_stream
from workbench.methods.random_numbers import DIFFUSION
from workbench.recipes import load_recipe

RECORDED = Path(__file__).parent / "recorded_streams.npz"
WHOLE = frozenset({"source", "target", "references", DIFFUSION, "seed"})
PARTS = {"denoise-pocket": WHOLE, "derain-pocket": frozenset({"source"}), "deblur-pocket": frozenset({"source"})}


def samples(name):
    """Every eighth row and column of two samples of a recipe, by what they are called."""
    stream = training_stream(load_recipe(name).data, PARTS[name], 32, seed=3)
    return {
        f"{name} {index} {key}": value.numpy()[..., ::8, ::8] if value.ndim else value.numpy()
        for index in (0, 7)
        for key, value in stream[index].items()
    }


@pytest.mark.parametrize("name", PARTS)
def test_samples_of_the_packaged_recipes_are_those_of_recorded_runs(name):
    with np.load(RECORDED) as recorded:
        expected = {key: recorded[key] for key in recorded.files if key.startswith(f"{name} ")}
    found = samples(name)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        # Bit for bit on one machine; another one's sines and exponentials may differ in the last place.
        np.testing.assert_allclose(found[key], value, rtol=0, atol=1e-6, err_msg=key)
