"""Odd files made from a fixed seed: each is read or refused in a line, soon, and without a word on stderr.

``make test`` tries a few, ``make fuzz`` some thousands (`TRIES` of each kind).
"""

import io
import os
import random
import tarfile
import time
import zipfile

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
import yaml
from PIL import Image as PillowImage

from data_tools.unpack import unpack
from workbench import nets
from workbench.errors import WorkbenchError
from workbench.images import Image, read_image
from workbench.nets.official import read_checkpoint
from workbench.recipes import Recipe, load_recipe, save_recipe
from workbench.restorers import Restorer, load_restorer, save_restorer
from workbench.runs.folder import list_runs
from workbench.runs.measurements import find_measurements
from workbench.runs.states import Watcher

TRIES = int(os.environ.get("WORKBENCH_FUZZ", "25"))
SLOWEST = 20.0
"""Seconds of the processor for one file, on any machine."""


def spoiled(data: bytes, rng: random.Random) -> bytes:
    """A file with something wrong: bits, bytes, its length, or a part of it twice, elsewhere or left out."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 3, 10))):
        place, length = rng.randrange(len(data) + 1), rng.choice((1, 2, 4, 8, 64))
        match rng.randrange(7):
            case 0 if place < len(data):
                data[place] ^= 1 << rng.randrange(8)
            case 1:
                data[place : place + length] = rng.randbytes(length)
            case 2:
                data[place : place + length] = rng.choice((b"\0", b"\xff", b"\x7f", b"\x80")) * length
            case 3:
                del data[place:]
            case 4:
                del data[place : place + length]
            case 5:
                data[place:place] = data[rng.randrange(len(data) + 1) :][:length]
            case 6:
                data += rng.randbytes(length)
        if not data:
            break
    return bytes(data)


def each(path, originals, tries=TRIES, seed=0):
    """Spoiled copies, each written to ``path``: (number, kind)."""
    rng = random.Random(seed)
    kinds = sorted(originals)
    for number in range(tries):
        kind = kinds[number % len(kinds)]
        path.write_bytes(spoiled(originals[kind], rng))
        began = time.process_time()
        yield f"try {number}, {kind}"
        assert time.process_time() - began < SLOWEST, f"try {number}, {kind}"


def refused(error, path):
    """One short line that names the file."""
    text = str(error)
    assert str(path) in text and "\n" not in text and len(text) < 2000
    return True


def pictures() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    colour = np.kron(rng.integers(0, 255, (5, 6, 3), np.uint8), np.ones((4, 4, 1), np.uint8))
    deep, made = colour.astype(np.uint16) * 257, {}
    for kind, mode, options in (
        ("PNG", "RGB", {}), ("PNG", "P", {}), ("PNG", "LA", {}), ("PNG", "1", {}), ("JPEG", "RGB", {}),
        ("JPEG", "CMYK", {}), ("JPEG", "L", {"progressive": True}), ("WEBP", "RGBA", {"lossless": True}),
        ("WEBP", "RGB", {}), ("AVIF", "RGBA", {}), ("BMP", "RGB", {}), ("BMP", "P", {}), ("GIF", "P", {}),
        ("PPM", "RGB", {}), ("JPEG2000", "RGB", {}), ("TIFF", "RGBA", {}), ("TIFF", "P", {"compression": "tiff_lzw"}),
        ("TIFF", "RGB", {"compression": "jpeg"}), ("TIFF", "1", {"compression": "group4"}),
        ("TIFF", "CMYK", {"compression": "packbits"}), ("TIFF", "RGB", {"compression": "tiff_adobe_deflate"}),
    ):  # fmt: skip
        buffer = io.BytesIO()
        PillowImage.fromarray(colour).convert(mode).save(buffer, kind, **options)
        made[f"{kind} {mode} {options}"] = buffer.getvalue()
    made["PNG 16"] = imagecodecs.png_encode(deep)
    made["JPEG 2000 12"] = imagecodecs.jpeg2k_encode(deep >> 4, level=0, bitspersample=12, codecformat="jp2")
    made["AVIF 10"] = imagecodecs.avif_encode(deep >> 6, level=90, bitspersample=10)
    made["PPM 16"] = b"P6\n24 20\n65535\n" + deep.astype(">u2").tobytes()
    for name, options in {"TIFF 16": {}, "TIFF 16 tiles": {"tile": (16, 16), "compression": "zlib"}}.items():
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, deep, photometric="rgb", **options)
        made[name] = buffer.getvalue()
    return made


def test_pictures(tmp_path, capfd, recwarn):
    path = tmp_path / "picture"
    for name in each(path, pictures()):
        try:
            image = read_image(path)
        except WorkbenchError as error:
            assert refused(error, path), name
            continue
        assert isinstance(image, Image) and image.pixels.ndim == 3 and image.pixels.shape[2] == 3, name
    assert capfd.readouterr() == ("", "")


NETWORK = {"name": "unet-s", "width": 2, "depth": 2}


def test_weights(tmp_path):
    save_restorer(tmp_path / "r.safetensors", Restorer.of(nets.build(**NETWORK), NETWORK), provenance={})
    whole = {name: (tmp_path / name).read_bytes() for name in ("r.safetensors", "r.json")}
    unsummed = whole["r.json"].replace(b'"sha256": "', b'"sha256": null, "was": "')
    for spoil in whole:
        for card in ("r.json", "unsummed") if spoil == "r.safetensors" else ("r.json",):
            for name in each(tmp_path / spoil, {spoil: whole[spoil]}):
                if spoil == "r.safetensors":
                    (tmp_path / "r.json").write_bytes(unsummed if card == "unsummed" else whole["r.json"])
                try:
                    load_restorer(tmp_path / "r.safetensors")
                except WorkbenchError as error:
                    assert refused(error, tmp_path), name
                    continue
                assert spoil == "r.json" or card == "unsummed" or (tmp_path / spoil).read_bytes() == whole[spoil], name
        (tmp_path / spoil).write_bytes(whole[spoil])


def test_imported_files(tmp_path):
    path = tmp_path / "a.pth"
    state = {"RestorationNet.down_path.0.block.0.weight": torch.linspace(0, 1, 108).view(4, 3, 3, 3)}
    originals = {}
    for name, zipped in (("zip", True), ("old", False)):
        buffer = io.BytesIO()
        torch.save(state, buffer, _use_new_zipfile_serialization=zipped)
        originals[name] = buffer.getvalue()
    for name in each(path, originals):
        try:
            read = read_checkpoint(path)
        except WorkbenchError as error:
            assert refused(error, path), name
            continue
        assert all(isinstance(value, torch.Tensor) for value in read.values()), name


VALUES = (
    None,
    True,
    0,
    -1,
    10**30,
    float("nan"),
    float("inf"),
    "",
    "x" * 300,
    "../x",
    [],
    {},
    [[]],
    {"a": None},
    "a\nb",
)


def test_recipes(tmp_path):
    path = tmp_path / "recipe.yaml"
    save_recipe(load_recipe("denoise-pocket"), path)
    text, rng = path.read_bytes(), random.Random(1)
    keys = [(section, key) for section, part in yaml.safe_load(text).items() if isinstance(part, dict) for key in part]
    for name in each(path, {"recipe": text}):
        if rng.random() < 0.5:  # valid YAML of odd values
            tree, (section, key) = yaml.safe_load(text), rng.choice(keys)
            tree[section][key] = rng.choice(VALUES)
            path.write_text(yaml.safe_dump(tree))
        try:
            assert isinstance(load_recipe(path), Recipe), name
        except WorkbenchError as error:
            assert refused(error, path.name), name


def archives() -> dict[str, bytes]:
    made = {}
    for kind in ("zip", "tar", "tar.gz", "tar.xz"):
        buffer = io.BytesIO()
        content = np.random.default_rng(0).bytes(700) + bytes(700)
        if kind == "zip":
            with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
                for name in ("a/b.png", "a/c.txt"):
                    archive.writestr(name, content)
        else:
            with tarfile.open(fileobj=buffer, mode=f"w:{kind[4:]}") as archive:
                for name in ("a/b.png", "a/c.txt"):
                    member = tarfile.TarInfo(name)
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
        made[kind] = buffer.getvalue()
    return made


def test_archives(tmp_path):
    path, folder = tmp_path / "archive", tmp_path / "there" / "folder"
    for name in each(path, archives()):
        try:
            unpack(path, folder, progress=False)
        except WorkbenchError as error:
            assert refused(error, path) if "needs" not in str(error) else True, name
        outside = {each for each in tmp_path.rglob("*") if not each.is_relative_to(folder)}
        assert outside == {path, folder.parent}, name


def test_run_folders(tmp_path):
    for name in ("good", "odd"):
        (tmp_path / name / "evaluations").mkdir(parents=True)
        save_recipe(load_recipe("denoise-pocket"), tmp_path / name / "recipe.yaml")
        (tmp_path / name / "summary.json").write_text('{"status": "finished", "steps": 3, "validation": {"a": 1.5}}')
        (tmp_path / name / "process.json").write_text('{"pid": 1, "created": 1.0, "host": "x", "total_steps": 3}')
        (tmp_path / name / "evaluations" / "a-rgb.json").write_text('{"format": 1, "data": {}, "report": {}}')
    for file in ("recipe.yaml", "summary.json", "process.json", "evaluations/a-rgb.json"):
        path = tmp_path / "odd" / file
        whole = path.read_bytes()
        for name in each(path, {file: whole}, tries=max(5, TRIES // 4)):
            assert [run.name for run in list_runs(tmp_path)] == ["good", "odd"], name
            assert {state.name: state.status for state in Watcher(tmp_path).states()}["good"] == "finished", name
            failed = find_measurements(tmp_path).failed
            assert str(tmp_path / "good" / "evaluations" / "a-rgb.json") in {each["name"] for each in failed}, name
        path.write_bytes(whole)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_seed_makes_the_same_files(seed):
    data = bytes(range(256))
    assert spoiled(data, random.Random(seed)) == spoiled(data, random.Random(seed)) != data
