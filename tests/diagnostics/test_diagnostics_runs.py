"""What is read from runs: snapshots, trained methods, gradients, dynamics; and the condition-quality critic."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support import TINY

from workbench.data.domains import training_stream
from workbench.data.streams import step_batches
from workbench.diagnostics import (
    NoisePredictor,
    condition_quality,
    gradient_shares,
    probe_images,
    restore_both,
    target_gradient_spectrum,
    training_batch,
    training_dynamics,
)
from workbench.errors import WorkbenchError
from workbench.methods import METHODS, ConditionQuality
from workbench.recipes import load_recipe
from workbench.training import Run, fit

CRITIC = [
    "options.condition-quality.diffusion.widths=[8, 8]", "training.max_steps=8", "training.batch_size=4",
    "training.patch_size=16", "training.validate_every=100", "training.checkpoint_every=3", "training.log_every=2",
]  # fmt: skip


OFTEN = ["training.snapshot_every=4", "training.validate_every=4"]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    recipe = load_recipe("denoise-pocket", [*TINY, *OFTEN, "training.ema_decay=0.9"])
    return fit(recipe, tmp_path_factory.mktemp("runs"))


def test_snapshots_hold_all_networks_and_change_nothing(run, tmp_path):
    assert list(run.snapshots) == [0, 4, 8, 10]
    plain = fit(load_recipe("denoise-pocket", [*TINY, "training.ema_decay=0.9"]), tmp_path)
    assert plain.snapshots == {}
    state = torch.load(plain.checkpoint, weights_only=True)["state_dict"]
    last = load_file(run.snapshots[10])
    assert state.keys() == last.keys() and all(torch.equal(state[key], last[key]) for key in state)
    assert any(not torch.equal(value, load_file(run.snapshots[4])[key]) for key, value in last.items())
    (plain.folder / "summary.json").unlink()
    assert fit(run.recipe, tmp_path, resume=True).finished, "snapshots may be switched on when a run is resumed"


def test_a_run_gives_back_its_trained_method(run):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    method = run.method()
    assert torch.equal(before, torch.random.get_rng_state())
    assert not method.training
    exported, averaged = run.restorer().network.state_dict(), method.evaluated.state_dict()
    assert all(torch.equal(exported[key], averaged[key]) for key in exported)
    raw = method.restorer.state_dict()
    assert any(not torch.equal(raw[key], averaged[key]) for key in raw)
    final, start = run.method(10), run.method(0)
    assert all(torch.equal(value, final.state_dict()[key]) for key, value in method.state_dict().items())
    assert any(not torch.equal(value, start.state_dict()[key]) for key, value in method.state_dict().items())


def test_methods_that_cannot_be_read_are_one_line(run, tmp_path):
    with pytest.raises(WorkbenchError, match=r"no snapshot of step 3; there are: 0, 4, 8, 10"):
        run.method(3)
    with pytest.raises(WorkbenchError, match="last.ckpt: missing"):
        Run(tmp_path).method()
    broken = fit(load_recipe("denoise-pocket", [*TINY, "training.max_steps=1"], method="vanilla"), tmp_path)
    broken.checkpoint.write_bytes(b"half")
    with pytest.raises(WorkbenchError, match="last.ckpt: not a readable checkpoint") as raised:
        broken.method()
    assert "\n" not in str(raised.value)


def test_restoring_probe_images_by_raw_or_averaged_weights(run):
    method, images = run.method(), probe_images(run.recipe, count=2, size=16)
    source, target = restore_both(method, images)
    assert torch.equal(source, method.restorer(images.degraded)) and target.shape == images.target.shape
    averaged, _ = restore_both(method, images, average=True)
    assert not torch.equal(source, averaged)


def test_the_training_batch_is_that_of_the_training(run):
    method = run.method()
    stream = training_stream(run.recipe.data, method.parts, 16, run.recipe.seed)
    expected = next(iter(step_batches(stream, 4, first_step=3)))
    found = training_batch(run, method, 3)
    assert expected.keys() == found.keys() and all(torch.equal(expected[key], found[key]) for key in expected)


def test_gradient_shares_add_up_to_the_gradient_of_training(run):
    method, step = run.method(), 9
    batch = training_batch(run, method, step)
    shares = gradient_shares(method, batch, step)
    method.losses(batch, step)["loss"].backward()
    whole = torch.cat([parameter.grad.flatten() for parameter in method.restorer.parameters()]).norm().item()
    restoration, diffusion = shares["restoration"], shares["diffusion"]
    expected = restoration**2 + diffusion**2 + 2 * shares["cosine"] * restoration * diffusion
    assert whole**2 == pytest.approx(expected, rel=1e-3) and diffusion > 0
    assert shares["share"] == pytest.approx(diffusion / (restoration + diffusion))
    assert diffusion <= shares["diffusion_source"] + shares["diffusion_target"] + 1e-9
    assert shares["weight"] == method.weight(step) > 0
    assert gradient_shares(method, batch, 0)["diffusion"] == 0, "the weight starts at 0"


def test_target_gradient_spectrum_follows_the_weight(run):
    method = run.method()
    batch = training_batch(run, method, 9)
    frequency, gradient, images = target_gradient_spectrum(method, batch)
    assert frequency.shape == gradient.shape == images.shape and gradient.min() > 0
    weighted = target_gradient_spectrum(method, batch, 9)[1]
    torch.testing.assert_close(weighted, gradient * method.weight(9) ** 2, rtol=1e-3, atol=0)


def test_training_dynamics_are_tidy(run):
    table = training_dynamics([run])
    assert list(table.columns) == ["run", "recipe", "method", "seed", "group", "quantity", "step", "value", "seconds"]
    curve = table[(table.group == "validation") & (table.quantity == "target_psnr")]
    assert curve.step.tolist() == [0, 4, 8, 10] and set(table.method) == {"noise-space"}
    assert {"loss", "dial", "gradient_norm"} <= set(table.group) and (table.seconds >= 0).all()
    assert len(training_dynamics(run)) == len(table) == len(run.scalars())
    assert training_dynamics([]).empty


def test_the_critic_trains_resumes_and_leaves_the_restorer_alone(tmp_path, monkeypatch):
    recipe = load_recipe("condition-quality-pocket", CRITIC)
    whole = fit(recipe, tmp_path, "whole")
    method = whole.method()
    assert sum(parameter.numel() for parameter in method.restorer.parameters()) == 0
    picture = torch.rand(1, 3, 20, 20)
    assert torch.equal(whole.restorer().network(picture), picture)
    losses = ConditionQuality.losses

    def losses_until_cut_off(self, batch, step):
        if step == 5:
            raise KeyboardInterrupt
        return losses(self, batch, step)

    monkeypatch.setattr(ConditionQuality, "losses", losses_until_cut_off)
    with pytest.raises(KeyboardInterrupt):
        fit(recipe, tmp_path, "short")
    monkeypatch.undo()
    short = fit(recipe, tmp_path, "short", resume=True).method().state_dict()
    assert all(torch.equal(value, short[key]) for key, value in method.state_dict().items())
    for wrong in ("diffusion.widht=3", "timesteps=[5, 2]", "margin=1"):
        with pytest.raises(WorkbenchError, match="widht|rising|margin"):
            METHODS["condition-quality"](
                load_recipe("condition-quality-pocket", [f"options.condition-quality.{wrong}"])
            )


def test_the_critic_learns_that_good_conditions_help(tmp_path):
    settings = [*CRITIC, "training.max_steps=200", "training.batch_size=6", "training.learning_rate=0.005"]
    run = fit(load_recipe("condition-quality-pocket", settings), tmp_path)
    clean = probe_images(run.recipe, count=16, size=32).clean
    table = condition_quality(NoisePredictor.of(run.method()), clean, levels=(0, 40, 80), steps_per_band=2)
    errors = table[table.band == "all"].set_index("level")["mean"]
    assert errors[0] < errors[40] < errors[80]
    losses = training_dynamics(run).query("group == 'loss'")["value"].to_numpy()
    assert np.mean(losses[-10:]) < 0.7 * losses[0]
