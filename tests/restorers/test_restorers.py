"""Restorers: networks, a procedure and its options; cards; names."""

import json
import types

import numpy as np
import pytest
import torch
from pydantic import Field
from safetensors.torch import load_file
from support import ROOT
from torch import nn

from workbench import nets
from workbench.errors import WorkbenchError
from workbench.restorers import (
    KINDS,
    Options,
    Procedure,
    Restorer,
    StoppedError,
    load_restorer,
    parse_options,
    passes,
    save_restorer,
)
from workbench.restorers.restorer import check_options

WIDTHS = {"first": 4, "second": 6}


class Blur(nn.Module):
    """Means of 3x3 pixels, and what it was called with."""

    multiple, halo = 2, 1

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, picture, other=None, window=None, strength=1.0):
        self.seen.append((tuple(picture.shape), window, self.training, torch.is_grad_enabled()))
        padded = nn.functional.pad(picture, (1, 1, 1, 1), mode="constant")
        blurred = strength * nn.functional.avg_pool2d(padded, 3, stride=1)
        return blurred if other is None else blurred + other


class Sampling(Procedure):
    """Two networks, noise by a seed, and several steps."""

    networks = ("first", "second")

    class Options(Options):
        steps: int = Field(3, ge=1, le=100)
        seed: int = Field(0, ge=0)
        eta: float = Field(0.1, ge=0, le=1)

    @property
    def passes(self):
        return 2 * self.options.steps

    def restore(self, degraded, passes):
        rng = torch.Generator().manual_seed(self.options.seed)
        state = degraded + self.options.eta * torch.randn(degraded.shape, generator=rng)
        for step in range(self.options.steps):
            state = passes("first", state, degraded)
            state = 0.5 * passes("second", state, strength=1 / (step + 1))
            passes.trace(f"step {step}", state)
        return state


@pytest.fixture
def sampling(monkeypatch):
    monkeypatch.setitem(KINDS, "sampling", Sampling)
    return Restorer({"first": Blur(), "second": Blur()}, "sampling")


def picture(height=37, width=50):
    return np.random.default_rng(0).random((height, width, 3), dtype=np.float32)


# Procedures and passes


def test_noise_is_drawn_for_the_whole_picture_and_tiles_agree(sampling):
    image = picture()
    whole, tiled = sampling.restore(image), sampling.restore(image, tile=8)
    assert np.abs(whole - tiled).max() < 1e-6
    assert len(sampling.networks["first"].seen) > 2 * 3, "there were tiles"
    other = sampling.with_options({"seed": 1}).restore(image)
    assert np.abs(whole - other).max() > 1e-3
    without = [sampling.with_options({"eta": 0, "seed": seed}).restore(image) for seed in (0, 1)]
    np.testing.assert_array_equal(*without)


def test_a_pass_evaluates_and_leaves_networks_as_they_were(sampling):
    sampling.networks["first"].train()
    sampling.networks["second"].eval()
    sampling.restore(picture(8, 8))
    assert [network.training for network in sampling.networks.values()] == [True, False]
    for network in sampling.networks.values():
        for shape, window, training, gradients in network.seen:
            assert shape == (1, 3, 8, 8) and window is None and not training and not gradients


def test_progress_goes_over_all_passes_and_stops_at_once(sampling):
    told = []
    sampling.restore(picture(16, 32), tile=16, progress=lambda *each: told.append(each))
    assert told == [(done, 12) for done in range(1, 13)]
    with pytest.raises(StoppedError):
        sampling.restore(picture(16, 32), tile=16, progress=lambda done, total: done == 5)


def test_a_trace_receives_the_pictures_on_the_way(sampling):
    shown = {}
    sampling.data_range = (-1.0, 1.0)
    restored = sampling.restore(picture(), trace=shown.__setitem__)
    assert list(shown) == ["step 0", "step 1", "step 2"]
    assert all(each.shape == (37, 50, 3) and each.dtype == np.float32 for each in shown.values())
    np.testing.assert_array_equal(shown["step 2"], restored)


def test_a_batch_has_as_many_pixels_a_tile_as_one_picture(monkeypatch):
    network = Blur()
    called = passes.Passes({"only": network}, tile=16)
    result = called("only", torch.ones(4, 3, 32, 32))
    assert result.shape == (4, 3, 32, 32) and len(network.seen) == 16
    monkeypatch.setattr(passes, "TILE", 32)
    network.seen.clear()
    passes.Passes({"only": network})("only", torch.ones(4, 3, 16, 16))
    assert len(network.seen) == 1


def test_a_picture_may_be_made_tile_by_tile():
    whole = torch.rand(1, 3, 20, 30)
    made = passes.Made(whole, lambda window, rows, columns: 2 * whole[..., rows, columns])
    expected = passes.Passes({"only": Blur()})("only", 2 * whole)
    torch.testing.assert_close(passes.Passes({"only": Blur()}, tile=8)("only", made), expected)


