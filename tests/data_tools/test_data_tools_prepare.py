import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import scipy.io
from filelock import FileLock
from support.data_layouts import ORIGINALS, images, matlab73, pairs, sidd_blocks, write
from support.prepared import assert_made, content, leftovers

import data_tools.prepare
from data_tools.catalogue import CATALOGUE, find, folders, is_present, missing
from data_tools.layouts import Template
from data_tools.prepare import prepare
from workbench.data.folders import read_prepared
from workbench.errors import WorkbenchError
from workbench.images import list_images, read_image, write_png


def test_every_entry_has_a_miniature():
    assert ORIGINALS.keys() == CATALOGUE.keys()


@pytest.mark.parametrize("name", [name for name in ORIGINALS if name != "brainweb"])
def test_original_layouts(name, root, tmp_path):
    original = tmp_path / "original"
    original.mkdir()
    expected = ORIGINALS[name](original)
    before = sorted(path for path in original.rglob("*"))
    outcome = prepare(name, root, original)
    assert_made(root, name, expected)
    # The only thing wrong with a miniature is its number
    for part in outcome.parts:
        assert part.count == len(expected[part.name])
        assert [problem for problem in part.problems if "published" not in problem] == []
    assert missing([name], root) == []
    assert leftovers(root) == []
    assert sorted(path for path in original.rglob("*")) == before


def test_volumes_become_slices_of_16_bits(root, tmp_path):
    original = tmp_path / "original"
    original.mkdir()
    expected = ORIGINALS["brainweb"](original)
    outcome = prepare("brainweb", root, original)
    assert outcome.ok
    made = {part: list_images(root / "brainweb" / part / "images") for part in expected}
    assert {part: [path.name for path in paths] for part, paths in made.items()} == expected
    slices = [read_image(path).pixels for path in made["train"]]
    assert {pixels.dtype for pixels in slices} == {np.dtype(np.uint16)}
    assert [int(pixels.max()) for pixels in slices] == [32768] * 4 + [65535] + [32768] * 4 + [65535]
    assert slices[0].shape == (4, 5, 3)


def test_a_picture_of_two_halves_has_an_even_width(root, tmp_path):
    expected = ORIGINALS["edges2shoes"](tmp_path / "original")
    write(tmp_path / "original/edges2shoes/val/3_AB.png", 3, size=(13, 8))
    outcome = prepare("edges2shoes/test", root, tmp_path / "original")
    assert_made(root, "edges2shoes", {"test": expected["test"]})
    [problem] = [each for part in outcome.parts for each in part.problems if "published" not in each]
    assert "3_AB.png: 13 pixels wide" in problem and not outcome.ok


def test_files_keep_their_bytes_and_are_not_copied(root, tmp_path):
    write(tmp_path / "Kodak24/kodim01.png", 1)
    prepare("kodak24", root, tmp_path / "Kodak24")
    made, original = root / "kodak24/images/kodim01.png", tmp_path / "Kodak24/kodim01.png"
    assert made.samefile(original)


def test_copies_where_links_do_not_work(root, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    write(tmp_path / "Kodak24/kodim01.png", 1)
    prepare("kodak24", root, tmp_path / "Kodak24")
    made, original = root / "kodak24/images/kodim01.png", tmp_path / "Kodak24/kodim01.png"
    assert not made.samefile(original) and made.read_bytes() == original.read_bytes()


def test_matlab_73_and_5_give_the_same_blocks(root, tmp_path):
    matlab73(tmp_path / "ValidationNoisyBlocksSrgb.mat", {"ValidationNoisyBlocksSrgb": sidd_blocks(0)})
    matlab73(tmp_path / "ValidationGtBlocksSrgb.mat", {"ValidationGtBlocksSrgb": sidd_blocks(200)})
    prepare("sidd/validation", root, tmp_path)
    made = content(root / "sidd/validation")
    assert list(made) == [f"{image:04d}_{block:02d}.png" for image in (1, 2) for block in (1, 2, 3)]
    assert made["0002_01.png"] == ((4, 0), (4, 200))


@pytest.mark.parametrize("version", [5, 7.3])
def test_blocks_pixel_by_pixel(version, root, tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5, 3), np.uint8)
    path = tmp_path / "BenchmarkNoisyBlocksSrgb.mat"
    if version == 5:
        scipy.io.savemat(path, {"BenchmarkNoisyBlocksSrgb": array})
    else:
        matlab73(path, {"BenchmarkNoisyBlocksSrgb": array})
    prepare("sidd/benchmark", root, tmp_path)
    for image, block in ((0, 0), (0, 2), (1, 1)):
        made = read_image(root / f"sidd/benchmark/images/{image + 1:04d}_{block + 1:02d}.png").pixels
        assert np.array_equal(made, array[image, block])


