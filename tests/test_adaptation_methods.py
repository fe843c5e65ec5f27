"""Domain-adaptation rivals: the signs of their losses, the ways of their gradients, training and resuming."""

import pytest
import torch
from conftest import TINY
from torch.nn import functional as F  # noqa: N812

from workbench.data.domains import training_stream
from workbench.data.streams import step_batches
from workbench.errors import WorkbenchError
from workbench.methods import METHODS
from workbench.methods.base import Diverged
from workbench.methods.features import domain_confusion
from workbench.methods.gradients import held, scale_gradient
from workbench.nets import build as build_network
from workbench.nets.adversaries import domain_classifier
from workbench.recipes import load_recipe
from workbench.training import fit

# Small networks beside the restorer.
SMALL = {
    "dann": ["options.dann.width=4"],
}


def recipe(method, *settings):
    return load_recipe("denoise-pocket", [*TINY, *SMALL[method], *settings], method=method)


def build(method, *settings):
    torch.manual_seed(0)
    module = METHODS[method](recipe(method, *settings))
    torch.nn.init.normal_(module.restorer.last.weight, std=0.1)  # lets more than a trickle of gradient through
    return module


def batch_of(module, size=4):
    stream = training_stream(module.recipe.data, module.parts, 16, seed=0)
    return next(iter(step_batches(stream, size)))


def gradient(loss, network):
    """The gradient of a loss with respect to a network's parameters, as one vector; zeros where it does not reach."""
    parameters = list(network.parameters())
    found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    return torch.cat(
        [torch.zeros_like(p).flatten() if g is None else g.flatten() for p, g in zip(parameters, found, strict=True)]
    )


def test_reversal_flips_and_scales_the_gradient_and_keeps_the_value():
    value = torch.tensor([1.0, 2.0], requires_grad=True)
    passed = scale_gradient(value, -0.5)
    assert torch.equal(passed, value)
    passed.sum().backward()
    assert value.grad.tolist() == [-0.5, -0.5]


def test_a_held_network_lets_gradients_through_but_takes_none():
    network, image = torch.nn.Conv2d(3, 1, 3), torch.rand(1, 3, 8, 8, requires_grad=True)
    output = held(network, image)
    assert torch.equal(output, network(image))
    output.sum().backward()
    assert image.grad.abs().sum() > 0 and all(parameter.grad is None for parameter in network.parameters())


def test_domain_confusion_teaches_the_classifier_and_reverses_for_the_features():
    torch.manual_seed(0)
    classifier = domain_classifier(5, 8)
    source, target = torch.randn(2, 5, 4, 4, requires_grad=True), torch.randn(2, 5, 4, 4, requires_grad=True)
    loss = domain_confusion(classifier, source, target, weight=0.5)
    logits = torch.cat([classifier(source), classifier(target)])
    plain = F.binary_cross_entropy_with_logits(
        logits, torch.tensor([0.0, 0, 1, 1])[:, None, None, None].expand(4, 1, 4, 4)
    )
    assert torch.allclose(loss, plain)
    assert torch.allclose(gradient(loss, classifier), gradient(plain, classifier))
    for features in (source, target):
        (reversed_,), (straight,) = (torch.autograd.grad(each, features, retain_graph=True) for each in (loss, plain))
        assert torch.allclose(reversed_, -0.5 * straight, atol=1e-8) and straight.abs().sum() > 0


def test_the_decoder_restores_from_what_the_encoder_found():
    network, images = build_network("unet-pocket"), torch.rand(2, 3, 18, 22)
    levels = network.encode(images)
    assert [level.shape[1] for level in levels] == [16, 32, 64] and levels[-1].shape[-2:] == (5, 6)
    assert torch.equal(network.decode(levels, images), network(images))


@pytest.mark.parametrize("method", SMALL)
def test_every_loss_is_finite_and_the_restoration_part_is_the_shared_one(method):
    module = build(method)
    batch = batch_of(module)
    losses = module.losses(batch, step=8)
    assert all(torch.isfinite(value) for value in losses.values())
    expected = METHODS["vanilla"].losses(module, batch, 8)["loss"]
    assert torch.allclose(losses["restoration"], expected)


@pytest.mark.parametrize("method", SMALL)
def test_every_network_is_trained_by_the_one_optimiser(method):
    module = build(method)
    groups = module.configure_optimizers()["optimizer"].param_groups
    optimised = {id(parameter) for group in groups for parameter in group["params"]}
    trained = {id(parameter) for name, parameter in module.named_parameters() if not name.startswith("averaged.")}
    assert optimised == trained
    module.losses(batch_of(module), step=8)["loss"].backward()
    for group in groups:
        assert sum(p.grad.abs().sum() for p in group["params"] if p.grad is not None) > 0, group["name"]


@pytest.mark.parametrize("method", SMALL)
def test_resumed_equals_uninterrupted(method, tmp_path, monkeypatch):
    whole = fit(recipe(method), tmp_path, "whole")
    losses = METHODS[method].losses
    monkeypatch.setattr(
        METHODS[method],
        "losses",
        lambda self, batch, step: {"loss": losses(self, batch, step)["loss"] * (1 if step < 5 else float("nan"))},
    )
    with pytest.raises(Diverged, match="step 5"):
        fit(recipe(method), tmp_path, "stopped")
    monkeypatch.undo()
    resumed = fit(recipe(method), tmp_path, "stopped", resume=True)
    states = [torch.load(run.checkpoint, weights_only=True) for run in (whole, resumed)]
    assert states[0]["global_step"] == states[1]["global_step"] == 8
    weights = [state["state_dict"] for state in states]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


@pytest.mark.parametrize("method", SMALL)
@pytest.mark.parametrize("scale", ["pocket", "bench", "paper"])
def test_defaults_exist_at_every_scale(method, scale):
    options = METHODS[method].resolve(load_recipe(f"denoise-{scale}", method=method)).options[method]
    assert options["learning_rate"] > 0
    given = METHODS[method].resolve(
        load_recipe(f"denoise-{scale}", [f"options.{method}.learning_rate=0.5"], method=method)
    )
    assert given.options[method] == options | {"learning_rate": 0.5}


def test_dann_ramp_and_restorer_gradient():
    module = build("dann")
    weights = [module.weight(step) for step in range(module.total_steps + 1)]
    assert weights[0] == 0 and sorted(weights) == weights and weights[-1] == pytest.approx(0.99991, abs=1e-5)
    batch = batch_of(module)
    start, end = (module.losses(batch, step) for step in (0, module.total_steps))
    restoration = gradient(start["restoration"], module.restorer)
    assert torch.allclose(gradient(start["loss"], module.restorer), restoration, atol=1e-7)
    assert not torch.allclose(gradient(end["loss"], module.restorer), restoration, atol=1e-5)
    assert torch.allclose(gradient(start["loss"], module.classifier), gradient(end["loss"], module.classifier))


def test_a_restorer_without_bottleneck_features_is_one_line():
    class Plain(torch.nn.Module):
        multiple = 1

    from workbench.methods.features import bottleneck_channels

    with pytest.raises(WorkbenchError, match="dann works on bottleneck features, which restorer unet-pocket"):
        bottleneck_channels(Plain(), recipe("dann"))
