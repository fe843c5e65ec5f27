"""Noise-space adaptation, and what all methods share."""

import pytest
import support.methods
import torch
from pydantic import Field
from support.methods import batch_of, gradients

from workbench.errors import WorkbenchError
from workbench.methods import NoiseSpaceAdaptation, Vanilla
from workbench.methods.noise_space import WHOLE_EVERY
from workbench.recipes import load_recipe
from workbench.recipes.schema import Section
from workbench.training import fit

ONE_CONDITION = ["options.noise-space.channel_shuffle=false", "options.noise-space.residual_swap=false"]


def build(method="noise-space", *settings):
    return support.methods.build(method, *settings, awake=["diffusion.last.weight"])


def test_vanilla_ignores_the_target_domain_and_oracle_follows_its_references():
    assert build("vanilla").parts == {"source"}
    module = build("oracle")
    batch = batch_of(module)
    before = module.losses(batch, 0)["loss"]
    batch["reference"] = batch["reference"] + 0.1
    assert module.losses(batch, 0)["loss"] != before


def test_head_start_trains_the_diffusion_network_alone():
    module = build()
    losses = module.losses(batch_of(module), step=1)
    assert "restoration" not in losses
    losses["loss"].backward()
    assert gradients(module.restorer).abs().sum() == 0
    assert gradients(module.diffusion).abs().sum() > 0


def test_weight_rises_from_zero_after_the_head_start_to_the_ceiling():
    module = build("noise-space", "options.noise-space.ceiling=5.0", "options.noise-space.ramp_end=0.5")
    weights = [module.weight(step) for step in range(module.total_steps + 1)]
    assert weights[: module.head_start + 1] == [0.0] * (module.head_start + 1)
    assert sorted(weights) == weights
    assert weights[module.head_start + 4] == weights[-1] == pytest.approx(5.0 * 0.98661, rel=1e-4)


def test_each_network_follows_its_own_loss():
    """Algorithm 1: the weight scales what reaches the restorer, never the diffusion network's own gradient."""
    results = {}
    for ceiling in (0.0, 1.0, 2.0):
        module = build("noise-space", f"options.noise-space.ceiling={ceiling}")
        module.losses(batch_of(module), step=module.total_steps)["loss"].backward()
        results[ceiling] = gradients(module.restorer), gradients(module.diffusion)
    (zero, diffusion_zero), (one, diffusion_one), (two, diffusion_two) = results.values()
    assert torch.allclose(diffusion_zero, diffusion_one) and torch.allclose(diffusion_one, diffusion_two)
    assert (one - zero).abs().max() > 1e-7
    assert torch.allclose(two - zero, 2 * (one - zero), atol=1e-6)


def test_gradient_with_zero_weight_is_the_restoration_gradient():
    module = build("noise-space", "options.noise-space.ceiling=0")
    batch = batch_of(module)
    module.losses(batch, step=5)["loss"].backward()
    joint = gradients(module.restorer)
    vanilla = build("vanilla")
    vanilla.restorer.load_state_dict(module.restorer.state_dict())
    vanilla.losses(batch, step=5)["loss"].backward()
    assert torch.allclose(joint, gradients(vanilla.restorer), atol=1e-7)


def test_diffusion_loss_is_the_mean_of_error_and_contrast():
    module = build()
    losses = module.losses(batch_of(module), step=WHOLE_EVERY - 1)
    error, contrast = losses["noise_prediction"], losses["contrast"]
    expected = torch.relu(error - losses["negative_noise_prediction"] + 0.1)
    assert torch.allclose(contrast, expected, atol=1e-6)
    assert torch.allclose(losses["diffusion"], 0.5 * (error + contrast))
    without = build("noise-space", "options.noise-space.residual_swap=false")
    losses = without.losses(batch_of(without), step=5)
    assert "contrast" not in losses and losses["diffusion"] == losses["noise_prediction"]


def noise_prediction(module, batch):
    with torch.no_grad():
        return module.losses(batch, step=5)["noise_prediction"].item()


GUARD = "options.noise-space.guard=transplant"


