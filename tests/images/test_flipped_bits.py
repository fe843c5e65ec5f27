"""Flipped bits of picture files are noticed where the format has a checksum."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage

from workbench.errors import WorkbenchError
from workbench.images import read_image


def flips(data, places):
    """Copies of a file, each with a bit flipped at one of the places (in bits)."""
    for place in places:
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        yield place, flipped


def small_png(mode):
    shape = (3, 3) if mode == "L" else (3, 3, len(mode))
    buffer = io.BytesIO()
    PillowImage.fromarray(np.random.default_rng(0).integers(0, 255, shape, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["LA", "RGB"])
def test_every_flipped_bit_of_a_png_is_noticed(tmp_path, mode):
    data = small_png(mode)
    for place, flipped in flips(data, range(0 if mode == "LA" else 1, len(data) * 8, 1 if mode == "LA" else 5)):
        (tmp_path / "a.png").write_bytes(flipped)
        with pytest.raises(WorkbenchError, match=r"a\.png: "):
            read_image(tmp_path / "a.png")
            pytest.fail(f"bit {place}")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_flipped_bit_of_deflated_tiff_samples_is_noticed(tmp_path, dtype):
    written = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (9, 9, 3), dtype)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, written, photometric="rgb", compression="zlib", rowsperstrip=3)
    np.testing.assert_array_equal(read_image(path).pixels, written)
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        parts = [range(8 * begin, 8 * (begin + count)) for begin, count in
                 zip(page.dataoffsets, page.databytecounts, strict=True)]  # fmt: skip
    assert len(parts) == 3
    data = path.read_bytes()
    unnoticed = 0
    for _, flipped in flips(data, [place for part in parts for place in part[:: 1 if dtype == np.uint8 else 7]]):
        path.write_bytes(flipped)
        try:
            # The header of a stream tells its speed too, which changes no sample
            unnoticed += not np.array_equal(read_image(path).pixels, written)
        except WorkbenchError:
            continue
    assert unnoticed == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_part_that_a_tiff_lacks_is_noticed(tmp_path, dtype):
    """Decoders put zeros there."""
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.ones((9, 9, 3), dtype), photometric="rgb", compression="zlib", rowsperstrip=3)
    for tag in (273, 279):
        data = path.read_bytes()
        with tifffile.TiffFile(path, mode="r+") as file:
            values = file.pages.first.tags[tag].value
            file.pages.first.tags[tag].overwrite((values[0], 0, values[2]))
        with pytest.raises(WorkbenchError, match="damaged or cut short"):
            read_image(path)
        path.write_bytes(data)


KINDS = {
    "PNG": {}, "JPEG": {}, "WEBP": {}, "AVIF": {}, "BMP": {}, "PPM": {}, "JPEG2000": {}, "TIFF": {},
    "TIFF-lzw": {"compression": "tiff_lzw"}, "TIFF-jpeg": {"compression": "jpeg"},
    "TIFF-zip": {"compression": "tiff_adobe_deflate"},
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_cut_files_are_noticed_without_a_word(tmp_path, kind, capfd, recwarn):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    PillowImage.fromarray(pixels).save(buffer, kind.partition("-")[0], **KINDS[kind])
    for length in np.linspace(5, len(buffer.getvalue()) - 12, 10).astype(int):
        (tmp_path / "a").write_bytes(buffer.getvalue()[:length])
        with pytest.raises(WorkbenchError):
            read_image(tmp_path / "a")
    assert capfd.readouterr() == ("", "") and not recwarn
