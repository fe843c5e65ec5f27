"""What every method promises, whoever wrote it; tests of a method's own are about what it does beyond this."""

import pytest
import torch
from support.methods import batch_of, build, gradients, on_pairs, small_recipe, write_pairs

from workbench.errors import WorkbenchError
from workbench.methods import METHODS, resolve
from workbench.recipes import load_recipe
from workbench.training import fit

TRAINED = [name for name, method in METHODS.items() if method.trains]
RESTORING = [name for name in TRAINED if METHODS[name].restores]
STEP = 3
"""In the joint training of all of them, with the settings of `support.methods`."""


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """The settings of data that are there at once."""
    return on_pairs(write_pairs(tmp_path_factory.mktemp("pairs")))


@pytest.mark.parametrize("method", METHODS)
def test_a_resolved_recipe_says_it_all(method):
    resolved = resolve(small_recipe(method))
    assert resolve(resolved) == resolved
    assert set(resolved.options) <= {method} and METHODS[method].options_of(resolved) == build(method).options


@pytest.mark.parametrize("method", RESTORING)
def test_losses_are_finite_reach_the_restorer_and_do_not_look_at_torchs_random_state(method, pairs):
    module = build(method, *pairs)
    batch = batch_of(module)
    step = module.head_start + STEP
    losses = module.losses(batch, step)
    torch.manual_seed(1)
    again = build(method, *pairs).losses(batch, step)
    assert all(torch.isfinite(value) for value in losses.values())
    assert all(torch.equal(value, again[name]) for name, value in losses.items())
    losses["loss"].backward()
    assert gradients(module.restorer).abs().sum() > 0


@pytest.mark.parametrize("method", TRAINED)
def test_every_network_is_trained_by_the_one_optimiser(method, pairs):
    module = build(method, *pairs)
    groups = module.configure_optimizers()["optimizer"].param_groups
    optimised = {id(parameter) for group in groups for parameter in group["params"]}
    trained = {id(parameter) for parameter in module.parameters() if parameter.requires_grad}
    assert optimised == trained
    batch = batch_of(module)
    for step in (0, module.head_start + STEP):
        module.losses(batch, step)["loss"].backward()
    for group in groups:
        reached = [parameter.grad.abs().sum() for parameter in group["params"] if parameter.grad is not None]
        assert sum(reached) > 0 or not group["params"], group["name"]


# Pictures on which a mean, a norm or a correlation may be zero.
EXTREMES = {
    "black": torch.zeros_like,
    "white": torch.ones_like,
    "nothing to remove": None,
}


@pytest.mark.parametrize("case", [*EXTREMES, "one picture"])
@pytest.mark.parametrize("method", TRAINED)
def test_extreme_pictures_give_finite_losses_and_gradients(method, case, pairs):
    module = build(method, *pairs)
    batch = batch_of(module, 1 if case == "one picture" else 2)
    if case == "nothing to remove":
        batch |= {key: batch["clean"] for key in ("degraded", "target") if key in batch and "clean" in batch}
    elif case in EXTREMES:
        images = {"clean", "degraded", "target", "reference", "unpaired"} & batch.keys()
        batch |= {key: EXTREMES[case](batch[key]) for key in images}
    for step in {0, module.head_start + STEP}:
        losses = module.losses(batch, step)
        assert all(torch.isfinite(value) for value in losses.values()), losses
        losses["loss"].backward()
        assert torch.isfinite(gradients(module)).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_continued_run_equals_an_uninterrupted_one_bit_for_bit(method, pairs, tmp_path, monkeypatch):
    steps = ["training.max_steps=4", "training.checkpoint_every=2", "training.validate_every=100"]
    recipe = small_recipe(method, *pairs, *steps)
    whole = fit(recipe, tmp_path, "whole")
    losses = METHODS[method].losses

    def stop(self, batch, step):
        if step == STEP:
            raise InterruptedError
        return losses(self, batch, step)

    if method in TRAINED:
        monkeypatch.setattr(METHODS[method], "losses", stop)
        with pytest.raises(InterruptedError):
            fit(recipe, tmp_path, "cut")
        monkeypatch.undo()
    cut = fit(recipe, tmp_path, "cut", resume=True)
    ours, theirs = (run.restorer().networks for run in (cut, whole))
    for role, network in theirs.items():
        state = ours[role].state_dict()
        assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())
    states = [torch.load(run.checkpoint, weights_only=True) for run in (whole, cut) if run.checkpoint.exists()]
    assert len(states) == 2 * (method in TRAINED)
    for key in states[0]["state_dict"] if states else ():
        assert torch.equal(states[0]["state_dict"][key], states[1]["state_dict"][key]), key


def test_training_refuses_a_method_that_is_not_for_the_task(tmp_path):
    with pytest.raises(
        WorkbenchError, match="method nlcl is for deraining, not for denoising; choose another --method"
    ):
        fit(load_recipe("denoise-pocket", method="nlcl"), tmp_path, "run")
    assert not (tmp_path / "run" / "recipe.yaml").exists()