def test_the_guard_adds_its_loss_once_the_restorer_trains():
    module = build("noise-space", GUARD)
    batch = batch_of(module)
    losses = module.losses(batch, step=5)
    assert torch.isclose(losses["loss"], losses["restoration"] + losses["diffusion"] + losses["guard"])
    assert "guard" not in module.losses(batch, step=0)
    assert "guard" not in build().losses(batch, step=5) and "seed" not in build().parts


def test_the_guard_puts_what_was_taken_out_of_the_target_on_blurred_source_pictures():
    module = build("noise-space", GUARD, "options.noise-space.guard_blur=1")
    batch = batch_of(module)
    shown = []
    module.restorer = torch.nn.Identity()
    module.restorer.register_forward_pre_hook(lambda _module, inputs: shown.append(inputs[0]))
    taken = 0.1 * torch.randn(batch["target"].shape, generator=torch.Generator().manual_seed(0))
    target = (batch["target"] - taken).requires_grad_()
    loss = module.guard_loss(batch, target)
    blurred = module.guard_loss(batch, batch["target"])  # nothing taken out: the blurred pictures themselves
    clean, carrying = shown[1], shown[0]
    gains = ((carrying - clean) / taken).flatten(1).median(dim=1).values
    torch.testing.assert_close(carrying, clean + gains[:, None, None, None] * taken, atol=1e-4, rtol=0)
    assert ((gains.abs() >= 0.5) & (gains.abs() <= 2)).all()
    assert loss > blurred and not loss.requires_grad  # the residual is a given: nothing to learn from here
    sharp, soft = (torch.diff(images).square().mean() for images in (batch["clean"], clean))
    assert soft < 0.5 * sharp
    assert (clean.mean() - batch["clean"].mean()).abs() < 0.02


def test_the_guard_without_blur_keeps_the_pictures_and_draws_both_signs():
    module = build("noise-space", GUARD, "options.noise-space.guard_blur=0")
    batch = batch_of(module, size=32)
    shown = []
    module.restorer.register_forward_pre_hook(lambda _module, inputs: shown.append(inputs[0]))
    taken = torch.full_like(batch["target"], 0.1)
    module.guard_loss(batch, batch["target"] - taken)
    gains = ((shown[0] - batch["clean"]) / taken).mean(dim=(1, 2, 3))
    assert (gains > 0).any() and (gains < 0).any() and gains.abs().std() > 0.2


def test_channel_shuffle_follows_the_batch_and_can_be_off():
    for settings, differs in (([], True), (ONE_CONDITION, False)):
        module = build("noise-space", *settings)
        batch = batch_of(module)
        before = noise_prediction(module, batch)
        batch["swap_positive"] = ~batch["swap_positive"]
        assert (noise_prediction(module, batch) != before) == differs


@pytest.mark.parametrize(("shown", "hidden"), [("source", "target"), ("target", "degraded")])
def test_only_one_condition_is_shown(shown, hidden):
    module = build("noise-space", f"options.noise-space.conditions={shown}", *ONE_CONDITION)
    batch = batch_of(module)
    before = noise_prediction(module, batch)
    batch[hidden] = torch.rand_like(batch[hidden])
    assert noise_prediction(module, batch) == before
    seen = {"target": "degraded", "degraded": "target"}[hidden]
    batch[seen] = torch.rand_like(batch[seen])
    assert noise_prediction(module, batch) != before


def test_unpaired_extension_noises_another_clean_image():
    module = build("noise-space", "options.noise-space.paired=false", "options.noise-space.residual_swap=false")
    assert "unpaired" in module.parts
    batch = batch_of(module)
    assert not torch.equal(batch["unpaired"], batch["clean"])
    before = noise_prediction(module, batch)
    batch["unpaired"] = torch.rand_like(batch["unpaired"])
    assert noise_prediction(module, batch) != before
    before = noise_prediction(module, batch)
    batch["clean"] = torch.rand_like(batch["clean"])
    assert noise_prediction(module, batch) == before


