import io
import itertools
import os
import stat
import subprocess
import sys

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as PillowImage
from PIL import ImageCms, ImageOps

from workbench.errors import WorkbenchError
from workbench.images import list_images, read_image, to_float, to_uint, write_png
from workbench.images.png import chunk


def noise(*shape, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def test_importing_needs_no_torch():
    code = "import sys, workbench.images; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@settings(deadline=None)
@given(
    pixels=hnp.arrays(
        st.sampled_from([np.uint8, np.uint16]), st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))
    ),
    with_alpha=st.booleans(),
)
def test_png_round_trip(tmp_path_factory, pixels, with_alpha):
    path = tmp_path_factory.mktemp("png") / "a.png"
    alpha = pixels[..., 0] if with_alpha else None
    write_png(path, pixels, alpha)
    image = read_image(path)
    assert image.pixels.dtype == pixels.dtype and image.bits == 8 * pixels.itemsize
    np.testing.assert_array_equal(image.pixels, pixels)
    if with_alpha:
        np.testing.assert_array_equal(image.alpha, alpha)
    else:
        assert image.alpha is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_integer_survives_the_float_round_trip(dtype):
    values = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)
    floats = to_float(values)
    assert floats.dtype == np.float32 and floats[0] == 0 and floats[-1] == 1
    np.testing.assert_array_equal(to_uint(floats, 8 * values.itemsize), values)


def test_to_uint_clips_and_rounds_to_the_nearest():
    values = np.array([-1, -0.1 / 255, 0.49 / 255, 0.51 / 255, 1.6 / 255, 254.4 / 255, 254.6 / 255, 1, 7], np.float32)
    np.testing.assert_array_equal(to_uint(values), [0, 0, 0, 1, 2, 254, 255, 255, 255])
    np.testing.assert_array_equal(to_uint(np.array([0.5]), 16), [32768])
    with pytest.raises(TypeError):
        to_uint(np.array([1]))


def test_to_float_does_not_copy_float32():
    values = np.zeros((2, 2, 3), np.float32)
    assert to_float(values) is values
    with pytest.raises(TypeError):
        to_float(np.zeros(3, np.int64))


@pytest.mark.parametrize(
    ("kind", "channels", "dtype"),
    [
        *itertools.product(["png", "tiff", "tiff-lzw"], [1, 2, 3, 4], [np.uint8, np.uint16]),
        *itertools.product(["tiff-planes"], [3, 4], [np.uint16]),
    ],
)
def test_grey_colour_and_alpha_at_both_depths(tmp_path, kind, channels, dtype):
    samples = noise(12, 17, channels, dtype=dtype)
    path = tmp_path / "a.image"  # the content decides, not the suffix
    if kind == "png":
        path.write_bytes(imagecodecs.png_encode(samples.squeeze()))
    else:
        data = np.moveaxis(samples, -1, 0) if kind == "tiff-planes" else samples.squeeze()
        tifffile.imwrite(
            path,
            data,
            photometric="rgb" if channels >= 3 else "minisblack",
            extrasamples=["unassalpha"] if channels in (2, 4) else None,
            planarconfig="separate" if kind == "tiff-planes" else "contig" if channels > 1 else None,
            compression="lzw" if kind == "tiff-lzw" else None,
        )
    image = read_image(path)
    colour = samples[..., :3] if channels >= 3 else samples[..., [0, 0, 0]]
    assert image.pixels.dtype == dtype
    np.testing.assert_array_equal(image.pixels, colour)
    assert (image.alpha is None) == (channels in (1, 3))
    if channels in (2, 4):
        np.testing.assert_array_equal(image.alpha, samples[..., -1])


def test_white_is_zero_tiff(tmp_path):
    samples = noise(8, 9, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels[..., 1], 65535 - samples)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LA", "RGBA"])