def test_boxes_pixel_by_pixel(root, tmp_path):
    """MATLAB counts from one and includes both ends."""
    ORIGINALS["dnd"](tmp_path)
    photograph = np.random.default_rng(0).random((6, 10, 3), np.float32)
    matlab73(tmp_path / "dnd_2017/images_srgb/0002.mat", {"InoisySRGB": photograph})
    prepare("dnd", root, tmp_path)
    made = read_image(root / "dnd/images/0002_02.png").pixels
    assert np.array_equal(made, np.rint(photograph[2:6, 4:10] * 65535))


def test_borders_are_cut_on_all_sides(root, tmp_path):
    ORIGINALS["sots"](tmp_path)
    clean = np.random.default_rng(0).integers(0, 256, (28, 32, 3), np.uint8)
    write_png(tmp_path / "SOTS/indoor/gt/1400.png", clean)
    prepare("sots/indoor", root, tmp_path)
    assert np.array_equal(read_image(root / "sots/indoor/target/1400_2.png").pixels, clean[10:-10, 10:-10])


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda path: path.write_bytes(path.read_bytes()[:300]), "not a MATLAB file that can be read, or cut short"),
        (lambda path: path.write_bytes(b"<html>log in</html>"), "not a MATLAB file that can be read, or cut short"),
        (lambda path: matlab73(path, {"x": sidd_blocks(0)[:, :2]}), "different shapes"),
        (lambda path: matlab73(path, {"x": sidd_blocks(0).astype(float)}), "8-bit integers"),
        (lambda path: matlab73(path, {"x": np.zeros((2, 3))}), "should hold one array"),
    ],
)
def test_wrong_matlab_files(root, tmp_path, damage, message):
    ORIGINALS["sidd"](tmp_path)
    damage(tmp_path / "ValidationGtBlocksSrgb.mat")
    with pytest.raises(WorkbenchError, match=message) as error:
        prepare("sidd/validation", root, tmp_path)
    assert "ValidationGtBlocksSrgb.mat" in str(error.value) and "\n" not in str(error.value)
    assert not (root / "sidd").exists() and leftovers(root) == []


def test_partners_that_are_missing_are_named(root, tmp_path):
    pairs(tmp_path, "LOLdataset/eval15/low/{}.png", "LOLdataset/eval15/high/{}.png", ["1", "2", "3"])
    (tmp_path / "LOLdataset/eval15/low/2.png").unlink()
    (tmp_path / "LOLdataset/eval15/high/3.png").unlink()
    (part,) = prepare("lolv1/test", root, tmp_path / "LOLdataset").parts
    assert part.count == 1 and list(content(root / "lolv1/test")) == ["1.png"]
    assert sum("eval15/high/2.png" in problem for problem in part.problems) == 1
    assert sum("eval15/low/3.png" in problem for problem in part.problems) == 1


def test_two_files_of_one_name(root, tmp_path):
    write(tmp_path / "a/DIV2K_valid_HR/0801.png", 1)
    write(tmp_path / "b/DIV2K_valid_HR/0801.png", 2)
    (part,) = prepare("div2k/valid", root, tmp_path).parts
    assert part.count == 1 and "would be called 0801" in part.problems[0]


