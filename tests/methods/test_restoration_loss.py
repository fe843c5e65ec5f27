"""The restoration loss that a recipe chooses."""

import pytest
import torch
from support.methods import build, gradients, on_pairs, small_recipe, write_pairs
from torch.nn import functional as F  # noqa: N812

from workbench.errors import WorkbenchError
from workbench.evaluation import Lpips, Unavailable
from workbench.methods import METHODS, resolve
from workbench.objectives import charbonnier
from workbench.training import fit

OWN = sorted(name for name, method in METHODS.items() if not method.restores_pairs)


def pictures(side=32):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, 3, side, side, generator=generator), torch.rand(2, 3, side, side, generator=generator)


@pytest.mark.parametrize(("name", "expected"), [("charbonnier", charbonnier), ("l1", F.l1_loss), ("l2", F.mse_loss)])
def test_methods_descend_the_chosen_distance(name, expected):
    degraded, clean = pictures(16)
    module = build("vanilla", f"training.loss={name}")
    restored = module.restorer(degraded)
    assert torch.equal(module.losses({"degraded": degraded, "clean": clean}, 0)["loss"], expected(restored, clean))
    assert small_recipe("vanilla").training.loss == "charbonnier"


@pytest.mark.parametrize("method", OWN)
def test_a_method_with_a_loss_of_its_own_refuses_another(method):
    for setting in ("loss=l1", "perceptual=0.1"):
        with pytest.raises(WorkbenchError, match=f"method {method} has a loss of its own; leave training.loss alone"):
            resolve(small_recipe(method, f"training.{setting}"))


def test_the_warm_start_has_a_loss_of_its_own_and_is_another_run_by_it(tmp_path):
    (tmp_path / "pairs").mkdir()
    data = on_pairs(write_pairs(tmp_path / "pairs"))
    before = [f"warm_start.{key}" for key in ("max_steps=2", "batch_size=2", "patch_size=16")]
    names = set()
    for setting in ("training.loss=l1", "training.loss=l2", "warm_start.loss=l1"):
        # `warm_start` was null, and its other keys take their defaults.
        recipe = small_recipe("vanilla", *data, "warm_start={}", *before, setting, "training.max_steps=1")
        names.add(fit(recipe, tmp_path, setting).summary["warm_start"]["name"])
    assert len(names) == 2


def test_the_perceptual_part_needs_its_weights_and_large_patches(monkeypatch):
    monkeypatch.setattr(Lpips, "load", classmethod(lambda cls: Unavailable("LPIPS not available, because of this")))
    with pytest.raises(WorkbenchError, match="training.perceptual: LPIPS not available, because of this"):
        build("vanilla", "training.perceptual=0.1")
    monkeypatch.setattr(Lpips, "load", classmethod(lambda cls: Lpips(torch.nn.Identity(), min_side=31)))
    with pytest.raises(WorkbenchError, match="training.patch_size of at least 31"):
        build("vanilla", "training.perceptual=0.1", "training.patch_size=16")


def test_the_perceptual_part_is_weighed_teaches_the_restorer_and_is_not_kept(real_data, monkeypatch):
    monkeypatch.setenv("WORKBENCH_WEIGHTS", str(real_data / "weights"))
    degraded, clean = pictures()
    module = build("vanilla", "training.perceptual=0.5", "training.patch_size=32")
    loss = module.losses({"degraded": degraded, "clean": clean}, 0)["loss"]
    restored = module.restorer(degraded)
    pairs = zip(*(images.detach().permute(0, 2, 3, 1).numpy() for images in (restored, clean)), strict=True)
    distance = sum(Lpips.load()(*pair) for pair in pairs) / 2
    assert loss.item() == pytest.approx(charbonnier(restored, clean).item() + 0.5 * distance, rel=1e-4)
    loss.backward()
    assert gradients(module.restorer).abs().sum() > 0
    assert module.state_dict().keys() == build("vanilla").state_dict().keys()
