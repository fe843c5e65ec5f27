"""C2N: generator, critic and the restorer that learns from them; generators that are held back."""

import functools

import pytest
import support.methods
import torch
from support.methods import batch_of, descend, gradients

from workbench.methods.random_numbers import RandomNumbers
from workbench.methods.residuals import blurred, restrained

build = functools.partial(support.methods.build, awake=())
TINY = (
    "options.c2n.head_start=2", "options.c2n.width=4", "options.c2n.critic_width=4", "options.c2n.residual=free",
    "options.c2n.softness=0",
)  # fmt: skip


def test_c2n_trains_generator_and_critic_first_then_the_restorer():
    module = build("c2n", *TINY)
    batch = batch_of(module)
    module.losses(batch, 1)["loss"].backward()
    assert gradients(module.restorer).abs().sum() == 0
    assert gradients(module.generator).abs().sum() > 0 and gradients(module.critic).abs().sum() > 0
    module.zero_grad()
    module.losses(batch, 2)["loss"].backward()
    assert gradients(module.restorer).abs().sum() > 0
    assert gradients(module.generator).abs().sum() == 0 and gradients(module.critic).abs().sum() == 0


def test_c2n_sets_generator_and_critic_against_each_other():
    module = build("c2n", *TINY, "options.c2n.zero_mean=0", "options.c2n.gradient_penalty=0")
    batch = batch_of(module)
    losses = module.losses(batch, 0)
    losses["generator"].backward(retain_graph=True)
    assert gradients(module.critic).abs().sum() == 0, "the critic is held while the generator learns"
    up = gradients(module.generator)
    module.zero_grad()
    losses["critic"].backward()
    assert gradients(module.generator).abs().sum() == 0
    assert gradients(module.critic).abs().sum() > 0 and up.abs().sum() > 0
    # A critic that likes bright pictures: the generator brightens, the critic prefers the brighter domain
    module.critic.forward = lambda image: image.mean(dim=(1, 2, 3), keepdim=True)
    module.zero_grad()
    brightness = module.noise(batch["clean"], RandomNumbers(batch["seed"])).mean().item()
    module.losses(batch, 0)["generator"].backward()
    with torch.no_grad():
        for parameter in module.generator.parameters():
            parameter -= 0.1 * parameter.grad if parameter.grad is not None else 0
    assert module.noise(batch["clean"], RandomNumbers(batch["seed"])).mean().item() > brightness
    before = module.losses(batch, 0)["critic"].item()
    batch["target"] = batch["target"] + 0.5
    assert module.losses(batch, 0)["critic"].item() == pytest.approx(before - 0.5, abs=1e-4)


def test_gradient_penalty_is_zero_at_slope_one():
    from workbench.methods.c2n import gradient_penalty

    pixels = 3 * 8 * 8
    real, made, share = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8), torch.rand(2, 1, 1, 1)
    for slope in (1.0, 3.0):
        rate = torch.nn.Module()
        rate.forward = lambda image, slope=slope: slope / pixels**0.5 * image.sum(dim=(1, 2, 3))[:, None, None, None]
        assert gradient_penalty(rate, real, made, share) == pytest.approx((slope - 1) ** 2, abs=1e-5)


def test_c2n_weighs_the_noise_colour_and_the_critics_slope():
    plain, weighted = (
        build("c2n", *TINY, f"options.c2n.zero_mean={zero}", f"options.c2n.gradient_penalty={slope}")
        for zero, slope in ((0, 0), (3, 5))
    )
    batch = batch_of(plain)
    without, losses = plain.losses(batch, 0), weighted.losses(batch, 0)
    added = losses["loss"] - without["loss"]
    assert added.item() == pytest.approx((3 * losses["zero_mean"] + 5 * losses["gradient_penalty"]).item(), rel=1e-4)
    assert losses["zero_mean"] > 0 and losses["gradient_penalty"] > 0


def test_c2ns_penalty_is_of_the_rating_that_its_losses_take():
    module = build("c2n", *TINY, "options.c2n.zero_mean=0", "options.c2n.gradient_penalty=0")
    batch = batch_of(module)
    pixels = batch["target"][0].numel()
    slope = torch.ones_like(batch["target"][0]) / pixels**0.5
    module.critic.forward = lambda image: (slope * image).sum(dim=1, keepdim=True)  # of slope 1, whatever the size
    losses = module.losses(batch, 0)
    made = batch["clean"] + module.noise(batch["clean"], RandomNumbers(batch["seed"]))
    apart = (batch["target"] - made).mean() * pixels**0.5
    assert losses["gradient_penalty"] == pytest.approx(0, abs=1e-5)
    assert losses["wasserstein_distance"].item() == pytest.approx(apart.item(), abs=1e-3)


@pytest.mark.parametrize("method", ["c2n", "pixelda"])
def test_a_restrained_generator_leaves_colours_alone(method):
    module = build(method, f"options.{method}.residual=zero-mean", f"options.{method}.softness=0")
    batch = batch_of(module)
    with torch.no_grad():
        if method == "c2n":
            added = module.noise(batch["clean"], RandomNumbers(batch["seed"]))
        else:
            clean, translated = module.translated(batch)
            added = translated - clean - module.options.strength * (batch["degraded"] - batch["clean"])
    assert added.std() > 1e-4 and added.mean(dim=(-2, -1)).abs().max() < 1e-6


def test_what_is_wide_is_kept_out_of_a_high_passed_residual():
    rows = torch.arange(64.0)[:, None].expand(1, 3, 64, 64)
    wide, narrow = torch.sin(2 * torch.pi * rows / 32), torch.sin(2 * torch.pi * rows / 4)
    inside = (..., slice(8, -8), slice(8, -8))
    assert restrained(wide, "high-pass")[inside].std() < 0.1 * wide.std()
    assert restrained(narrow, "high-pass")[inside].std() > 0.9 * narrow.std()
    assert restrained(wide, "free") is wide


def test_soft_clean_pictures_are_what_the_restorer_has_to_give_back():
    seen, module = [], build("c2n", *TINY[:-1], "options.c2n.softness=1.6")
    batch = batch_of(module)
    module.restorer.forward = lambda image, window=None: seen.append(image) or blurred(batch["clean"], 1.6)
    assert module.losses(batch, 2)["loss"] == 0
    assert (seen[0] - blurred(batch["clean"], 1.6)).std() < (seen[0] - batch["clean"]).std()


def test_c2ns_critic_learns_to_tell_noisy_pictures_from_clean_ones():
    module = build("c2n", "options.c2n.head_start=1000", "data.target=synthetic", "data.sigma=[25, 25]")
    module.generator.requires_grad_(False)
    history = descend(module, 60, learning_rate=0.003)
    assert history["noise_std"][-1] < 0.02, "the generator starts with little noise"
    assert history["critic"][-1] < 0.5 * history["critic"][0]
    assert history["wasserstein_distance"][-1] > 0.001