def test_partners_are_looked_for_nearby(root, tmp_path):
    for copy, number in (("b", 1), ("a", 2)):
        write(tmp_path / copy / "eval15/high/1.png", number, 200)
        write(tmp_path / copy / "eval15/low/1.png", number)
    (part,) = prepare("lolv1/test", root, tmp_path).parts
    assert content(root / "lolv1/test") == {"1.png": ((2, 0), (2, 200))} and "b/eval15/low/1.png" in part.problems[0]


def test_damaged_picture_that_must_be_converted(root, tmp_path):
    ORIGINALS["sots"](tmp_path)
    (tmp_path / "SOTS/outdoor/hazy/0001_0.8_0.2.jpg").write_bytes(b"\xff\xd8\xff broken")
    (part,) = prepare("sots/outdoor", root, tmp_path).parts
    assert list(content(root / "sots/outdoor")) == ["0002_1_0.08.png"]
    assert "0001_0.8_0.2.jpg" in part.problems[0]


def test_reference_with_an_unexpected_border(root, tmp_path):
    ORIGINALS["sots"](tmp_path)
    write(tmp_path / "SOTS/indoor/gt/1400.png", 1, 200, size=(14, 10))
    with pytest.raises(WorkbenchError, match="sots/indoor: .*differs in size"):
        prepare("sots/indoor", root, tmp_path)


def test_a_part_at_a_time(root, tmp_path):
    expected = ORIGINALS["gopro"](tmp_path)
    prepare("gopro/test", root, tmp_path / "GOPRO_Large")
    assert_made(root, "gopro", {"test": expected["test"]})
    assert missing(["gopro/test", "gopro", "wed"], root) == [
        ("gopro", f"workbench data prepare gopro --root {root}"),
        ("wed", f"workbench data prepare wed --root {root}"),
    ]
    outcome = prepare("gopro", root, tmp_path / "GOPRO_Large")
    assert_made(root, "gopro", expected)
    assert [part.news[:13] for part in outcome.parts] == ["", "already there"]
    assert read_prepared(root / "gopro")["parts"].keys() == {"train", "test"}


def test_a_part_that_is_not_there(root, tmp_path):
    ORIGINALS["gopro"](tmp_path)
    shutil.rmtree(tmp_path / "GOPRO_Large/train")
    outcome = prepare("gopro", root, tmp_path)
    assert not outcome.ok and is_present(root / "gopro/test") and not is_present(root / "gopro/train")
    assert "looked for train/{sequence}/blur/{frame:d}.*" in outcome.parts[0].problems[0]


def test_what_is_there_is_left_alone(root, tmp_path):
    ORIGINALS["kodak24"](tmp_path)
    prepare("kodak24", root, tmp_path)
    (root / "kodak24/images/mine.txt").write_text("mine")
    outcome = prepare("kodak24", root, tmp_path / "nowhere")
    assert "already there" in outcome.parts[0].news and (root / "kodak24/images/mine.txt").exists()
    shutil.rmtree(root / "kodak24/images")
    assert prepare("kodak24", root, tmp_path).parts[0].count == 2


def test_a_folder_in_the_way(root, tmp_path):
    (root / "kodak24").mkdir(parents=True)
    (root / "kodak24/kodim01.png").write_bytes(b"x")
    with pytest.raises(WorkbenchError, match="in the way"):
        prepare("kodak24", root, tmp_path)
    assert (root / "kodak24/kodim01.png").exists()


@pytest.mark.parametrize("name", ["gorpo", "gopro/val", ""])
def test_unknown_names(name, root):
    with pytest.raises(WorkbenchError, match="did you mean gopro|gopro/train, gopro/test|no such data set"):
        prepare(name, root)


def test_nothing_of_it_in_what_was_handed_over(root, tmp_path):
    write(tmp_path / "holiday.jpg", 1)
    with pytest.raises(WorkbenchError, match=r"^dnd: not found in .*; looked for info.mat") as error:
        prepare("dnd", root, tmp_path)
    assert "\n" not in str(error.value) and leftovers(root) == []
    with pytest.raises(WorkbenchError, match="nowhere: no such file"):
        prepare("dnd", root, tmp_path / "nowhere")