def test_modes_become_rgb(tmp_path, mode):
    source = PillowImage.fromarray(np.full((6, 5, 3), 255, np.uint8)).convert(mode)
    suffix = "jpg" if mode == "CMYK" else "png"
    source.save(tmp_path / f"a.{suffix}")
    image = read_image(tmp_path / f"a.{suffix}")
    assert image.pixels.shape == (6, 5, 3) and image.pixels.dtype == np.uint8
    assert image.pixels.min() >= 254
    assert (image.alpha is not None) == mode.endswith("A")


def test_palette_transparency_becomes_alpha(tmp_path):
    source = PillowImage.fromarray(np.array([[0, 1]], np.uint8))
    source.putpalette([10, 20, 30, 40, 50, 60])
    source.save(tmp_path / "a.png", transparency=1)
    image = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(image.pixels, [[[10, 20, 30], [40, 50, 60]]])
    np.testing.assert_array_equal(image.alpha, [[255, 0]])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["png8", "png16", "tiff8", "tiff16", "jpeg"])
def test_orientation_is_undone(tmp_path, orientation, kind):
    pixels = np.kron(noise(2, 3, 3), np.ones((16, 16, 1), np.uint8))
    exif = PillowImage.Exif()
    exif[274] = orientation
    plain = PillowImage.fromarray(pixels)
    path = tmp_path / "a"
    if kind == "tiff16":
        tag = (274, "H", 1, orientation, True)
        tifffile.imwrite(path, pixels.astype(np.uint16) * 257, photometric="rgb", extratags=[tag])
    elif kind == "png16":
        encoded = imagecodecs.png_encode(pixels.astype(np.uint16) * 257)
        path.write_bytes(encoded[:33] + chunk(b"eXIf", exif.tobytes()[6:]) + encoded[33:])
    else:
        kwargs = {"quality": 100, "subsampling": 0} if kind == "jpeg" else {}
        plain.save(path, format=kind.strip("816").upper(), exif=exif, **kwargs)

    buffer = io.BytesIO()
    plain.save(buffer, format="PNG", exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(PillowImage.open(buffer)))
    image = read_image(path)
    values = image.pixels if image.bits == 8 else image.pixels / 257
    assert image.pixels.flags.c_contiguous
    np.testing.assert_allclose(values, expected, atol=3 if kind == "jpeg" else 0)


