import json
import pickle
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode

from workbench import nets
from workbench.errors import WorkbenchError
from workbench.images import read_image, to_float
from workbench.nets.official import convert, read_checkpoint
from workbench.restorers import Restorer, load_restorer, save_restorer


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


# Millions of parameters of the paper's Appendix A1.3; GMACs at 128x128 as counted on the authors' code (the paper
# prints 3.14 / 12.48 / 17.58).
@pytest.mark.parametrize(
    ("name", "millions", "gmacs"), [("unet-t", 2.14, 3.12), ("unet-s", 8.56, 12.44), ("unet-b", 12.07, 17.53)]
)
def test_restoration_unet_has_the_papers_size(name, millions, gmacs):
    network = nets.build(name)
    assert parameters(network) / 1e6 == pytest.approx(millions, abs=0.005)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, 128, 128))
    assert counter.get_total_flops() / 2e9 == pytest.approx(gmacs, abs=0.01)


def test_diffusion_b_has_the_size_of_the_authors():
    assert parameters(nets.build("diffusion-b")) / 1e6 == pytest.approx(62.64, abs=0.005)


@pytest.mark.parametrize("name", ["diffusion-t", "diffusion-pocket"])
def test_diffusion_network_reads_every_input(name):
    torch.manual_seed(0)
    network = nets.build(name).eval()
    for parameter in network.parameters():  # the last layer starts at zero
        torch.nn.init.normal_(parameter, std=0.05)
    arguments = [torch.randn(2, 3, 16, 16), torch.rand(2, 6, 16, 16), torch.tensor([0.3, 0.9])]
    with torch.no_grad():
        predicted = network(*arguments)
        assert predicted.shape == (2, 3, 16, 16)
        for position in range(3):
            changed = [value.clone() for value in arguments]
            changed[position] = changed[position] * 0.5
            assert not torch.allclose(network(*changed), predicted, atol=1e-4)
        other = torch.tensor([0.3, 0.9004])
        assert not torch.equal(network(arguments[0], arguments[1], other)[1], predicted[1]), "the level is continuous"


@pytest.mark.parametrize("shape", [(1, 1), (7, 13), (16, 16), (33, 50)])
@pytest.mark.parametrize(("depth", "unshuffle"), [(1, 1), (3, 1), (4, 1), (1, 2), (3, 2)])
def test_restorer_takes_any_size(shape, depth, unshuffle):
    network = nets.build("unet-s", width=4, depth=depth, unshuffle=unshuffle)
    assert network(torch.rand(2, 3, *shape)).shape == (2, 3, *shape)


def test_padding_replicates_the_border():
    torch.manual_seed(0)
    network = nets.build("unet-s", width=4)
    image = torch.rand(1, 3, 13, 21)
    padded = torch.nn.functional.pad(image, (0, 3, 0, 3), mode="replicate")
    with torch.no_grad():
        assert torch.allclose(network(image), network(padded)[..., :13, :21], atol=1e-6)


def test_kaiming_init_starts_near_the_identity():
    torch.manual_seed(0)
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        near = (nets.build("unet-pocket")(image) - image).abs().mean()
        far = (nets.build("unet-pocket", init="default")(image) - image).abs().mean()
    assert 0 < near < 0.2
    assert far > 0


def test_unknown_names_are_one_line():
    with pytest.raises(WorkbenchError, match="no network is called 'unet-x'"):
        nets.build("unet-x")
    with pytest.raises(WorkbenchError, match="does not take"):
        nets.build("unet-s", widht=3)


def test_weights_round_trip(tmp_path):
    network = nets.build("unet-s", width=6)
    path = tmp_path / "restorer.safetensors"
    save_restorer(path, Restorer.of(network, {"name": "unet-s", "width": 6}), provenance={"seed": 3})
    for place in (path, tmp_path, path.with_suffix(".json")):
        loaded, card = load_restorer(place)
        assert card["provenance"] == {"seed": 3}
        assert all(torch.equal(value, loaded.network.state_dict()[key]) for key, value in network.state_dict().items())


def test_data_range_is_hidden_from_the_caller(tmp_path):
    network = nets.build("unet-s", width=4)
    path = tmp_path / "restorer.safetensors"
    save_restorer(path, Restorer.of(network, {"name": "unet-s", "width": 4}, data_range=(-1, 1)), provenance={})
    image = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        expected = (network(image * 2 - 1) + 1) / 2
        assert torch.allclose(load_restorer(path)[0](image), expected, atol=1e-6)


def test_what_is_no_restorer_is_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(WorkbenchError, match="no restorer here"):
        load_restorer(path)
    path.write_bytes(b"")
    with pytest.raises(WorkbenchError, match=r"x\.json: missing"):
        load_restorer(path)
    card = {"format": 1, "network": {"name": "unet-s", "width": 4}, "data_range": [0, 1], "provenance": {}}
    path.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(WorkbenchError, match="not a readable safetensors"):
        load_restorer(path)
    save_file({"something": torch.zeros(2)}, path)
    with pytest.raises(WorkbenchError, match="do not fit"):
        load_restorer(path)
    path.with_suffix(".json").write_text("{}")
    with pytest.raises(WorkbenchError, match="not the card"):
        load_restorer(path)


class Bomb:
    def __reduce__(self):
        return (open, ("exploded", "w"))


def test_pickled_code_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"RestorationNet.last.bias": Bomb()}, "bomb.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Bomb()))
    for name in ("bomb.pth", "plain.pth"):
        with pytest.raises(WorkbenchError, match="refused .it holds something else, or is no checkpoint") as caught:
            read_checkpoint(tmp_path / name)
        assert "weights_only" not in str(caught.value), "torch's advice is to run it"
    nets_path = tmp_path / "renamed.safetensors"
    nets_path.write_bytes((tmp_path / "plain.pth").read_bytes())
    nets_path.with_suffix(".json").write_text(
        json.dumps({"format": 1, "network": {"name": "unet-s"}, "data_range": [0, 1], "provenance": {}})
    )
    with pytest.raises(WorkbenchError, match="not a readable safetensors"):
        load_restorer(nets_path)
    assert not (tmp_path / "exploded").exists()