def test_timestep_range_is_followed():
    errors = {}
    for timesteps in ("[1, 100]", "[900, 1000]"):
        module = build("noise-space", f"options.noise-space.timesteps={timesteps}")
        seen = []
        module.diffusion.forward = lambda noised, conditions, level, seen=seen: seen.append(level) or noised
        module.losses(batch_of(module), step=5)
        errors[timesteps] = seen[0]
    levels = module.noise_schedule.alpha_bar
    assert errors["[1, 100]"].min() >= levels[99].float()
    assert errors["[900, 1000]"].max() <= levels[898].float()


def test_gradients_flow_through_both_branches_of_the_contrast():
    gradient = {}
    # With an open hinge and no gradient through the negative branch, the mean of the two losses would have the
    # gradient of the first alone.
    for name, setting in (("open hinge", "margin=100.0"), ("no contrast", "residual_swap=false")):
        module = build("noise-space", "options.noise-space.ceiling=1", f"options.noise-space.{setting}")
        module.losses(batch_of(module), step=10)["diffusion"].backward()
        gradient[name] = gradients(module.restorer)
    assert not torch.allclose(gradient["open hinge"], gradient["no contrast"], rtol=0.01)


def test_the_negative_branch_of_the_contrast_can_be_held():
    gradient = {}
    # With an open hinge the positive branch counts twice and is halved: the gradient of the error alone.
    for name, settings in {
        "held": ["margin=100.0", "contrast_gradient=positive"],
        "alone": ["residual_swap=false"],
    }.items():
        module = build("noise-space", "options.noise-space.ceiling=1", *(f"options.noise-space.{s}" for s in settings))
        module.losses(batch_of(module), step=10)["diffusion"].backward()
        gradient[name] = gradients(module.restorer), gradients(module.diffusion)
    for held, alone in zip(gradient["held"], gradient["alone"], strict=True):
        torch.testing.assert_close(held, alone, rtol=1e-3, atol=1e-6)


def test_the_diffusion_network_may_have_several_steps_for_one_of_the_restorer():
    module = build("noise-space", "options.noise-space.critic_steps=3")
    assert module.total_steps == 2 + 3 * 8
    trains = [step for step in range(module.total_steps) if module.trains_restorer(step)]
    assert trains == [2 + 3 * update + 2 for update in range(8)]
    batch = batch_of(module)
    assert "restoration" not in module.losses(batch, step=3) and "restoration" in module.losses(batch, step=4)
    once = build("noise-space")
    assert [module.weight(2 + 3 * update) for update in range(9)] == [once.weight(2 + update) for update in range(9)]


def test_the_restorer_may_follow_the_average_of_the_diffusion_network():
    plain, average = build("noise-space"), build("noise-space", "options.noise-space.critic_decay=0.9")
    average.averaged_diffusion.module.load_state_dict(average.diffusion.state_dict())
    batch = batch_of(plain)
    expected, losses = plain.losses(batch, 9), average.losses(batch, 9)
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value)
    expected["loss"].backward()
    losses["loss"].backward()
    for network in ("restorer", "diffusion"):
        ours, theirs = (gradients(getattr(module, network)) for module in (average, plain))
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    before = gradients(average.restorer), gradients(average.diffusion)
    average.zero_grad()
    for parameter in average.averaged_diffusion.parameters():
        parameter.data.mul_(0.5)
    average.losses(batch, 9)["loss"].backward()
    assert torch.equal(gradients(average.diffusion), before[1]), "learns as it would alone"
    assert not torch.allclose(gradients(average.restorer), before[0], rtol=1e-3)


