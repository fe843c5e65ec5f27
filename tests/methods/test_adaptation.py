"""Domain-adaptation rivals: the signs of their losses, the ways of their gradients, training and resuming."""

import pytest
import torch
from support.methods import batch_of, build, small_recipe
from torch.nn import functional as F  # noqa: N812

from workbench.errors import WorkbenchError
from workbench.methods import METHODS
from workbench.methods.critics import critic_loss, fooling_loss
from workbench.methods.dsn import scale_invariant_error, squared_correlation
from workbench.methods.features import bottleneck, domain_confusion
from workbench.methods.gradients import held, scale_gradient
from workbench.nets import build as build_network
from workbench.nets.adversaries import Translator, domain_classifier, image_critic
from workbench.recipes import load_recipe

RIVALS = ("dann", "dsn", "pixelda", "cycada")


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


@pytest.mark.parametrize("method", RIVALS)
def test_the_restoration_part_is_the_shared_one(method):
    module = build(method)
    batch = batch_of(module)
    losses = module.losses(batch, step=8)
    expected = METHODS["vanilla"].losses(module, batch, 8)["loss"]
    assert torch.allclose(losses["restoration"], expected)


@pytest.mark.parametrize("method", list(METHODS))
@pytest.mark.parametrize("scale", ["pocket", "desk", "bench", "paper"])
def test_every_method_is_built_with_its_settings_of_every_scale(method, scale):
    packaged = {"denoising": "denoise", "deraining": "derain", "deblurring": "deblur"}
    tasks = METHODS[method].tasks & ({"denoising"} if scale == "desk" else packaged.keys())
    for name in (packaged[task] for task in tasks):
        resolved = METHODS[method].resolve(load_recipe(f"{name}-{scale}", method=method))
        options = METHODS[method].Options(**resolved.options.get(method, {}))
        chosen = METHODS[method].by_scale.get("pocket" if scale == "desk" else scale, {})
        assert {key: options.model_dump(mode="json")[key] for key in chosen} == {
            key: METHODS[method].Options(**chosen).model_dump(mode="json")[key] for key in chosen
        }
        with torch.device("meta"):  # without the memory
            assert METHODS[method](resolved).recipe == resolved


ONE_SIZE = {"vanilla", "oracle", "noise-space", "neighbor2neighbor", "condition-quality"}


@pytest.mark.parametrize("method", sorted(METHODS.keys() - ONE_SIZE))
def test_methods_with_networks_of_their_own_have_smaller_ones_at_smaller_scales(method):
    assert {"pocket", "bench"} <= METHODS[method].by_scale.keys()


@pytest.mark.parametrize("method", RIVALS)
def test_a_given_setting_comes_before_that_of_the_scale(method):
    key = f"options.{method}.learning_rate"
    plain, given = (
        METHODS[method].resolve(load_recipe("denoise-pocket", settings, method=method)).options[method]
        for settings in ([], [f"{key}=0.5"])
    )
    assert given == plain | {"learning_rate": 0.5}


def _bottlenecks(module, batch):
    return [module.restorer.encode(batch[name])[-1] for name in ("degraded", "target")]


def test_dann_ramp_and_restorer_gradient():
    module = build("dann", "options.dann.ceiling=1")
    weights = [module.weight(step) for step in range(module.total_steps + 1)]
    assert weights[0] == 0 and sorted(weights) == weights and weights[-1] == pytest.approx(0.99991, abs=1e-5)
    batch = batch_of(module)
    start, end = (module.losses(batch, step) for step in (0, module.total_steps))
    restoration = gradient(start["restoration"], module.restorer)
    assert torch.allclose(gradient(start["loss"], module.restorer), restoration, atol=1e-7)
    climbed = gradient(end["domain"], module.restorer)
    straight = gradient(domain_confusion(module.classifier, *_bottlenecks(module, batch), weight=-1.0), module.restorer)
    assert torch.allclose(climbed, -weights[-1] * straight, rtol=1e-3, atol=1e-6)
    assert climbed.abs().sum() > 0
    assert torch.allclose(gradient(start["loss"], module.classifier), gradient(end["loss"], module.classifier))


def test_a_restorer_without_bottleneck_features_is_one_line():
    class Plain(torch.nn.Module):
        multiple = 1

    with pytest.raises(WorkbenchError, match="dann works on bottleneck features, which restorer unet-pocket"):
        bottleneck(Plain(), small_recipe("dann"))


@pytest.mark.parametrize("form", ["cross-entropy", "least-squares"])
def test_critic_and_translator_pull_in_opposite_directions(form):
    torch.manual_seed(0)
    critic, translator = image_critic(4, 1), Translator(4, 1, noise=False)
    genuine, source = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16)
    judged = critic_loss(critic, genuine, translator(source), form)
    fooled = fooling_loss(critic, translator(source), form)
    assert gradient(judged, translator).abs().sum() == 0 and gradient(fooled, critic).abs().sum() == 0

    def step_down(loss, network):
        rate = 1e-3 / gradient(loss, network).norm()
        parameters = list(network.parameters())
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True)
        with torch.no_grad():
            for parameter, each in zip(parameters, gradients, strict=True):
                parameter -= rate * each

    scores = [critic(images).mean() for images in (genuine, translator(source))]
    step_down(fooled, translator)
    assert critic(translator(source)).mean() > scores[1], "the translator raises the score of what it makes"
    moved = translator(source).detach()
    before = critic(genuine).mean() - critic(moved).mean()
    step_down(critic_loss(critic, genuine, moved, form), critic)
    assert critic(genuine).mean() - critic(moved).mean() > before, "the critic drives the two apart"