def test_intermediate_pictures_of_the_blind_spot_network_and_its_refinement():
    torch.manual_seed(0)
    restorer, shown, told = Restorer.of(nets.build("ap-bsn-pocket", width=4, modules=1)), {}, []
    image = picture()
    restorer.restore(image, trace=shown.__setitem__, progress=lambda *each: told.append(each))
    assert told == [(done, 9) for done in range(1, 10)]
    np.testing.assert_array_equal(shown["first"], restorer.with_options({"refinements": 0}).restore(image))


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "option: steps: "),
        ({"steps": 10**9}, "option: steps: "),
        ({"eta": 1.5}, "option: eta: "),
        ({"eta": float("nan")}, "option: eta: "),
        ({"step": 3}, "option step: restorers of the kind 'sampling' have no such option (steps, seed, eta)"),
        ({"seed": None}, "option: seed: "),
        ({"steps": [1]}, "option: steps: "),
    ],
)
def test_wrong_options_are_one_line(sampling, options, message):
    with pytest.raises(WorkbenchError) as caught:
        sampling.with_options(options)
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


def test_options_as_they_are_typed():
    assert parse_options(["steps=10", "eta = 0.5", "name=a=b"]) == {"steps": 10, "eta": 0.5, "name": "a=b"}
    for wrong in ("steps", "=3", "steps=["):
        with pytest.raises(WorkbenchError, match="option"):
            parse_options([wrong])


def test_what_a_network_brings_gives_way_to_what_is_asked(sampling):
    network = nets.build("selfdeblur-pocket", steps=20)
    assert Restorer.of(network).options.steps == 20 and Restorer.of(network).options.kernel_learning_rate == 1e-3
    asked = Restorer.of(network).with_options({"steps": 5})
    assert (asked.options.steps, asked.options.kernel_learning_rate) == (5, 1e-3)
    assert asked.changes(Restorer.of(network)) == {"steps": 5}


def test_networks_are_those_of_the_kind():
    with pytest.raises(WorkbenchError, match="no restorer is of the kind 'magic'; there are one-pass"):
        Restorer({"restorer": Blur()}, "magic")
    with pytest.raises(WorkbenchError, match="needs the network 'restorer', which is missing"):
        Restorer({}, "one-pass")
    with pytest.raises(WorkbenchError, match="has no network 'more'"):
        Restorer({"restorer": Blur(), "more": Blur()}, "one-pass")


# The page


def test_the_page_has_all_kinds_and_options():
    page = (ROOT / "docs" / "restorers.md").read_text()
    table = page.partition("| kind |")[2].partition("\n\n")[0]
    for kind, procedure in KINDS.items():
        assert f"`{kind}`" in table, kind
        for option, declared in procedure.Options.model_fields.items():
            assert f"`{option}`" in table and declared.description, f"{kind}: {option}"
            if declared.annotation in (int, float):
                with pytest.raises(WorkbenchError, match="^option: "):
                    check_options(kind, {option: 10**30})


def test_the_pages_kind_restores(monkeypatch):
    page = (ROOT / "docs" / "restorers.md").read_text()
    code = page.partition("## A kind of your own\n\n```python\n")[2].partition("```")[0]
    module = types.ModuleType("looks")
    exec(code, module.__dict__)
    monkeypatch.setitem(KINDS, "looks", module.Looks)
    torch.manual_seed(0)
    network, image, shown = nets.build("unet-pocket", width=4, depth=2), picture(), []
    looks = Restorer({"restorer": network}, "looks", {"looks": 2})
    mean = looks.restore(image, trace=lambda name, _: shown.append(name))
    mirrored = Restorer.of(network).restore(image[:, ::-1].copy())[:, ::-1]
    np.testing.assert_allclose(mean, (Restorer.of(network).restore(image) + mirrored) / 2, atol=1e-6)
    assert shown == ["mirrored along ()", "mirrored along (-1,)"]


# Cards


@pytest.fixture
def saved(sampling, tmp_path):
    described = {name: {"name": "unet-pocket", "width": width, "depth": 2} for name, width in WIDTHS.items()}
    networks = {name: nets.build("unet-pocket", width=width, depth=2) for name, width in WIDTHS.items()}
    restorer = Restorer(networks, "sampling", {"steps": 7}, described=described, data_range=(-1.0, 1.0))
    save_restorer(tmp_path / "r.safetensors", restorer, provenance={"seed": 5})
    return tmp_path / "r.safetensors"


def change(path, **changes):
    card = json.loads(path.with_suffix(".json").read_text())
    for key, value in changes.items():
        *parents, last = key.split("__")
        node = card
        for parent in parents:
            node = node[parent]
        node[last] = value
    path.with_suffix(".json").write_text(json.dumps(card))


