import imagecodecs
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage
from torch import nn

from workbench.errors import WorkbenchError
from workbench.images import read_image, to_float, to_uint, write_png
from workbench.nets.non_local import NonLocalUNet
from workbench.nets.unet import UNet
from workbench.restore import StoppedError, restore_array, restore_file, restore_files
from workbench.restorers import Restorer, passes


def lively(width=6, depth=3, seed=0, unshuffle=1, network=UNet):
    """A U-Net whose residual is as strong as the image: far from the identity, so that no error can hide."""
    torch.manual_seed(seed)
    network = network(width=width, depth=depth, init="kaiming", unshuffle=unshuffle)
    with torch.no_grad():
        network.last.weight.mul_(20)
    return network.eval()


class Invert(nn.Module):
    """A restorer without weights; remembers the sizes it was given."""

    multiple, halo = 4, 3

    def __init__(self):
        super().__init__()
        self.sizes = []

    def forward(self, degraded, window=None):
        self.sizes.append(tuple(degraded.shape[-2:]))
        return 1 - degraded


def picture(height, width, seed=0):
    return np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)


@settings(max_examples=15, deadline=None)
@given(
    height=st.integers(1, 150),
    width=st.integers(1, 150),
    tile=st.integers(1, 160),
    depth=st.integers(1, 4),
    unshuffle=st.integers(1, 3),
    adapted=st.booleans(),
)
def test_tiles_give_what_the_whole_image_gives(height, width, tile, depth, unshuffle, adapted):
    network = lively(width=4, depth=depth, unshuffle=unshuffle)
    restorer = Restorer.of(network, data_range=(-1.0, 1.0) if adapted else (0.0, 1.0))
    image = picture(height, width)
    tile = max(tile, max(height, width) // 4)  # tiny tiles only cost time
    with torch.inference_mode():
        whole = torch.from_numpy(image).permute(2, 0, 1)[None]
        whole = (network(whole * 2 - 1) + 1) / 2 if adapted else network(whole)
    whole = whole[0].permute(1, 2, 0).numpy()
    assert np.abs(restore_array(restorer, image, tile=tile) - whole).max() < 0.1 / 255


@pytest.mark.parametrize("network", [UNet, NonLocalUNet])
def test_tiles_of_a_large_image_give_what_the_whole_image_gives(network):
    """The sampling positions of aligned-corners upsampling drift by half a pixel across the image."""
    network, image = lively(network=network), picture(901, 333)
    whole = restore_array(network, image, tile=1000)
    assert np.abs(restore_array(network, image, tile=96) - whole).max() < 0.1 / 255
    assert np.abs(whole - image).std() > 0.05  # the network does something


@pytest.mark.parametrize(("depth", "unshuffle"), [(1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (3, 2), (2, 3)])
def test_halo_bounds_what_a_pixel_depends_on(depth, unshuffle):
    network = UNet(width=2, depth=depth, slope=1.0, unshuffle=unshuffle).double()
    for parameter in network.parameters():
        nn.init.uniform_(parameter, 0.5, 1.0)  # nothing can cancel
    side, changed = 24 * network.multiple, 10 * network.multiple + 3
    image = torch.zeros(1, 3, side, network.multiple, dtype=torch.float64)
    with torch.inference_mode():
        before = network(image)
        image[:, :, changed] = 1
        rows = (network(image) - before).abs().amax((0, 1, 3)).nonzero().flatten()
    reach = max(changed - int(rows.min()), int(rows.max()) - changed)
    assert network.halo * 0.7 < reach <= network.halo


@settings(deadline=None)
@given(
    side=st.integers(1, 500),
    tile=st.integers(1, 600),
    multiple=st.sampled_from([1, 2, 4, 8]),
    halo=st.integers(0, 80),
)
def test_cuts_cover_the_side_once_with_enough_surroundings(side, tile, multiple, halo):
    parts = passes.cut(side, tile, multiple, halo)
    longest = sum(-(-each // multiple) * multiple for each in (tile, halo, halo))
    assert len(parts) == 1 or side > longest, "a tile that sees all is all"
    assert parts[0].core.start == 0 and parts[-1].core.stop == side
    assert all(one.core.stop == two.core.start for one, two in zip(parts, parts[1:], strict=False))
    for core, around in parts:
        assert core.start < core.stop and around.stop - around.start <= longest
        assert around.start % multiple == 0 and around.start <= max(core.start - halo, 0)
        assert min(core.stop + halo, side) <= around.stop <= side
    padded = {-(-(around.stop - around.start) // multiple) for _, around in parts}
    assert len(padded) == 1  # all tensors are of one size


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("tile", [None, 5])
def test_type_in_is_type_out(dtype, tile):
    image = picture(13, 22)
    if np.dtype(dtype).kind == "u":
        image = to_uint(image, 8 * np.dtype(dtype).itemsize)
        expected = np.iinfo(dtype).max - image
    else:
        image = image.astype(dtype) * 3 - 1  # floating point is not clipped
        expected = (1 - image).astype(np.float32)
    image.flags.writeable = False
    restored = restore_array(Invert(), image, tile)
    assert restored.dtype == expected.dtype
    np.testing.assert_allclose(restored, expected, atol=1e-6)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("options", "data_range"), [({}, (0, 1)), ({"ensemble": 2}, (0, 1)), ({}, (-1, 1))])
def test_integers_give_what_their_floating_point_gives(bits, options, data_range):
    """Bit for bit, whether they become floating point tile by tile or at once."""
    restorer = Restorer.of(UNet(width=4, depth=2), options=options, data_range=data_range)
    image = to_uint(picture(70, 90), bits)
    from_floating = to_uint(restorer.restore(to_float(image), 24), bits)
    np.testing.assert_array_equal(restorer.restore(image, 24), from_floating)


def test_views_are_restored_like_copies():
    image = picture(20, 30)[::-1, ::-2]
    np.testing.assert_array_equal(restore_array(Invert(), image, 8), 1 - image)


def test_integers_are_clipped():
    class Double(Invert):
        def forward(self, degraded, window=None):
            return 4 * degraded - 1

    np.testing.assert_array_equal(restore_array(Double(), np.array([[[10, 100, 200]]], np.uint8)), [[[0, 145, 255]]])


def test_only_large_images_are_tiled(monkeypatch):
    monkeypatch.setattr(passes, "TILE", 16)
    small, large = Invert(), Invert()
    restore_array(small, picture(8, 32))
    assert small.sizes == [(8, 32)]
    restore_array(large, picture(33, 16))
    assert len(large.sizes) == 2 and max(large.sizes) == (24, 16)


def test_the_network_sees_tiles_of_one_size():
    network, sizes = lively(), []
    hook = network.register_forward_pre_hook(lambda _, arguments: sizes.append(arguments[0].shape[-2:]))
    restore_array(network, np.zeros((64, 1000, 3), np.uint8), tile=64)
    hook.remove()
    context = -(-network.halo // network.multiple) * network.multiple
    assert len(sizes) > 10 and len(set(sizes)) == 1
    assert sizes[0][0] == 64 and 64 + context < sizes[0][1] <= 64 + 2 * context


def test_progress_counts_tiles_and_can_stop():
    calls = []
    restore_array(Invert(), picture(8, 28), 8, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]
    network = Invert()
    with pytest.raises(StoppedError):
        restore_array(network, picture(8, 28), 8, progress=lambda done, total: done == 2)
    assert len(network.sizes) == 2
    with pytest.raises(KeyboardInterrupt):
        restore_array(network, picture(8, 28), 8, progress=lambda done, total: exec("raise KeyboardInterrupt"))


def test_the_restorer_is_evaluated_and_left_as_it_was():
    class Dropout(Invert):
        def forward(self, degraded, window=None):
            assert not self.training and not torch.is_grad_enabled()
            return degraded

    network = Dropout().train()
    restore_array(network, picture(4, 4))
    assert network.training
    restore_array(network.eval(), picture(4, 4))
    assert not network.training


def test_wrong_calls():
    with pytest.raises(WorkbenchError, match="tile 0"):
        restore_array(Invert(), picture(4, 4), tile=0)
    for shape in ((4, 4), (4, 4, 4), (0, 4, 3)):
        with pytest.raises(ValueError, match="shape"):
            restore_array(Invert(), np.zeros(shape, np.uint8))


def test_what_is_not_finite_is_no_picture():
    class Diverged(Invert):
        def forward(self, degraded, window=None):
            return degraded * float("nan")

    with pytest.raises(WorkbenchError, match="not finite"):
        restore_array(Diverged(), np.zeros((4, 4, 3), np.uint8))


# Files


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_files_keep_bits_and_alpha(tmp_path, dtype):
    samples = to_uint(np.random.default_rng(0).random((9, 14, 4)), 8 * np.dtype(dtype).itemsize)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(samples))
    restore_file(Invert(), tmp_path / "a.png", tmp_path / "out.png", tile=8)
    image = read_image(tmp_path / "out.png")
    np.testing.assert_array_equal(image.pixels, np.iinfo(dtype).max - samples[..., :3])
    np.testing.assert_array_equal(image.alpha, samples[..., 3])


def test_file_and_array_agree_for_a_network(tmp_path):
    network, pixels = lively(), to_uint(picture(40, 33), 16)
    write_png(tmp_path / "a.png", pixels)
    restore_file(network, tmp_path / "a.png", tmp_path / "b.png")
    expected = to_uint(restore_array(network, to_float(pixels)), 16)
    np.testing.assert_array_equal(read_image(tmp_path / "b.png").pixels, expected)


def save(path, value, size=(6, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.new("L", size, value).save(path)
    return path


def test_equal_stems_do_not_overwrite_each_other(tmp_path):
    inputs = [save(tmp_path / name, value) for value, name in enumerate(("a/x.png", "b/X.png", "b/x.bmp", "b/x-2.png"))]
    out, finished = tmp_path / "new" / "out", []
    assert restore_files(Invert(), inputs, out, done=lambda *pair: finished.append(pair)) == []
    assert [path for path, _ in finished] == inputs
    values = {path.name: int(read_image(path).pixels[0, 0, 0]) for path in out.iterdir()}
    assert values == {"x.png": 255, "X-2.png": 254, "x-3.png": 253, "x-2-2.png": 252}


def test_folders_and_files_that_fail(tmp_path):
    good, deep = save(tmp_path / "in" / "good.jpg", 9), save(tmp_path / "in" / "deep" / "deep.tif", 9)
    broken = tmp_path / "in" / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "in" / "notes.txt").write_text("no image")
    (tmp_path / "none").mkdir()
    out = tmp_path / "out"
    failed = restore_files(Invert(), [tmp_path / "in", good, tmp_path / "none", tmp_path / "missing.png"], out)
    reasons = {failure["name"]: failure["reason"] for failure in failed}
    assert set(reasons) == {str(broken), str(tmp_path / "none"), str(tmp_path / "missing.png")}
    assert reasons[str(tmp_path / "none")] == "no images in this folder"
    assert reasons[str(tmp_path / "missing.png")] == "cannot be read (No such file or directory)"
    assert sorted(path.name for path in out.iterdir()) == [f"{deep.stem}.png", f"{good.stem}.png"]


def test_an_input_is_never_overwritten(tmp_path):
    path = save(tmp_path / "a.png", 7)
    other = save(tmp_path / "b.bmp", 7)
    failed = restore_files(Invert(), [path, other], tmp_path)
    assert [failure["name"] for failure in failed] == [str(path)] and "overwrite" in failed[0]["reason"]
    assert read_image(path).pixels[0, 0, 0] == 7 and read_image(tmp_path / "b.png").pixels[0, 0, 0] == 248


def test_an_output_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WorkbenchError, match="file: cannot be written"):
        restore_files(Invert(), [], tmp_path / "file")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_gpu_agrees_with_the_cpu():
    network, image = lively(), picture(200, 170)
    expected = restore_array(network, image)
    restored = restore_array(network, image, tile=64, device="cuda")
    assert np.abs(restored - expected).max() < 1 / 255