def test_first_frame_of_an_animation(tmp_path):
    frames = [PillowImage.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    for suffix in ("gif", "webp", "png", "tif"):
        path = tmp_path / f"a.{suffix}"
        options = {"lossless": True} if suffix == "webp" else {}
        frames[0].save(path, save_all=True, append_images=frames[1:], **options)
        np.testing.assert_array_equal(read_image(path).pixels, np.full((4, 4, 3), [255, 0, 0]), err_msg=suffix)


def test_colour_profile_is_kept_for_rgb_only(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    PillowImage.new("RGB", (4, 4)).save(tmp_path / "rgb.jpg", icc_profile=profile)
    image = read_image(tmp_path / "rgb.jpg")
    assert image.icc_profile == profile
    PillowImage.new("L", (4, 4)).save(tmp_path / "grey.png", icc_profile=profile[:16] + b"GRAY" + profile[20:])
    assert read_image(tmp_path / "grey.png").icc_profile is None
    for bits in (8, 16):
        pixels = noise(5, 6, 3, dtype={8: np.uint8, 16: np.uint16}[bits])
        write_png(tmp_path / "out.png", pixels, icc_profile=profile)
        again = read_image(tmp_path / "out.png")
        assert again.icc_profile == profile
        np.testing.assert_array_equal(again.pixels, pixels)
        PillowImage.open(tmp_path / "out.png").load()  # checks the chunks' checksums


def damaged_files():
    photo = noise(64, 64, 3)
    jpeg, png, tiff, webp = io.BytesIO(), io.BytesIO(), io.BytesIO(), io.BytesIO()
    for buffer, kind in ((jpeg, "JPEG"), (png, "PNG"), (webp, "WEBP")):
        PillowImage.fromarray(photo).save(buffer, format=kind)
    tifffile.imwrite(tiff, photo.astype(np.uint16), photometric="rgb")
    png16 = imagecodecs.png_encode(photo.astype(np.uint16))
    flipped = bytearray(png16)
    flipped[len(flipped) // 2] ^= 255
    yield "empty", b""
    yield "text", b"These are not pixels."
    yield "zip", b"PK\x03\x04" + bytes(60)
    yield "png16 flipped", bytes(flipped)
    for name, data in {
        "jpeg": jpeg.getvalue(),
        "png": png.getvalue(),
        "webp": webp.getvalue(),
        "tiff16": tiff.getvalue(),
        "png16": png16,
    }.items():
        for keep in (9, 30, len(data) // 2):
            yield f"{name} cut at {keep}", data[:keep]


@pytest.mark.parametrize(("name", "data"), [pytest.param(*case, id=case[0]) for case in damaged_files()])
def test_damaged_files_are_refused_by_name(tmp_path, name, data):
    path = tmp_path / "bad.png"
    path.write_bytes(data)
    with pytest.raises(WorkbenchError) as caught:
        read_image(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_no_file_is_refused_by_name(tmp_path):
    for path in (tmp_path / "missing.png", tmp_path):
        with pytest.raises(WorkbenchError, match="cannot be read"):
            read_image(path)


@pytest.mark.parametrize("kind", ["png8", "png16", "tiff16"])
def test_too_many_pixels_are_refused_before_decoding(tmp_path, monkeypatch, recwarn, kind):
    monkeypatch.setattr("workbench.images.samples.MAX_PIXELS", 99)
    path = tmp_path / "a"
    pixels = noise(10, 10, 3).astype(np.uint8 if kind == "png8" else np.uint16)
    if kind == "tiff16":
        tifffile.imwrite(path, pixels, photometric="rgb")
    else:
        path.write_bytes(imagecodecs.png_encode(pixels))
    monkeypatch.setattr(imagecodecs, "png_decode", None)
    monkeypatch.setattr(PillowImage.Image, "load", None)
    with pytest.raises(WorkbenchError, match="million pixels"):
        read_image(path)
    assert not recwarn


def test_a_real_bomb_is_refused(tmp_path, recwarn):
    for side in (20_000, 60_000):  # above this module's limit, and above the one at which Pillow itself gives up
        header = chunk(b"IHDR", side.to_bytes(4) * 2 + b"\x08\x02\0\0\0")
        (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b""))
        with pytest.raises(WorkbenchError, match="bomb.png: more than 300 million pixels"):
            read_image(tmp_path / "bomb.png")
    assert not recwarn


def test_floating_point_images_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((4, 4), np.float32))
    with pytest.raises(WorkbenchError, match="8 or 16 bits"):
        read_image(tmp_path / "a.tif")


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    write_png(path, noise(4, 4, 3))
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(WorkbenchError, match="a.png.*No space left"):
        write_png(path, noise(4, 4, 3, seed=1))
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.png"]
    with pytest.raises(WorkbenchError, match="missing"):
        write_png(tmp_path / "missing" / "a.png", noise(4, 4, 3))


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_written_files_have_ordinary_permissions(tmp_path):
    (tmp_path / "plain").touch()
    write_png(tmp_path / "a.png", noise(4, 4, 3))
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_list_images(tmp_path):
    for name in ("b.PNG", "a.jpg", "notes.txt", ".hidden.png", "sub/c.tiff", ".cache/d.png", "sub/deep/e.webp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    names = [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)]
    assert names == ["a.jpg", "b.PNG", "sub/c.tiff", "sub/deep/e.webp"]
    assert [path.name for path in list_images(tmp_path, recursive=False)] == ["a.jpg", "b.PNG"]
    with pytest.raises(WorkbenchError, match="nowhere: no such folder"):
        list_images(tmp_path / "nowhere")
