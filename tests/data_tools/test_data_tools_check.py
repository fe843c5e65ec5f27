import json
import threading

import numpy as np
import pytest
from PIL import Image
from support.data_layouts import ORIGINALS, pairs, write

import data_tools.patches
from data_tools.check import check
from data_tools.entries import Cut
from data_tools.patches import MANIFEST, choose_cut, cut_patches, positions
from data_tools.prepare import prepare
from data_tools.threads import in_threads
from workbench.errors import WorkbenchError
from workbench.images import list_images, read_image, write_png


def problems(outcome):
    return [problem for part in outcome.parts for problem in part.problems]


class TestCheck:
    def test_all_well(self, tmp_path):
        pairs(tmp_path, "train/input/{}.png", "train/target/{}.png", ["1", "2"])
        pairs(tmp_path, "test/input/{}.png", "test/target/{}.png", ["1"])
        outcome = check(tmp_path)
        assert outcome.ok
        assert outcome.lines() == [f"{tmp_path}/test: 1 pair", f"{tmp_path}/train: 2 pairs"]

    def test_images(self, tmp_path):
        write(tmp_path / "deep/a.png", 1)
        write(tmp_path / "deep/b.jpg", 1)
        (tmp_path / "deep/b.jpg").write_bytes((tmp_path / "deep/b.jpg").read_bytes()[:200])
        (tmp_path / "deep/c.png").touch()
        (tmp_path / "notes.txt").write_text("not an image")
        outcome = check(tmp_path)
        assert outcome.parts[0].count == 3 and outcome.parts[0].kind == "images"
        damaged, empty = problems(outcome)
        assert "b.jpg: the image is damaged" in damaged and "c.png: the file is empty" in empty

    def test_pairs(self, tmp_path):
        pairs(tmp_path, "input/{}.png", "target/{}.png", ["1", "2", "3", "4", "5"])
        (tmp_path / "input/1.png").unlink()
        (tmp_path / "target/2.png").unlink()
        (tmp_path / "target/3.png").write_bytes(b"not a png")
        write(tmp_path / "target/4.png", 4, 200, size=(8, 12))
        write(tmp_path / "input/more/5.png", 5)
        outcome = check(tmp_path)
        assert outcome.parts[0].count == 3
        assert problems(outcome) == [
            f"{tmp_path}/target/1.png: has no partner in input/",
            f"{tmp_path}/input/2.png: has no partner in target/",
            f"{tmp_path}/input/more/5.png: has no partner in target/",
            f"{tmp_path}/target/3.png: not an image that can be read (PNG, JPEG, TIFF, WebP, ...)",
            f"{tmp_path}/input/4.png: is 12x8, its target is 8x12",
        ]

    def test_a_side_is_missing(self, tmp_path):
        write(tmp_path / "target/1.png", 1)
        assert problems(check(tmp_path)) == [f"{tmp_path}: a paired folder has input/ and target/; input/ is missing"]

    def test_published_numbers(self, tmp_path):
        ORIGINALS["lolv1"](tmp_path / "original")
        prepare("lolv1", tmp_path, tmp_path / "original")
        ORIGINALS["kodak24"](tmp_path / "original")
        prepare("kodak24", tmp_path, tmp_path / "original")
        assert problems(check(tmp_path / "lolv1/test")) == ["1 pair, 15 are published"]
        assert problems(check(tmp_path / "lolv1")) == ["1 pair, 15 are published", "2 pairs, 485 are published"]
        assert problems(check(tmp_path / "kodak24")) == ["2 images, 24 are published"]

    def test_nothing_to_check(self, tmp_path):
        with pytest.raises(WorkbenchError, match="no such folder"):
            check(tmp_path / "nowhere")
        with pytest.raises(WorkbenchError, match="holds no images"):
            check(tmp_path)
        (tmp_path / "input").mkdir()
        assert not check(tmp_path).ok

    def test_many_problems_are_shortened(self, tmp_path):
        pairs(tmp_path, "input/{}.png", "clean/{}.png", [str(number) for number in range(25)])
        (tmp_path / "target").mkdir()
        lines = check(tmp_path).lines()
        assert len(lines) == 22 and lines[0].endswith("26 problems:") and lines[-1] == "  ... and 6 more"


