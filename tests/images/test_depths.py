"""Pictures of more than 8 bits are read with all of them, whatever the format, or refused."""

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage

from workbench.errors import WorkbenchError
from workbench.images import read_image, write_png
from workbench.images.png import chunk


def noise(bits, *shape):
    return np.random.default_rng(bits).integers(0, 1 << bits, shape).astype(np.uint16 if bits > 8 else np.uint8)


def samples(path):
    """The file's samples with its own white at 1."""
    image = read_image(path)
    together = image.pixels if image.alpha is None else np.dstack([image.pixels, image.alpha])
    return together / np.iinfo(together.dtype).max


def check(path, written, bits):
    if written.ndim == 2:
        written = written[..., None]
    if written.shape[2] < 3:
        written = np.concatenate([written[..., :1]] * 3 + [written[..., 1:]], axis=2)
    assert read_image(path).bits == (8 if bits <= 8 else 16)
    np.testing.assert_allclose(samples(path), written / ((1 << bits) - 1), atol=0.51 / (255 if bits <= 8 else 65535))


@pytest.mark.parametrize("shape", [(16, 20), (16, 20, 2), (16, 20, 3), (16, 20, 4)])
@pytest.mark.parametrize("bits", [4, 8, 10, 12, 16])
def test_jpeg2000_of_any_depth(tmp_path, bits, shape):
    written = noise(bits, *shape)
    encoded = imagecodecs.jpeg2k_encode(written, level=0, bitspersample=bits, codecformat="jp2")
    (tmp_path / "a").write_bytes(encoded)
    check(tmp_path / "a", written, bits)


def test_jpeg2000_of_luminance_and_chroma_is_refused(tmp_path):
    encoded = imagecodecs.jpeg2k_encode(noise(12, 16, 20, 3), level=0, bitspersample=12, codecformat="jp2")
    box = encoded.index(b"colr") + 4
    (tmp_path / "a.jp2").write_bytes(encoded[:box] + b"\1\0\0\0\0\0\x12" + encoded[box + 7 :])
    with pytest.raises(WorkbenchError, match="a.jp2: JPEG 2000 of this kind is not read"):
        read_image(tmp_path / "a.jp2")


@pytest.mark.parametrize("shape", [(16, 20), (16, 20, 3), (16, 20, 4)])
@pytest.mark.parametrize("bits", [8, 10, 12])
def test_avif_of_any_depth(tmp_path, bits, shape):
    written = noise(bits, *shape)
    (tmp_path / "a").write_bytes(imagecodecs.avif_encode(written, level=100, bitspersample=bits))
    check(tmp_path / "a", written, bits)


@pytest.mark.parametrize("highest", [255, 1023, 4095, 65535])
def test_ppm_of_any_depth(tmp_path, highest):
    bits = highest.bit_length()
    written = noise(bits, 5, 7, 3)
    path = tmp_path / "a"
    path.write_bytes(b"P6\n# a remark\n7 5\n%d\n" % highest + written.astype(">u2" if bits > 8 else "u1").tobytes())
    check(path, written, bits)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WorkbenchError, match="damaged or cut short"):
        read_image(path)


def test_ppm_as_text_of_more_than_8_bits_is_refused(tmp_path):
    (tmp_path / "a.ppm").write_text("P3\n1 1\n1023\n1 2 1023\n")
    with pytest.raises(WorkbenchError, match=r"a\.ppm: PPM as text"):
        read_image(tmp_path / "a.ppm")


