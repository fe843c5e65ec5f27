"""The restorers of other libraries behind the restorer contract."""

import numpy as np
import pytest
import torch

from workbench import nets
from workbench.errors import WorkbenchError
from workbench.nets.library import SwinIR
from workbench.nets.registry import RESTORERS
from workbench.restore import restore_array
from workbench.restorers import Restorer, load_restorer, save_restorer

POCKET = ["uformer-pocket", "dncnn-pocket", "restormer-pocket", "swinir-pocket", "rcan-pocket", "nafnet-pocket"]
EXACT = ["dncnn-pocket", "swinir-pocket"]
NEAR = {"nafnet-pocket": 0.05, "rcan-pocket": 0.01, "restormer-pocket": 2, "uformer-pocket": 0.5}
"""What tiles of 64 may differ by with random weights, of 255: some four times what was seen."""


@pytest.fixture(params=POCKET)
def pocket(request):
    torch.manual_seed(0)
    return request.param, nets.build(request.param).eval()


# Millions of parameters of the authors' networks, as these libraries build them.
@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("uformer-t", 5.29), ("uformer-s", 20.75), ("uformer-b", 50.88), ("restormer", 26.11), ("swinir", 11.50),
        ("swinir-light", 0.91), ("dncnn", 0.67), ("rcan", 15.30), ("nafnet", 29.16),
    ],
)  # fmt: skip
def test_sizes_are_the_authors(name, millions):
    parameters = sum(parameter.numel() for parameter in nets.build(name).parameters())
    assert parameters / 1e6 == pytest.approx(millions, abs=0.006)


@pytest.mark.parametrize("shape", [(1, 1), (7, 13), (33, 80)])
def test_any_size_is_restored(pocket, shape):
    _, restorer = pocket
    image = torch.rand(2, 3, *shape)
    before = image.clone()
    with torch.no_grad():
        assert restorer(image).shape == image.shape
    assert torch.equal(image, before), "the input is left as it is"


def test_padding_replicates_the_border(pocket):
    name, restorer = pocket
    rows, columns = (64, 64) if name == "uformer-pocket" else (24, 40)
    image = torch.rand(1, 3, rows - 3, columns - 5)
    padded = torch.nn.functional.pad(image, (0, 5, 0, 3), mode="replicate")
    with torch.no_grad():
        whole, cut = restorer(padded)[..., : rows - 3, : columns - 5], restorer(image)
    if restorer.multiple == 1:
        assert not torch.allclose(whole, cut, atol=1e-4), "nothing is padded"
    else:
        assert torch.allclose(whole, cut, atol=1e-5)


def test_saved_weights_come_back(pocket, tmp_path):
    name, restorer = pocket
    for parameter in restorer.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    save_restorer(tmp_path / "restorer.safetensors", Restorer.of(restorer, {"name": name}), provenance={})
    loaded, _ = load_restorer(tmp_path)
    image = torch.rand(1, 3, 40, 24)
    with torch.no_grad():
        assert torch.equal(loaded.network(image), restorer(image))
    kept = sum(value.numel() for value in restorer.state_dict().values())
    assert kept == sum(parameter.numel() for parameter in restorer.parameters()), "only what was learned is kept"


@pytest.mark.parametrize("name", EXACT)
def test_tiles_of_a_finite_reach_are_exact(name):
    torch.manual_seed(0)
    restorer = nets.build(name)
    image = np.random.default_rng(0).random((130, 77, 3), dtype=np.float32)
    called = Restorer.of(restorer)
    whole, tiled = called.restore(image), called.restore(image, tile=32)
    assert np.abs(whole - tiled).max() < 1e-5 and not called.notes
    restorer.halo //= 4
    assert np.abs(whole - restore_array(restorer, image, tile=32)).max() > 1e-4, "less surroundings are too few"


@pytest.mark.parametrize("name", sorted({*POCKET} - {*EXACT}))
def test_tiles_of_others_are_near(name):
    torch.manual_seed(0)
    restorer = nets.build(name)
    for parameter in restorer.parameters():
        if not parameter.any():  # what begins at zero would keep blocks from doing anything
            torch.nn.init.normal_(parameter, std=0.05)
    # Larger than a tile with its surroundings
    image = np.random.default_rng(0).random((224, 210, 3), dtype=np.float32)
    called = Restorer.of(restorer, {"name": name})
    whole = called.restore(image)
    assert not called.notes, "one tile lacks nothing"
    tiled = called.restore(image, tile=64)
    assert 0 < np.abs(whole - tiled).max() < NEAR[name] / 255
    (note,) = called.notes
    assert note.startswith(f"{name} restored in tiles, which lack ")


