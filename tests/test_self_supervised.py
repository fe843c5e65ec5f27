"""The self-supervised and unsupervised rivals."""

import pytest
import torch
from conftest import TINY

from workbench.data.domains import training_stream
from workbench.data.streams import step_batches
from workbench.errors import WorkbenchError
from workbench.methods import METHODS
from workbench.methods.draws import Draws
from workbench.recipes import load_recipe
from workbench.training import fit

TRAINED = ["neighbor2neighbor"]


def recipe(method, *settings):
    return load_recipe("denoise-pocket", [*TINY, *settings], method=method)


def build(method, *settings):
    torch.manual_seed(0)
    resolved = METHODS[method].resolve(recipe(method, *settings))
    return METHODS[method](resolved)


def batch_of(module, size=4):
    stream = training_stream(module.recipe.data, module.parts, module.recipe.training.patch_size, seed=0)
    return next(iter(step_batches(stream, size)))


def gradients(network):
    return torch.cat(
        [torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in network.parameters()]
    )


def weights(run):
    return run.restorer().state_dict()


def test_draws_are_a_function_of_the_seeds_and_go_on():
    seeds = torch.tensor([3, 2**62, 7])
    first, again = Draws(seeds), Draws(seeds)
    drawn = first.uniform(2, 5)
    assert drawn.shape == (3, 2, 5)
    assert torch.equal(drawn, again.uniform(2, 5))
    assert not torch.equal(first.uniform(2, 5), drawn)
    assert not torch.equal(drawn[0], drawn[1])
    assert torch.equal(Draws(seeds[1:]).uniform(2, 5), drawn[1:]), "a process that has a share of a batch"
    assert Draws(seeds).integers(3, 100).unique().tolist() == [0, 1, 2]


@pytest.mark.parametrize("method", TRAINED)
def test_losses_are_finite_reach_the_restorer_and_do_not_look_at_torchs_random_state(method):
    module = build(method)
    batch = batch_of(module)
    losses = module.losses(batch, step=5)
    torch.manual_seed(1)
    again = module.losses(batch, step=5)
    assert all(torch.isfinite(value) for value in losses.values())
    assert all(torch.equal(value, again[name]) for name, value in losses.items())
    losses["loss"].backward()
    assert gradients(module.restorer).abs().sum() > 0


@pytest.mark.parametrize("method", TRAINED)
def test_an_interrupted_run_continues_as_if_it_had_not_been(method, tmp_path, monkeypatch):
    settings = ("training.validate_every=1000",)
    whole = fit(recipe(method, *settings), tmp_path, "whole")
    losses = METHODS[method].losses

    def stop_at_6(self, batch, step):
        if step == 6:
            raise InterruptedError
        return losses(self, batch, step)

    monkeypatch.setattr(METHODS[method], "losses", stop_at_6)
    with pytest.raises(InterruptedError):
        fit(recipe(method, *settings), tmp_path, "cut")
    monkeypatch.undo()
    cut = fit(recipe(method, *settings), tmp_path, "cut", resume=True)
    assert all(torch.equal(value, weights(cut)[name]) for name, value in weights(whole).items())


def test_neighbor2neighbor_follows_the_paper():
    module = build("neighbor2neighbor")
    batch = batch_of(module)
    assert set(batch) == {"target", "draws"}, "needs no source"
    module.restorer.forward = lambda image, window=None: torch.full_like(image, 0.5)
    start = module.losses(batch, 0)["loss"]
    # A constant has no difference between neighbours: what is left of Eq. 8 is twice the error, times the weight.
    middle = module.losses(batch, module.total_steps // 2)["loss"]
    assert middle == pytest.approx(2 * start.item(), rel=1e-5)
    assert module.weight(module.total_steps) == 2.0 == module.options.gamma


def test_neighbor2neighbor_takes_two_different_neighbours_of_every_cell():
    from workbench.methods.neighbor2neighbor import _masks

    first, second = (mask.view(-1, 4) for mask in _masks(Draws(torch.arange(5)), 8, 6))
    assert first.shape == (5 * 4 * 3, 4)
    assert (first.sum(1) == 1).all() and (second.sum(1) == 1).all()
    distance = (first.int().argmax(1) - second.int().argmax(1)).abs()
    assert distance.unique().tolist() == [1, 2], "never the diagonal"
    assert not ((first.int().argmax(1) + second.int().argmax(1)) == 3).any()


def test_neighbor2neighbor_wants_even_patches():
    with pytest.raises(WorkbenchError, match="must be even"):
        build("neighbor2neighbor", "restorer={name: unet-pocket, width: 4, depth: 1}", "training.patch_size=17")


def test_neighbor2neighbor_denoises_white_noise_without_clean_images(tmp_path):
    settings = (
        "restorer.width=8", "data.target=synthetic", "data.sigma=[25, 25]", "training.max_steps=200",
        "training.batch_size=8", "training.patch_size=32", "training.learning_rate=0.003",
        "training.validate_every=1000", "training.checkpoint_every=1000", "training.ema_decay=0.95",
    )  # fmt: skip
    scalars = fit(recipe("neighbor2neighbor", *settings), tmp_path).scalars()
    start, end = scalars[scalars.tag == "validation/source_psnr"].value
    assert end > start + 2.5