def test_no_address_to_download_from(root):
    with pytest.raises(WorkbenchError, match=r"wed: cannot be downloaded .*\.rar.*waterloo.*prepare wed --from PATH"):
        prepare("wed", root)
    assert not root.exists()


def test_what_another_process_is_preparing(root, tmp_path):
    ORIGINALS["kodak24"](tmp_path)
    root.mkdir()
    with FileLock(root / ".kodak24.lock"), pytest.raises(WorkbenchError, match="another process"):
        prepare("kodak24", root, tmp_path)


def test_killed_and_called_again(root, tmp_path, monkeypatch):
    expected = ORIGINALS["lolv1"](tmp_path)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(data_tools.prepare, "place", die)
        prepare("lolv1", root, tmp_path)
    assert list(root.iterdir()) == []
    (root / ".lolv1.partial/made/input").mkdir(parents=True)  # as a process that was killed hard leaves it
    prepare("lolv1", root, tmp_path)
    assert_made(root, "lolv1", expected)
    assert leftovers(root) == []


def test_canonical_folders_are_taken_as_they_are(root, tmp_path):
    ORIGINALS["gopro"](tmp_path / "original")
    prepare("gopro", root, tmp_path / "original")
    again = tmp_path / "again"
    prepare("gopro", again, root / "gopro")
    prepare("lolv1/test", again, root / "gopro/test")  # names are free, so any pairs will do
    assert content(again / "gopro/train") == content(root / "gopro/train")
    assert content(again / "lolv1/test") == content(root / "gopro/test")


def test_folders_without_their_outer_ones(root, tmp_path):
    for split, names in (("train", ["100075"]), ("val", ["101085", "86000"]), ("test", ["10081"])):
        images(tmp_path, split + "/{}.jpg", names)
    for name, count in (("bsds500", 1), ("bsd400", 2), ("cbsd68", 1)):
        assert prepare(name, root, tmp_path).parts[0].count == count


def test_templates():
    template = Template("{split:train|test}/**/{name}_{number:d}.*")
    assert template.fields == ("split", "name", "number")
    assert template.match("x/train/a/b/pic_7.PNG") == {"split": "train", "name": "pic", "number": "7"}
    assert template.match("x/val/pic_7.png") is None and template.match("x/train/pic_b.png") is None
    assert Template("{v}/{v}-{f}.*").match("d/12/12-3.jpg") == {"v": "12", "f": "3"}
    assert Template("{v}/{v}-{f}.*").match("d/12/13-3.jpg") is None
    assert Template("/input/{name}.*").match("root/input/a.png") and not Template("/input/{name}.*").match(
        "r/s/input/a.png"
    )
    assert Template("info.mat").match("a/INFO.MAT") == {} and Template("info.mat").match("a/info.mat.bak") is None


def test_folders_and_root(tmp_path, monkeypatch):
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)
    assert [str(path) for path in folders("sidd/validation")] == ["data/sidd/validation"]
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    assert folders("wed") == [tmp_path / "wed"]
    assert missing(["wed", "wed"]) == [("wed", "workbench data prepare wed")]
    with pytest.raises(WorkbenchError, match="no such data set"):
        missing(["wet"])


def test_catalogue_is_consistent():
    for entry in CATALOGUE.values():
        names = [part.name for part in entry.parts]
        assert len(set(names)) == len(names) and (names == [""] or "" not in names)
        assert entry.by_hand and entry.home.startswith("http") and entry.licence and entry.role
        assert not entry.by_hand.endswith(".") and (not entry.note or entry.note.endswith("."))
        for file in entry.files:
            assert file.url.startswith("http") and set(file.parts) <= set(names)
            algorithm, _, digest = (file.checksum or "md5:" + "0" * 32).partition(":")
            assert len(bytes.fromhex(digest)) == {"md5": 16, "sha256": 32}[algorithm]
        assert find(entry.name.upper())[0] is entry
    places = {}
    for entry in CATALOGUE.values():
        for file in entry.files:
            assert places.setdefault(file.name, file) == file


def test_importing_needs_no_torch():
    code = "import sys, data_tools.cli, data_tools.prepare, data_tools.patches; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