def test_a_translator_starts_near_the_identity_and_listens_to_its_noise():
    torch.manual_seed(0)
    translator, image = Translator(8, 2, noise=True), torch.rand(1, 3, 16, 16)
    first, second = (translator(image, torch.randn(1, 3, 16, 16)) for _ in range(2))
    assert (first - image).abs().max() < 0.1 and not torch.equal(first, second)


def test_scale_invariant_error_forgives_a_shift_and_squared_correlation_is_one_for_scaled_copies():
    image = torch.rand(2, 3, 8, 8)
    assert scale_invariant_error(image + 0.3, image) < 1e-12 < scale_invariant_error(image * 0.5, image)
    channel = torch.randn(2, 1, 16, 16)
    assert squared_correlation(channel, 5 - 3 * channel).item() == pytest.approx(1.0, abs=1e-5)
    assert squared_correlation(channel, torch.randn(2, 1, 16, 16)) < 0.05


def test_dsn_descends_towards_uncorrelated_private_and_shared_features():
    module = build("dsn", "options.dsn.reconstruction=0", "options.dsn.similarity=0", "options.dsn.difference=10")
    batch = batch_of(module)
    optimizer = torch.optim.Adam(module.parameters(), 3e-3)
    before = module.losses(batch, 0)["difference"].item()
    for _ in range(30):
        optimizer.zero_grad()
        module.losses(batch, 0)["loss"].backward()
        optimizer.step()
    assert module.losses(batch, 0)["difference"].item() < 0.5 * before


def test_dsn_restores_from_shared_features_alone_and_similarity_sets_in_late():
    module = build("dsn", "options.dsn.similarity=1", "options.dsn.similarity_after=4")
    batch = batch_of(module)
    assert [module.weight(step) for step in (3, 4)] == [0.0, 1.0]
    losses = module.losses(batch, 8)
    for network in (module.source_private, module.target_private, module.decoder):
        assert gradient(losses["restoration"], network).abs().sum() == 0
        assert gradient(losses["reconstruction"], network).abs().sum() > 0
    for name in ("reconstruction", "difference", "domain"):
        assert gradient(losses[name], module.restorer).abs().sum() > 0, name
    assert gradient(module.losses(batch, 3)["domain"], module.restorer).abs().sum() == 0


@pytest.mark.parametrize(("method", "generator"), [("pixelda", "generator"), ("cycada", "to_target")])
def test_the_generator_follows_critic_and_task_and_the_restorer_its_own_unweighted_task(method, generator):
    results = {}
    for task in (0, 10):
        module = build(method, f"options.{method}.task={task}")
        losses = module.losses(batch_of(module), 0)  # the feature adversary weighs nothing at step 0
        translator = getattr(module, generator)
        results[task] = (
            gradient(losses["translated_restoration"], translator),
            gradient(losses["loss"], module.restorer),
        )
        assert gradient(losses["fooling"], translator).abs().sum() > 0
        assert gradient(losses["critic"], translator).abs().sum() == 0
        assert gradient(losses["fooling"], module.restorer).abs().sum() == 0
    assert results[0][0].abs().sum() == 0 < results[10][0].abs().sum()
    assert torch.allclose(results[0][1], results[10][1])


def test_pixelda_draws_its_noise_from_the_batch():
    module = build("pixelda")
    batch = batch_of(module)
    losses = [module.losses(batch, 0)["loss"].item() for _ in range(2)]
    assert losses[0] == losses[1]
    batch["seed"] = batch["seed"] // 2
    assert module.losses(batch, 0)["loss"].item() != losses[0]


def test_cycada_closes_its_cycle():
    module = build("cycada", "options.cycada.adversarial=0", "options.cycada.task=0", "options.cycada.feature=0")
    batch = batch_of(module)
    with torch.no_grad():  # translators that are far from the identity to begin with
        for network in (module.to_target, module.to_source):
            network.layers[-1].weight.mul_(20)
    optimizer = torch.optim.Adam([*module.to_target.parameters(), *module.to_source.parameters()], 3e-3)
    before = module.losses(batch, 0)
    for _ in range(30):
        optimizer.zero_grad()
        module.losses(batch, 0)["loss"].backward()
        optimizer.step()
    after = module.losses(batch, 0)
    assert after["cycle"] < 0.5 * before["cycle"] and after["identity"] < 0.5 * before["identity"]


def test_cycadas_feature_adversary_judges_translated_images_and_is_ramped():
    module = build("cycada", "options.cycada.feature=1")
    batch = batch_of(module)
    for step, reaches in ((0, False), (module.total_steps, True)):
        domain = module.losses(batch, step)["domain"]
        for network in (module.restorer, module.to_target):
            assert (gradient(domain, network).abs().sum() > 0) == reaches
        assert gradient(domain, module.to_source).abs().sum() == 0
    translated = module.to_target(batch["degraded"])
    features = [module.restorer.encode(images)[-1] for images in (translated, batch["target"])]
    assert torch.allclose(domain, domain_confusion(module.classifier, *features, weight=1.0))