def test_agrees_with_the_authors_network(golden):
    reference = np.load(golden / "unet_width8.npz")
    weights = {key.removeprefix("weight/"): torch.from_numpy(reference[key]) for key in reference if "/" in key}
    network, description = convert(weights)
    assert description == {"name": "unet-s", "width": 8, "depth": 4}
    with torch.no_grad():
        residual = network.residual(torch.from_numpy(reference["input"]))
    assert np.abs(residual.numpy() - reference["residual"]).max() < 1e-6


def test_imports_the_authors_checkpoint(golden):
    network, _ = convert(read_checkpoint(golden / "official_width8.pth"))
    image = to_float(read_image(golden / "official_input.png").pixels)
    with torch.no_grad():
        restored = network(torch.from_numpy(image.transpose(2, 0, 1))[None])[0].numpy().transpose(1, 2, 0)
    assert np.abs(restored - np.load(golden / "official_expected.npy")).max() < 1e-4


def test_released_checkpoints_have_the_layout_that_is_imported(golden):
    shapes = json.loads((golden / "official_checkpoint_keys.json").read_text())
    network, description = convert({key: torch.zeros(shape) for key, shape in shapes.items()})
    assert description["width"] == 64
    assert parameters(network) / 1e6 == pytest.approx(8.56, abs=0.005)


def test_foreign_checkpoints_are_refused():
    with pytest.raises(WorkbenchError, match="no restoration network found"):
        convert({"model.weight": torch.zeros(3)})
    with pytest.raises(WorkbenchError, match="do not form"):
        convert({"RestorationNet.down_path.0.block.0.weight": torch.zeros(8, 3, 3, 3)})


FIRST = "RestorationNet.down_path.0.block.0.weight"


def deep(levels):
    return {f"RestorationNet.down_path.{level}.block.0.weight": torch.zeros(2, 3, 3, 3) for level in levels}


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({FIRST: torch.zeros(1).expand(200_000, 3, 3, 3)}, "not held as a whole"),
        ({FIRST: torch.zeros(4000, 3, 3, 3)}, "do not form"),
        ({FIRST: torch.tensor(1.0)}, "no restoration network found"),
        ({FIRST: torch.zeros(0, 3, 3, 3)}, "no restoration network found"),
        ({FIRST: torch.zeros(4, 3, 3, 3, device="meta")}, "not held as a whole"),
        ({FIRST: torch.zeros(4, 3, 3, 3).to_sparse()}, "not held as a whole"),
        (deep([0, 40]), "levels are not those"),
        (deep(range(3000)), "levels are not those"),
        (deep([0, "9" * 5000]), "levels are not those"),
        (deep(range(12)), "do not form"),
    ],
)
def test_a_checkpoint_that_implies_more_than_it_holds_is_refused(state, reason, tmp_path):
    torch.save(state, tmp_path / "strange.pth")
    assert (tmp_path / "strange.pth").stat().st_size < 3e6
    with pytest.raises(WorkbenchError, match=reason):
        convert(read_checkpoint(tmp_path / "strange.pth"))


def test_every_flipped_bit_in_the_weights_of_an_imported_file_is_noticed(tmp_path):
    whole = {"RestorationNet.down_path.0.block.0.weight": torch.rand(8, 3, 3, 3)}
    torch.save(whole, tmp_path / "whole.pth")
    data = (tmp_path / "whole.pth").read_bytes()
    for place in range(0, len(data) * 8, 41):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        (tmp_path / "flipped.pth").write_bytes(flipped)
        try:
            read = read_checkpoint(tmp_path / "flipped.pth")
        except WorkbenchError:
            continue
        # In the table of contents, such as in a date: what is read is what was written
        assert read.keys() == whole.keys() and all(torch.equal(read[key], whole[key]) for key in whole)


def test_a_packed_checkpoint_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    torch.save({FIRST: torch.zeros(4, 3, 3, 3)}, tmp_path / "plain.pth")
    with (
        zipfile.ZipFile(tmp_path / "plain.pth") as plain,
        zipfile.ZipFile(tmp_path / "packed.pth", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    read_checkpoint(tmp_path / "plain.pth")
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("unpacked"))
    with pytest.raises(WorkbenchError, match="its archive is packed"):
        read_checkpoint(tmp_path / "packed.pth")


@pytest.mark.parametrize(
    "name", [name for name in nets.NETWORKS if name.endswith("-pocket") and "diffusion" not in name]
)
def test_no_network_is_too_large_for_its_own_weights(name, tmp_path):
    network = nets.build(name)
    save_restorer(tmp_path / "r.safetensors", Restorer.of(network, {"name": name}), provenance={})
    load_restorer(tmp_path / "r.safetensors")


def test_a_card_of_a_far_larger_network_is_refused_before_memory_is_taken(tmp_path):
    save_restorer(
        tmp_path / "r.safetensors", Restorer.of(nets.build("unet-pocket"), {"name": "unet-pocket"}), provenance={}
    )
    card = json.loads((tmp_path / "r.json").read_text())
    card["networks"]["restorer"]["network"]["width"] = 2048
    (tmp_path / "r.json").write_text(json.dumps(card))
    with pytest.raises(WorkbenchError, match="far more weights than the file holds") as caught:
        load_restorer(tmp_path / "r.safetensors")
    assert str(tmp_path / "r.json") in str(caught.value)
