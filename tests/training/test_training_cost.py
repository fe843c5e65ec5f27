"""Multiplications of a training, counted by its last step."""

import pytest
import torch
from support import TINY
from torch.utils.flop_counter import FlopCounterMode

from workbench.data.domains import training_stream
from workbench.methods import METHODS, resolve
from workbench.recipes import load_recipe
from workbench.training import fit
from workbench.training.cost import training_gmacs


def cost(*settings, method="vanilla"):
    recipe = resolve(load_recipe("denoise-pocket", [*TINY, *settings], method=method))
    module = METHODS[method](recipe)
    settings = recipe.training
    stream = training_stream(recipe.data, module.parts, settings.patch_size, recipe.seed)
    return training_gmacs(module, stream), module


def test_both_ways_take_three_times_one_way():
    counted, module = cost("training.batch_size=2", "training.max_steps=100")
    side = module.recipe.training.patch_size
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        module.restorer(torch.zeros(2, 3, side, side))
    one_way = 100 * counter.get_total_flops() / 2e9
    # A little less: nobody asks for the gradient of the picture
    assert 2.7 * one_way < counted < 3 * one_way
    assert cost("training.batch_size=4", "training.max_steps=100")[0] == pytest.approx(2 * counted, rel=1e-2)


def test_a_critic_costs_what_it_takes():
    assert cost(method="noise-space")[0] > 2 * cost("training.max_steps=10")[0]


def test_compiled_networks_are_not_counted():
    assert cost("training.compile=true")[0] is None


def test_a_run_says_what_it_and_its_warm_start_took(tmp_path):
    warm = "warm_start={max_steps: 4, batch_size: 4, patch_size: 16, validate_every: 100}"
    run = fit(load_recipe("denoise-pocket", [*TINY, warm], method="vanilla"), tmp_path)
    assert run.summary["gmacs"] == cost()[0] > 0
    assert run.summary["warm_start"]["gmacs"] == pytest.approx(run.summary["gmacs"] / 2, abs=0.001)