@pytest.mark.parametrize(("depths", "window"), [((2, 2), 4), ((3,), 4), ((1, 2), 8)])
def test_reach_is_that_of_the_gradient(depths, window):
    torch.manual_seed(0)
    restorer = SwinIR(width=8, depths=depths, heads=(2,) * len(depths), window=window).double().eval()
    for parameter in restorer.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    farthest, center = 0, 64
    for pixel in range(center, center + window):
        image = torch.rand(1, 3, 128, window, dtype=torch.double, requires_grad=True)
        restorer(image)[0, :, pixel].sum().backward()
        touched = image.grad.abs().sum(dim=(0, 1, 3)).nonzero()
        farthest = max(farthest, int((touched - pixel).abs().max()))
    assert farthest == SwinIR.reach(depths, window)


def test_long_images_go_through_square_networks_in_tiles():
    restorer = nets.build("uformer-pocket")
    largest = 0

    def watch(_module, arguments):
        nonlocal largest
        largest = max(largest, arguments[0].shape[-1])

    restorer.network.register_forward_pre_hook(watch)
    image = np.random.default_rng(0).random((9, 1100, 3), dtype=np.float32)
    assert restore_array(restorer, image).shape == image.shape
    assert largest < 1100, "a square of the long side would be needed"


def test_moving_averages_leave_indices_alone():
    from workbench.methods import METHODS
    from workbench.recipes import load_recipe

    settings = ["restorer={name: swinir-pocket}", "training.ema_decay=0.9999"]
    recipe = load_recipe("denoise-pocket", settings, method="vanilla")
    method = METHODS["vanilla"](recipe)
    for _ in range(20):
        method.averaged.update_parameters(method.restorer)
    averaged = dict(method.averaged.module.named_buffers())
    assert averaged
    for name, buffer in method.restorer.named_buffers():
        assert torch.equal(averaged[name], buffer), name


@pytest.mark.parametrize("name", POCKET)
def test_every_restorer_trains(name):
    from workbench.methods import METHODS
    from workbench.recipes import load_recipe

    torch.manual_seed(0)
    recipe = load_recipe("denoise-pocket", [f"restorer={{name: {name}}}", "training.patch_size=64"], method="vanilla")
    method = METHODS["vanilla"](recipe)
    clean = torch.rand(2, 3, 8, 8).repeat_interleave(8, 2).repeat_interleave(8, 3)
    batch = {"clean": clean, "degraded": clean + 0.1 * torch.randn_like(clean)}
    optimizer = torch.optim.Adam(method.restorer.parameters(), 1e-3)
    losses = []
    for step in range(6):
        optimizer.zero_grad()
        loss = method.losses(batch, step)["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all(parameter.grad is not None for parameter in method.restorer.parameters())


def test_interrupted_with_stochastic_depth_continues_as_if_it_had_not_been(tmp_path, monkeypatch):
    from support import TINY

    from workbench.methods import METHODS
    from workbench.recipes import load_recipe
    from workbench.training import fit

    network = "restorer={name: swinir-pocket, width: 12, depths: [2], heads: [2], drop_path: 0.5}"
    settings = [setting for setting in TINY if not setting.startswith("restorer")] + [network]
    recipe = load_recipe("denoise-pocket", settings, method="vanilla")
    whole = fit(recipe, tmp_path, "whole")
    losses = METHODS["vanilla"].losses

    def stop_at_5(self, batch, step):
        if step == 5:
            raise InterruptedError
        return losses(self, batch, step)

    monkeypatch.setattr(METHODS["vanilla"], "losses", stop_at_5)
    with pytest.raises(InterruptedError):
        fit(recipe, tmp_path, "cut")
    monkeypatch.undo()
    cut = fit(recipe, tmp_path, "cut", resume=True)
    (expected, card), (found, _) = (load_restorer(run.folder) for run in (whole, cut))
    assert card["networks"]["restorer"]["network"]["drop_path"] == 0.5
    assert all(
        torch.equal(value, found.network.state_dict()[name]) for name, value in expected.network.state_dict().items()
    )


@pytest.mark.parametrize("name", sorted(RESTORERS))
def test_unknown_settings_are_one_line(name):
    with pytest.raises(WorkbenchError, match="does not take"):
        nets.build(name, widht=3)


def test_patches_that_do_not_fit_are_refused():
    from workbench.methods import METHODS
    from workbench.recipes import load_recipe

    with pytest.raises(WorkbenchError, match="must be a multiple of 128"):
        METHODS["vanilla"](load_recipe("denoise-pocket", ["restorer={name: uformer-t}"], method="vanilla"))