def test_results_come_in_order_and_errors_stop():
    late = threading.Event()

    def square(number):
        if number == 0:
            late.wait(1)
        else:
            late.set()
        return number * number

    assert list(in_threads(square, range(100), 2)) == [(n, n * n) for n in range(100)]
    with pytest.raises(ZeroDivisionError):
        list(in_threads(lambda number: 1 // number, [1, 0, 1]))


def photograph(height, width, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, (height, width, 3), dtype)


def put(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_png(path, pixels)


class TestPatches:
    def test_positions(self):
        assert positions(512, 512, 96) == [0]
        assert positions(513, 512, 96) == [0, 1]
        assert positions(928, 512, 96) == [0, 416]
        assert positions(1356, 512, 96) == [0, 416, 832, 844]
        for length in range(40, 200):
            starts = positions(length, 40, 10)
            covered = np.zeros(length, bool)
            for start in starts:
                covered[start : start + 40] = True
            assert covered.all() and starts[-1] + 40 == length and sorted(set(starts)) == starts

    @pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
    def test_patches_are_where_their_names_say(self, tmp_path, dtype):
        pixels = photograph(100, 70, dtype)
        put(tmp_path / "set/images/a.png", pixels)
        outcome = cut_patches(tmp_path / "set", tmp_path / "patches", Cut(40, 10))
        paths = list_images(tmp_path / "patches/images")
        assert outcome.ok and outcome.parts[0].count == len(paths) == 3 * 2
        for path in paths:
            _, top, left = path.stem.split("_")
            patch = read_image(path).pixels
            assert patch.dtype == dtype
            assert np.array_equal(patch, pixels[int(top) : int(top) + 40, int(left) : int(left) + 40])

    def test_pairs_are_cut_alike(self, tmp_path):
        degraded, clean = photograph(90, 90), photograph(90, 90, seed=1)
        put(tmp_path / "set/input/a.png", degraded)
        put(tmp_path / "set/target/a.png", clean)
        outcome = cut_patches(tmp_path / "set", tmp_path / "patches", Cut(40, 20))
        assert outcome.ok and outcome.parts[0].kind == "pairs" and check(tmp_path / "patches").ok
        for side, pixels in (("input", degraded), ("target", clean)):
            paths = list_images(tmp_path / "patches" / side)
            assert len(paths) == 16
            assert np.array_equal(read_image(paths[-1]).pixels, pixels[50:, 50:])

    def test_small_pictures_stay_whole(self, tmp_path):
        """The papers cut pictures of which both sides exceed 800 pixels."""
        for name, shape in {"wide": (800, 1200), "small": (300, 300), "large": (801, 801)}.items():
            put(tmp_path / f"set/{name}.png", photograph(*shape))
        cut_patches(tmp_path / "set", tmp_path / "patches", Cut(512, 96, larger_than=800))
        names = [path.name for path in list_images(tmp_path / "patches")]
        assert names == ["large_0_0.png", "large_0_289.png", "large_289_0.png", "large_289_289.png"] + [
            "small.png",
            "wide.png",
        ]
        assert (tmp_path / "patches/images/small.png").samefile(tmp_path / "set/small.png")
        cut_patches(tmp_path / "set", tmp_path / "again", Cut(512, 96))
        assert "wide_288_688.png" in [path.name for path in list_images(tmp_path / "again")]

    def test_names_that_differ_in_folder_or_suffix_only(self, tmp_path):
        for name in ("a/x.png", "a-x.png", "b/x.png", "y.png"):
            put(tmp_path / "set" / name, photograph(50, 50))
        Image.fromarray(photograph(50, 50)).save(tmp_path / "set/y.jpg")
        outcome = cut_patches(tmp_path / "set", tmp_path / "patches", Cut(40, 0))
        assert outcome.parts[0].count == 20 == len(list_images(tmp_path / "patches"))
        labels = {path.stem.split("_")[0] for path in list_images(tmp_path / "patches")}
        assert labels == {"a-x", "a-x-2", "b-x", "y", "y-2"}

    def test_faults_are_named_and_the_rest_is_done(self, tmp_path):
        for name in ("good", "damaged", "unequal", "alone"):
            put(tmp_path / f"set/input/{name}.png", photograph(50, 50))
            put(tmp_path / f"set/target/{name}.png", photograph(50, 50))
        (tmp_path / "set/input/damaged.png").write_bytes(b"x")
        put(tmp_path / "set/target/unequal.png", photograph(50, 51))
        (tmp_path / "set/target/alone.png").unlink()
        outcome = cut_patches(tmp_path / "set", tmp_path / "patches", Cut(40, 0))
        assert outcome.parts[0].count == 4 and len(problems(outcome)) == 3
        text = "\n".join(problems(outcome))
        assert "alone.png has no partner" in text and "damaged.png" in text and "unequal.png: differs in size" in text
        assert check(tmp_path / "patches").ok

    def test_goes_on_after_an_interruption(self, tmp_path, monkeypatch):
        for name in "abcdef":
            put(tmp_path / f"set/{name}.png", photograph(50, 50))
        whole, begun = Cut(40, 0), []
        cut_one = data_tools.patches._cut_one

        def counting(picture, **settings):
            begun.append(picture.label)
            if len(begun) == 4:
                raise KeyboardInterrupt
            return cut_one(picture, **settings)

        monkeypatch.setattr(data_tools.patches, "_cut_one", counting)
        with pytest.raises(KeyboardInterrupt):
            cut_patches(tmp_path / "set", tmp_path / "patches", whole, workers=1)
        work = tmp_path / ".patches.partial"
        assert not (tmp_path / "patches").exists() and begun[:4] == list("abcd")
        with (work / MANIFEST).open("a") as manifest:
            manifest.write('{"picture": "d", "fi')  # cut in the middle of a line
        put(tmp_path / "set/a.png", photograph(30, 30))  # changed since: is small now
        begun[:] = []
        with pytest.raises(WorkbenchError, match="begun with other settings"):
            cut_patches(tmp_path / "set", tmp_path / "patches", Cut(30, 0))
        monkeypatch.setattr(data_tools.patches, "_cut_one", lambda p, **s: begun.append(p.label) or cut_one(p, **s))
        outcome = cut_patches(tmp_path / "set", tmp_path / "patches", whole, workers=1)
        assert "a" in begun and "b" not in begun and outcome.ok
        names = [path.name for path in list_images(tmp_path / "patches")]
        assert len(names) == outcome.parts[0].count == 21 and names[0] == "a.png"
        assert {path.name for path in tmp_path.iterdir()} == {"set", "patches"}
        lines = [json.loads(line) for line in (tmp_path / "patches" / MANIFEST).read_text().splitlines()]
        assert lines[0] == {"size": 40, "overlap": 0, "larger_than": 0}
        assert sorted(line["picture"] for line in lines[1:]) == list("abcdef")

    def test_what_is_done_already_is_left_alone(self, tmp_path):
        for name in "ab":
            put(tmp_path / f"set/{name}.png", photograph(50, 50))
        cut_patches(tmp_path / "set", tmp_path / "patches", Cut(40, 0))
        (tmp_path / "patches/images/a_0_0.png").unlink()  # a trace: it would come back if anything were done again
        outcome = cut_patches(tmp_path / "set", tmp_path / "patches", Cut(40, 0))
        assert outcome.ok and outcome.parts[0].count == 8 and outcome.parts[0].news == "already there"
        assert not (tmp_path / "patches/images/a_0_0.png").exists()
        with pytest.raises(WorkbenchError, match="exists, but"):
            cut_patches(tmp_path / "set", tmp_path / "patches", Cut(30, 0))
        put(tmp_path / "set/c.png", photograph(50, 50))
        with pytest.raises(WorkbenchError, match="exists, but"):
            cut_patches(tmp_path / "set", tmp_path / "patches", Cut(40, 0))

    def test_wrong_calls(self, tmp_path):
        put(tmp_path / "set/a.png", photograph(50, 50))
        pairs(tmp_path, "two/train/input/{}.png", "two/train/target/{}.png", ["1"])
        (tmp_path / "empty").mkdir()
        for source, cut, message in (
            ("set", Cut(40, 40), "cannot overlap by 40"),
            ("set", Cut(0, 0), "cannot overlap"),
            ("nowhere", Cut(40, 0), "no such folder"),
            ("empty", Cut(40, 0), "holds no images"),
            ("two", Cut(40, 0), r"several parts \(train\)"),
        ):
            with pytest.raises(WorkbenchError, match=message):
                cut_patches(tmp_path / source, tmp_path / "patches", cut)
        with pytest.raises(WorkbenchError, match="exists"):
            cut_patches(tmp_path / "set", tmp_path / "empty", Cut(40, 0))
        (tmp_path / "set/a.png").write_bytes(b"x")
        with pytest.raises(WorkbenchError, match="a.png"):
            cut_patches(tmp_path / "set", tmp_path / "patches", Cut(40, 0))
        assert {path.name for path in tmp_path.iterdir()} == {"set", "two", "empty"}

    def test_settings_of_the_papers(self, tmp_path):
        for name in ("gopro", "wed", "lolv1"):
            ORIGINALS[name](tmp_path / "original" / name)
            prepare(name, tmp_path, tmp_path / "original" / name)
        assert choose_cut(tmp_path / "gopro/train") == Cut(512, 256)
        assert choose_cut(tmp_path / "wed") == Cut(512, 96, 800)
        assert choose_cut(tmp_path / "wed", overlap=0, larger_than=0) == Cut(512, 0, 0)
        assert choose_cut(tmp_path / "lolv1/train", 64, 0) == Cut(64, 0)
        with pytest.raises(WorkbenchError, match="give --size and --overlap"):
            choose_cut(tmp_path / "lolv1/train", 64)