def test_such_a_run_continues_bit_for_bit(tmp_path, monkeypatch):
    (tmp_path / "pairs").mkdir()
    data = support.methods.on_pairs(support.methods.write_pairs(tmp_path / "pairs"))
    quick = ["training.max_steps=3", "training.checkpoint_every=3", "training.validate_every=100"]
    own = ["options.noise-space.critic_steps=2", "options.noise-space.critic_decay=0.9"]
    recipe = support.methods.small_recipe("noise-space", *data, *quick, *own)
    whole = fit(recipe, tmp_path, "whole")
    losses = NoiseSpaceAdaptation.losses

    def stop(self, batch, step):
        if step == 6:
            raise InterruptedError
        return losses(self, batch, step)

    monkeypatch.setattr(NoiseSpaceAdaptation, "losses", stop)
    with pytest.raises(InterruptedError):
        fit(recipe, tmp_path, "cut")
    monkeypatch.undo()
    cut = fit(recipe, tmp_path, "cut", resume=True)
    ours, theirs = (torch.load(run.checkpoint, weights_only=True) for run in (cut, whole))
    assert ours["global_step"] == theirs["global_step"] == 2 + 2 * 3
    assert any(key.startswith("averaged_diffusion.") for key in ours["state_dict"])
    assert all(torch.equal(value, theirs["state_dict"][key]) for key, value in ours["state_dict"].items())
    assert cut.restorer().network.state_dict().keys() == whole.restorer().network.state_dict().keys()


def test_patch_size_must_fit_the_networks():
    with pytest.raises(WorkbenchError, match="multiple of 4"):
        build("vanilla", "training.patch_size=18")


class _Weighted(Vanilla):
    class Options(Section):
        weight: float = Field(1.0, ge=0)


def test_a_methods_own_settings_are_checked_and_written_out_for_it_alone():
    recipe = load_recipe("denoise-pocket", ["options.vanilla.weight=2", "options.other.size=3"], method="vanilla")
    assert _Weighted(recipe).options.weight == 2.0
    assert _Weighted.resolve(recipe).options == {"vanilla": {"weight": 2.0}}
    assert _Weighted.resolve(load_recipe("denoise-pocket", method="vanilla")).options == {"vanilla": {"weight": 1.0}}
    for setting, reason in (
        ("weight=-1", "options.vanilla: weight: .*greater than"),
        ("size=1", "size: .*no such key"),
    ):
        with pytest.raises(WorkbenchError, match=reason):
            _Weighted(load_recipe("denoise-pocket", [f"options.vanilla.{setting}"], method="vanilla"))


def backward_of_the_negative_pass(form, margin):
    """Whether gradients pass through the diffusion network's pass over the swapped pair, and the losses."""
    module = build("noise-space", f"options.noise-space.negative_pass={form}", f"options.noise-space.margin={margin}")
    if margin == 0:  # the hinge stays closed whatever the errors are
        module.options = module.options.model_copy(update={"margin": -1e6})
    traced = []
    module.diffusion.register_full_backward_hook(lambda _module, _inputs, outputs: traced.append(len(outputs[0])))
    losses = module.losses(batch_of(module), module.head_start)
    losses["loss"].backward()
    return traced, {name: value.item() for name, value in losses.items()}, gradients(module.restorer)


