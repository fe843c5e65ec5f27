"""High-frequency energy and condition reliance, as training logs them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from workbench.data.domains import Pair
from workbench.methods import NoiseSpaceAdaptation, Vanilla, resolve
from workbench.recipes import load_recipe
from workbench.training.callbacks import Validation
from workbench.training.lightning_method import LightningMethod
from workbench.training.meters import LARGEST, high_frequency_energy


def method(*settings, kind=NoiseSpaceAdaptation, name="noise-space"):
    torch.manual_seed(0)
    return kind(resolve(load_recipe("denoise-pocket", ["restorer.width=4", *settings], method=name)))


def pairs(count=1, side=80):
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (side, side + 8, 3), dtype=np.uint8) for _ in range(count)]
    return [Pair(f"{number}", picture[::-1], picture) for number, picture in enumerate(pictures)]


def reliance(method, source, target):
    return method.meters({"source": source, "target": target})


def awake(adaptation):
    """Of a diffusion network that was just built, the last layer predicts nothing."""
    for parameter in adaptation.diffusion.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return adaptation


def test_energy_is_one_for_the_reference_and_falls_with_smoothing():
    noise = np.random.default_rng(0).random((64, 70, 3), dtype=np.float32)
    assert high_frequency_energy(noise, noise) == pytest.approx(1)
    assert high_frequency_energy(gaussian_filter(noise, (1, 1, 0)), noise) < 0.1
    assert high_frequency_energy(2 * noise, noise) == pytest.approx(4, rel=1e-3)


def test_of_large_pictures_the_middle_counts():
    wide = np.zeros((16, LARGEST + 200, 3), np.float32)
    wide[:, 100:-100] = np.random.default_rng(0).random((16, LARGEST, 3))
    spoiled = wide.copy()
    spoiled[:, :100] = 1
    assert high_frequency_energy(spoiled, wide) == pytest.approx(1)


def test_reliance_is_of_both_conditions_and_leaves_the_training_alone():
    adaptation = awake(method())
    adaptation.train()
    before = torch.get_rng_state()
    found = reliance(adaptation, pairs(), pairs(2))
    assert set(found) == {"reliance/source_condition", "reliance/target_condition"} and all(
        np.isfinite(list(found.values()))
    )
    assert any(found.values()), "nothing changes when a condition does"
    assert torch.equal(torch.get_rng_state(), before)
    assert adaptation.restorer.training and adaptation.diffusion.training
    assert reliance(adaptation, pairs(), pairs(2)) == found


def test_a_network_that_looks_at_one_condition_relies_on_that_alone():
    adaptation = method("options.noise-space.channel_shuffle=false", "options.noise-space.residual_swap=false")

    class Copies(torch.nn.Module):
        def forward(self, noised, conditions, alpha_bar):
            return noised - conditions[:, :3]

    adaptation.diffusion, adaptation.restorer = Copies(), torch.nn.Identity()
    clean = [Pair(pair.name, pair.reference, pair.reference) for pair in pairs()]
    found = reliance(adaptation, clean, pairs())
    assert found["reliance/source_condition"] > 1e-3 and found["reliance/target_condition"] == 0


def test_there_is_none_without_two_conditions_or_patches():
    assert reliance(method(kind=Vanilla, name="vanilla"), pairs(), pairs()) == {}
    changed = ("conditions=source", "channel_shuffle=false", "residual_swap=false")
    alone = [f"options.noise-space.{each}" for each in changed]
    assert reliance(method(*alone), pairs(), pairs()) == {}
    assert reliance(method(), pairs(side=40), pairs()) == {}
    assert reliance(method(), [], pairs()) == method().meters({"target": pairs()}) == {}


def test_references_of_one_colour_have_no_energy_to_compare():
    logged = {}
    writer = SimpleNamespace(
        add_scalar=lambda tag, value, step: logged.update({tag: value}), add_image=lambda *_, **__: None
    )
    trainer = SimpleNamespace(is_global_zero=True, global_step=3, logger=SimpleNamespace(experiment=writer))
    vanilla = LightningMethod(method(kind=Vanilla, name="vanilla").eval())
    grey = Pair("grey", *[np.full((80, 88, 3), 128, np.uint8)] * 2)
    Validation({"target": [grey, *pairs()], "source": [grey]}, every=1).on_train_start(trainer, vanilla)
    assert not logged, "not the first step"
    Validation({"target": [grey, *pairs()], "source": [grey]}, every=3).on_train_batch_end(trainer, vanilla)
    assert np.isfinite(logged["validation/target_high_frequency_energy"])
    assert "validation/source_psnr" in logged and "validation/source_high_frequency_energy" not in logged