def test_a_card_names_kind_options_and_all_networks(saved):
    restorer, card = load_restorer(saved)
    assert (card["format"], card["kind"], card["options"]["steps"]) == (2, "sampling", 7)
    assert {name: entry["prefix"] for name, entry in card["networks"].items()} == {
        "first": "first.", "second": "second.",
    }  # fmt: skip
    assert restorer.options.steps == 7 and restorer.data_range == (-1.0, 1.0)
    weights = load_file(saved)
    for name, network in restorer.networks.items():
        assert not network.training
        for key, value in network.state_dict().items():
            assert torch.equal(weights[f"{name}.{key}"], value)
    assert load_restorer(saved, {"steps": 2})[0].options.steps == 2
    with pytest.raises(WorkbenchError, match="several networks"):
        restorer.network  # noqa: B018


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "magic"}, "no restorer is of the kind 'magic'"),
        ({"kind": 3}, "kind is a name"),
        ({"options": {"steps": 0}}, "option: steps: "),
        ({"options": {"steps": 10**9}}, "option: steps: "),
        ({"options": {"magic": 1}}, "have no such option"),
        ({"networks": {}}, "is of no network there"),
        ({"networks__first__prefix": None}, "needs a name and a prefix"),
        ({"networks__first__prefix": ""}, "do not fit the network 'unet-pocket'"),
        ({"networks__first__network": {"name": "unet-x"}}, "no network is called 'unet-x'"),
        ({"networks__first__network__width": 2048}, "far more weights than the file holds"),
        ({"networks__first__network__width": 5}, "do not fit the network"),
        ({"sha256": "0" * 64}, "their checksums differ"),
        ({"format": 3}, "card format 3 is not known"),
        ({"provenance": "anything"}, None),
        *(({"data_range": bad}, "data") for bad in ([1, 0], [0, 0], [0], [0, float("inf")], [float("nan"), 1], "01")),
        ({"data_range": [False, True]}, "data_range"),
    ],
)
def test_what_a_card_must_not_say(saved, changes, message):
    change(saved, **changes)
    if message is None:
        load_restorer(saved)
        return
    with pytest.raises(WorkbenchError) as caught:
        load_restorer(saved)
    assert message in str(caught.value) and str(saved.with_suffix("")) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_network_that_a_card_lacks_is_named(saved):
    card = json.loads(saved.with_suffix(".json").read_text())
    del card["networks"]["second"]
    saved.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(WorkbenchError, match=r"'second\.\S+' is of no network there"):
        load_restorer(saved)


def test_one_flipped_bit_is_noticed(saved):
    content = bytearray(saved.read_bytes())
    content[-5] ^= 1
    saved.write_bytes(content)
    with pytest.raises(WorkbenchError, match="damaged, or not the weights of its card"):
        load_restorer(saved)


@pytest.mark.parametrize("depth", [20, 20_000])
def test_deeply_nested_cards_are_refused(saved, depth):
    saved.with_suffix(".json").write_text("[" * depth + "]" * depth)
    with pytest.raises(WorkbenchError, match="not the card of a restorer"):
        load_restorer(saved)


@pytest.mark.parametrize(
    ("network", "kind", "options"),
    [
        ({"name": "unet-pocket", "width": 4}, "one-pass", {"ensemble": 1}),
        ({"name": "ap-bsn-pocket", "width": 4, "modules": 1, "refinements": 2}, "blind-spot",
         {"stride": 2, "refinements": 2, "replaced": 0.16}),
        ({"name": "swinir-masked-pocket", "depths": [1], "heads": [1], "width": 4}, "masked", {"seed": 0}),
        ({"name": "vdip-pocket", "steps": 9, "width": 4, "hidden": 4}, "per-image",
         {"steps": 9, "seed": 0, "image_learning_rate": 0.01, "kernel_learning_rate": 0.001}),
    ],
)  # fmt: skip
def test_cards_of_version_1_are_of_the_kind_of_their_network(network, kind, options, tmp_path):
    path = tmp_path / "restorer.safetensors"
    save_restorer(path, Restorer.of(nets.build(**network), network), provenance={})
    card = {"format": 1, "network": network, "data_range": [0, 1], "provenance": {"seed": 1}}
    path.with_suffix(".json").write_text(json.dumps(card))
    restorer, read = load_restorer(path)
    assert (restorer.kind, restorer.options.model_dump(), read["kind"]) == (kind, options, kind)
    assert read["options"] == options and read["provenance"] == {"seed": 1}
    if kind == "per-image":
        card["network"]["steps"] = 10**9
        path.with_suffix(".json").write_text(json.dumps(card))
        with pytest.raises(WorkbenchError, match=r"restorer\.json: option: steps: "):
            load_restorer(path)