def test_a_pass_apart_is_not_traced_back_while_the_hinge_is_silent():
    joined, apart = (backward_of_the_negative_pass(form, 0) for form in ("joined", "apart"))
    (batch,) = joined[0]
    assert apart[0] == [batch // 2]
    assert apart[1] == pytest.approx(joined[1], rel=1e-5) and apart[1]["contrast"] == 0
    assert torch.allclose(apart[2], joined[2], rtol=1e-4, atol=1e-7)
    *parts, whole = backward_of_the_negative_pass("apart", 1.0)[0]
    assert sum(parts) == whole == batch // 2, "an open hinge is"


@pytest.mark.parametrize(("decided", "passed"), [(1, [1]), (2, [1, 1]), (4, [1, 1, 2]), (None, [1, 1, 2])])
def test_no_more_of_the_swapped_pair_is_passed_than_shows_that_the_hinge_is_silent(decided, passed):
    module = build()
    batch = batch_of(module)
    with torch.no_grad():
        restored = [module.restorer(batch[name]) for name in ("degraded", "target")]
    seen = []
    module.diffusion.register_forward_hook(lambda _module, inputs, output: seen.append((inputs[2], output.detach())))

    def losses(whole):
        seen.clear()
        conditions = [images.clone().requires_grad_() for images in restored]
        found = module.diffusion_losses(batch, *conditions, 1.0, whole=whole)
        module.zero_grad()
        found["diffusion"].backward()
        gradient = torch.cat([condition.grad.flatten() for condition in conditions])
        return {name: value.detach() for name, value in found.items()}, gradient, gradients(module.diffusion)

    before = losses(whole=True)[0]
    alpha_bar, predicted = seen[1]
    order = seen[0][0].argsort(descending=True)
    assert torch.equal(alpha_bar, seen[0][0][order]), "the least noisy come first"
    errors = (predicted - batch["noise"][order]).square().mean(dim=(1, 2, 3))
    slack = 0.1 if decided is None else -1e-3 * errors.min()
    margin = (errors[:decided].sum() / len(errors) - before["noise_prediction"] + slack).item()
    module.options = module.options.model_copy(update={"margin": margin})
    (apart, *pulls), counts = losses(whole=False), [len(each) for each, _ in seen[1:]]
    whole, *expected = losses(whole=True)
    assert counts == passed and [len(each) for each, _ in seen] == [4, 4]
    assert "negative_noise_prediction" in whole and "negative_noise_prediction" not in apart
    assert all(torch.allclose(apart[name], whole[name], rtol=1e-5, atol=1e-7) for name in apart)
    assert all(torch.allclose(*pair, rtol=1e-4, atol=1e-7) for pair in zip(pulls, expected, strict=True))
    assert (apart["contrast"] == 0) == (decided is not None)


def test_networks_may_be_drawn_as_in_the_released_code():
    own, released = build("noise-space"), build("noise-space", "options.noise-space.initialisation=released")
    drawn = NoiseSpaceAdaptation(released.recipe)  # `build` changes the last layer
    for network in (drawn.restorer, drawn.diffusion):
        expected = (2 / network.last.weight[0].numel()) ** 0.5
        assert network.last.weight.std().item() == pytest.approx(expected, rel=0.2), "the last layer too"
    images = batch_of(own)["degraded"]
    moved = [(module.restorer(images) - images).abs().mean().item() for module in (own, released)]
    assert moved[1] > 5 * moved[0]
    assert torch.equal(released.averaged.module.last.weight, released.restorer.last.weight)


def test_a_silent_hinge_is_looked_at_in_every_so_many_steps():
    module = build("noise-space", "options.noise-space.negative_every=3", "options.noise-space.margin=1.0")
    batch, first = batch_of(module), module.head_start - module.head_start % 3

    passes = []
    module.diffusion.register_forward_hook(lambda *_: passes.append(1))

    def looked(step):
        passes.clear()
        module.losses(batch, first + step)
        return len(passes) > 1

    assert [looked(step) for step in range(5)] == [True] * 5, "an open one in each"
    module.options = module.options.model_copy(update={"margin": -1e6})
    assert [looked(step) for step in range(5, 13)] == [True, True, False, False, True, False, False, True]
    assert module.state_dict()["hinge_open"].item() is False, "known to a run that goes on"
    losses = module.losses(batch, first + 13)
    every = build("noise-space", "options.noise-space.margin=0")
    every.load_state_dict({key: value for key, value in module.state_dict().items() if key != "hinge_open"})
    every.options = every.options.model_copy(update={"margin": -1e6})
    same = every.losses(batch, first + 13)
    assert losses["contrast"] == same["contrast"] == 0 and torch.equal(losses["loss"], same["loss"])
    module.options = module.options.model_copy(update={"margin": 1.0})
    assert [looked(step) for step in range(13, 18)] == [False, False, True, True, True]
    with pytest.raises(WorkbenchError, match="needs residual_swap"):
        build("noise-space", "options.noise-space.negative_every=3", "options.noise-space.residual_swap=false")


def test_networks_that_are_trained_are_compiled_and_their_averages_not(monkeypatch):
    compiled = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda module: compiled.append(module))
    module = build("noise-space", "options.noise-space.critic_decay=0.9")
    module.compile_networks()
    assert compiled == [module.restorer, module.diffusion]
