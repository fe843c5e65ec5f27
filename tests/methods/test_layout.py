"""Weights, images and moments in the memory layout that a network is the fastest in."""

import pytest
import torch
from support.methods import batch_of, build, on_pairs, small_recipe, write_pairs
from torch import nn

from workbench.methods.base import Method
from workbench.training import fit

LAST, OWN = torch.channels_last, torch.contiguous_format
WIDE = "restorer.width=32"
DIFFUSION = "diffusion={name: diffusion-t, widths: [8, 8], groups: 4, blocks: 1}"
TIMED = "network={name: drdd-residual-s, widths: [8, 8], groups: 4, blocks: 1}"
EXPECTED = {
    ("vanilla",): {"restorer": LAST},
    ("vanilla", WIDE): {"restorer": OWN},
    ("noise-space",): {"restorer": LAST, "diffusion": LAST},
    ("noise-space", WIDE): {"restorer": OWN, "diffusion": LAST},
    ("noise-space", f"options.noise-space.{DIFFUSION}"): {"restorer": LAST, "diffusion": OWN},
    ("noise-space", WIDE, f"options.noise-space.{DIFFUSION}"): {"restorer": OWN, "diffusion": OWN},
    ("noise-space", f"options.noise-space.{DIFFUSION}", "options.noise-space.critic_decay=0.9"): {
        "averaged_diffusion": OWN
    },
    ("condition-quality",): {"diffusion": LAST},
    ("condition-quality", f"options.condition-quality.{DIFFUSION}"): {"diffusion": OWN},
    ("drdd",): {"restorer": LAST},
    ("drdd", f"options.drdd.{TIMED}"): {"restorer": OWN},
    ("drdd", f"options.drdd.noise_{TIMED}"): {"restorer": LAST},
    ("cycada", WIDE): {"restorer": LAST, "to_target": LAST},
}
"""By method and settings; one that brings further networks has one layout for all of them."""


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """The settings of data that are there at once."""
    return on_pairs(write_pairs(tmp_path_factory.mktemp("pairs")))


def images_to(network):
    """What a network's first convolution is given while it is called; what follows, attention may lay out otherwise."""
    images = []
    first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    first.register_forward_pre_hook(lambda _module, given: images.append(given[0]))
    return images


@pytest.mark.parametrize("case", EXPECTED, ids=" ".join)
def test_networks_are_trained_in_their_layout(case, pairs):
    method, *settings = case
    module = build(method, *pairs, "training.accelerator=cpu", *settings)
    images = {name: images_to(getattr(module, name)) for name in EXPECTED[case]}
    module.losses(module.laid_out(batch_of(module)), module.head_start)["loss"].backward()
    for name, layout in EXPECTED[case].items():
        weights = [weight for weight in getattr(module, name).parameters() if weight.ndim == 4]
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        assert images[name] and weights
        for tensor in images[name] + weights + gradients:
            assert tensor.is_contiguous(memory_format=layout), name


@pytest.mark.parametrize(("begun", "continued"), [(LAST, OWN), (OWN, LAST)])
def test_a_run_goes_on_in_another_layout(begun, continued, pairs, tmp_path, monkeypatch):
    settings = ["training.checkpoint_every=3", "training.validate_every=100", "options.noise-space.critic_decay=0.9"]
    recipe = small_recipe("noise-space", *pairs, "training.accelerator=cpu", "training.max_steps=6", *settings)
    after_update = Method.after_update

    def stop(self, step):
        after_update(self, step)
        if step == 5:
            raise InterruptedError

    monkeypatch.setattr(Method, "layout_of", lambda self, network: begun)
    whole = fit(recipe, tmp_path, "whole")
    monkeypatch.setattr(Method, "after_update", stop)
    with pytest.raises(InterruptedError):
        fit(recipe, tmp_path, "cut")
    monkeypatch.setattr(Method, "after_update", after_update)
    monkeypatch.setattr(Method, "layout_of", lambda self, network: continued)
    cut = fit(recipe, tmp_path, "cut", resume=True)
    ends = [torch.load(run.checkpoint, weights_only=True) for run in (whole, cut)]
    for key, value in ends[0]["state_dict"].items():
        torch.testing.assert_close(ends[1]["state_dict"][key], value, rtol=0, atol=1e-6)