def packed_tiff(path, written, bits, **options):
    """A TIFF file of samples that share bytes, which tifffile writes for itself only if they are compressed."""
    tifffile.imwrite(path, written, **options)
    data = imagecodecs.packints_encode(written.reshape(-1), bits)
    with tifffile.TiffFile(path, mode="r+") as file:
        page = file.pages.first
        begin = page.dataoffsets[0]
        page.tags[258].overwrite(bits if written.ndim == 2 else (bits,) * written.shape[2])
        page.tags[279].overwrite(len(data))
        file.filehandle.seek(begin)
        file.filehandle.write(data)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_tiff_of_any_depth(tmp_path, bits):
    grey, colour = noise(bits, 6, 8), noise(bits, 6, 8, 3)
    packed_tiff(tmp_path / "a", grey, bits, photometric="minisblack")
    check(tmp_path / "a", grey, bits)
    packed_tiff(tmp_path / "a", (1 << bits) - 1 - grey, bits, photometric="miniswhite")
    check(tmp_path / "a", grey, bits)
    packed_tiff(tmp_path / "a", colour, bits, photometric="rgb")
    check(tmp_path / "a", colour, bits)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "packbits", "tiff_adobe_deflate", "jpeg", "group4"])
def test_tiff_as_pillow_reads_it(tmp_path, compression):
    colour = np.kron(noise(8, 8, 8, 3), np.ones((8, 8, 1), np.uint8))
    modes = {None: ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK"), "jpeg": ("L", "RGB", "CMYK"), "group4": ("1",)}
    for mode in modes.get(compression, (*modes[None], "YCbCr")):
        plain = PillowImage.fromarray(colour)
        (plain.convert("P").convert("PA") if mode == "PA" else plain.convert(mode)).save(
            tmp_path / "a.tif", compression=compression
        )
        with PillowImage.open(tmp_path / "a.tif") as other:
            expected = np.asarray(other.convert("RGBA" if other.has_transparency_data else "RGB"))
        assert samples(tmp_path / "a.tif").shape == expected.shape, mode
        np.testing.assert_allclose(
            np.rint(samples(tmp_path / "a.tif") * 255), expected, atol=1.01 * (mode == "YCbCr"), err_msg=mode
        )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colour_that_opacity_was_multiplied_into_is_divided(tmp_path, dtype):
    top = np.iinfo(dtype).max
    alpha = np.array([[0, top // 5, top // 2, top]], dtype)
    colour = np.array([[[top, top // 2, 0]]], dtype).repeat(4, axis=1)
    multiplied = np.rint(colour * (alpha[..., None] / top)).astype(dtype)
    tifffile.imwrite(
        tmp_path / "a", np.dstack([multiplied, alpha]), photometric="rgb", extrasamples=["assocalpha"]
    )  # fmt: skip
    image = read_image(tmp_path / "a")
    np.testing.assert_array_equal(image.alpha, alpha)
    np.testing.assert_allclose(image.pixels[:, 1:], colour[:, 1:], atol=3)


def test_a_further_sample_that_is_no_opacity_is_left_out(tmp_path):
    written = noise(16, 6, 8, 4)
    tifffile.imwrite(tmp_path / "a", written, photometric="rgb", extrasamples=["unspecified"])
    image = read_image(tmp_path / "a")
    assert image.alpha is None
    np.testing.assert_array_equal(image.pixels, written[..., :3])


@pytest.mark.parametrize("dtype", [np.int8, np.int16])
def test_signed_numbers_are_refused(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((4, 4), dtype), photometric="minisblack")
    with pytest.raises(WorkbenchError, match=r"a\.tif: holds signed numbers"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_large_colour_profile_is_read_without_a_word(tmp_path, dtype, capfd):
    profile = bytearray(np.random.default_rng(0).bytes(3_000_000))
    profile[16:20] = b"RGB "
    write_png(tmp_path / "a.png", np.zeros((4, 4, 3), dtype), icc_profile=bytes(profile))
    assert read_image(tmp_path / "a.png").icc_profile == profile
    assert capfd.readouterr() == ("", "")


def test_a_transparent_colour_of_16_bits_becomes_opacity(tmp_path):
    encoded = imagecodecs.png_encode(np.arange(27, dtype=np.uint16).reshape(3, 3, 3) * 999)
    begin = encoded.index(b"IDAT") - 4
    first = b"\x00\x00\x03\xe7\x07\xce"
    (tmp_path / "a.png").write_bytes(encoded[:begin] + chunk(b"tRNS", first) + encoded[begin:])
    alpha = read_image(tmp_path / "a.png").alpha
    assert alpha[0, 0] == 0 and (alpha.reshape(-1)[1:] == 65535).all()
