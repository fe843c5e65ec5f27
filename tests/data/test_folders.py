"""One rule of what a folder holds, for all that read folders; test sets by name."""

import numpy as np
import pytest

from data_tools.check import check
from data_tools.entries import Cut
from data_tools.patches import cut_patches
from workbench.data.collections import read_folder, read_pairs
from workbench.data.domains import training_stream
from workbench.data.folders import list_pairs, list_parts, list_pictures, prepared_part, write_prepared
from workbench.errors import WorkbenchError
from workbench.evaluation import evaluate_folder
from workbench.evaluation.measures import FIDELITY
from workbench.evaluation.sets import open_set
from workbench.images import write_png
from workbench.recipes.schema import Data


def write(folder, *names):
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_png(folder / name, np.random.default_rng(number).integers(0, 256, (24, 24, 3), np.uint8))
    return folder


def test_partners_have_the_same_path_for_every_user(tmp_path):
    good = write(
        tmp_path / "good", *(f"{side}/{name}" for side in ("input", "target") for name in ("a.png", "x/a.png"))
    )
    assert [pair.name for pair in list_pairs(good).pairs] == ["a.png", "x/a.png"] and not list_pairs(good).alone
    assert check(good, progress=False).ok and check(good, progress=False).parts[0].count == 2
    assert [side.names for side in read_pairs(good)] == 2 * [["a.png", "x/a.png"]]
    assert read_folder(good).names == ["a.png", "x/a.png"], "not two of the same name"
    assert [image["name"] for image in evaluate_folder(lambda image: image, good, metrics=FIDELITY)["images"]] == [
        "a.png", "x/a.png",
    ]  # fmt: skip
    assert cut_patches(good, tmp_path / "patches", Cut(16, 0)).ok
    assert len(list_pairs(tmp_path / "patches").pairs) == 8


def test_other_folders_make_no_partners_for_any_user(tmp_path):
    wrong = write(tmp_path / "wrong", "input/x/a.png", "target/y/a.png", "input/b.png", "target/b.png")
    pairs, alone = list_pairs(wrong)
    assert [pair.name for pair in pairs] == ["b.png"]
    assert [(each.name, each.missing) for each in alone] == [("x/a.png", "target"), ("y/a.png", "input")]
    assert check(wrong, progress=False).parts[0].problems == [
        f"{wrong}/input/x/a.png: has no partner in target/", f"{wrong}/target/y/a.png: has no partner in input/",
    ]  # fmt: skip
    with pytest.raises(WorkbenchError, match=r"wrong: x/a.png has no partner in target/"):
        read_pairs(wrong)
    report = evaluate_folder(lambda image: image, wrong, metrics=FIDELITY)
    assert [image["name"] for image in report["images"]] == ["b.png"]
    assert [failure["name"] for failure in report["failed"]] == ["x/a.png", "y/a.png"]
    cut = cut_patches(wrong, tmp_path / "patches", Cut(16, 0))
    assert cut.parts[0].problems == [
        f"{wrong}: x/a.png has no partner in target/", f"{wrong}: y/a.png has no partner in input/",
    ]  # fmt: skip


def test_a_side_that_is_missing_is_said_alike(tmp_path):
    half = write(tmp_path / "half", "target/a.png")
    said = f"{half}: a paired folder has input/ and target/; input/ is missing"
    assert check(half, progress=False).parts[0].problems == [said]
    for use in (read_pairs, read_folder, list_pairs, lambda folder: cut_patches(folder, tmp_path / "p", Cut(16, 0)),
                lambda folder: evaluate_folder(lambda image: image, folder, metrics=FIDELITY)):  # fmt: skip
        with pytest.raises(WorkbenchError) as raised:
            use(half)
        assert str(raised.value) == said
    assert len(read_folder(half, "target")) == 1


def test_pictures_are_those_of_a_side_of_images_or_all(tmp_path):
    paired = write(tmp_path / "paired", "input/a.png", "target/b.png", "c.png")
    assert [path.name for path in list_pictures(paired)] == ["a.png"]
    assert [path.name for path in list_pictures(paired, "target")] == ["b.png"]
    assert [path.name for path in list_pictures(write(tmp_path / "own", "images/x/a.png", "b.png"))] == ["a.png"]
    assert [path.name for path in list_pictures(write(tmp_path / "loose", "x/a.png", "b.png"))] == ["b.png", "a.png"]
    assert list_parts(tmp_path) == ["own", "paired"] and list_parts(paired) == []


def test_the_note_of_preparing_tells_a_part_and_its_set(tmp_path):
    folder = write(tmp_path / "polyu" / "test", "input/a.png", "target/a.png")
    assert prepared_part(folder) is None
    write_prepared(tmp_path / "polyu", "polyu", "test", {"count": 1})
    assert prepared_part(folder) == ("polyu", "test", {"count": 1})
    assert open_set(str(folder)).name == "polyu/test"
    (tmp_path / "polyu" / "prepared.json").write_text("{")
    with pytest.raises(WorkbenchError, match="the note of this data set is damaged"):
        prepared_part(folder)
    assert open_set(str(folder)).name == "test"


def test_one_degradation_of_a_mixture_is_a_test_set():
    data = Data(mixture=[{"degradation": "awgn"}, {"degradation": "rain-streaks"}])
    assert open_set("held-out-source", data=data).name == "held-out source (awgn + rain-streaks)"
    found = open_set("held-out-source:rain-streaks", data=data)
    assert (found.name, found.location) == ("held-out source (rain-streaks)", "held-out-source:rain-streaks")
    with pytest.raises(WorkbenchError, match="held-out-source:haze: the recipe holds out pairs of awgn, rain-streaks"):
        open_set("held-out-source:haze", data=data)


def test_clean_pictures_with_a_degradation_are_a_test_set(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    folder = write(tmp_path / "cbsd68", "images/x/a.png", "images/b.png")
    write_prepared(tmp_path / "cbsd68", "cbsd68", "", {"count": 2})
    found = open_set("dataset:cbsd68+awgn:sigma=25")
    assert (found.name, found.data_set, found.size) == ("cbsd68+awgn:sigma=25", "cbsd68+awgn:sigma=25", 2)
    assert open_set(f"{folder}+awgn:sigma=25.0").name == found.name and found.fingerprint
    seen = []
    report = found.evaluate(lambda image: seen.append(image) or image, metrics=FIDELITY)
    assert [image["name"] for image in report["images"]] == ["b.png", "x/a.png"] and not report["failed"]
    assert 20.0 < report["mean"]["psnr"] < 21.5, "20.2 dB, and clipping helps"
    assert all(np.array_equal(image * 255, np.rint(image * 255)) for image in seen), "as pictures on disk"
    again = found.evaluate(lambda image: image, metrics=FIDELITY)
    assert again["images"] == report["images"]
    targets = write(tmp_path / "pairs", "input/a.png", "target/b.png")
    assert open_set(f"{targets}+holes:shape=center,covered=0.25").evaluate(
        lambda image: image, metrics=FIDELITY
    )["images"][0]["name"] == "b.png"  # fmt: skip
    (folder / "images/b.png").write_bytes(b"no picture")
    assert [each["name"] for each in found.evaluate(lambda image: image, metrics=FIDELITY)["failed"]] == ["b.png"]


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("own+fog", r"fog: no degradation is called 'fog'"),
        ("own+awgn:25", r"awgn:25: give the options of awgn as OPTION=VALUE"),
        ("own+awgn:level=25", r"awgn:level=25: awgn has no option 'level'"),
        ("own+poisson:peak=0", r"poisson:peak=0: peak"),
        ("own+awgn:sigma={", r"'\{' is no value"),
        ("other+awgn", r"other: no such folder of images"),
        ("dataset:kodak24+awgn", r"workbench data prepare kodak24"),
    ],
)
def test_a_wrong_degradation_of_a_test_set_is_one_line(location, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "own", "a.png")
    with pytest.raises(WorkbenchError, match=said) as raised:
        open_set(location)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("fraction", [1.0, 0.5])
def test_a_pair_of_unequal_sizes_is_named_by_training(tmp_path, fraction):
    good = write(tmp_path / "good", "input/a.png", "target/a.png")
    wrong = write(tmp_path / "wrong", "input/x/b.png", "input/x/c.png", "target/x/b.png", "target/x/c.png")
    for name in ("b.png", "c.png"):
        write_png(wrong / "target" / "x" / name, np.zeros((20, 24, 3), np.uint8))
    data = Data(source=[str(good), str(wrong)], degradation="pairs", fraction=fraction, target="synthetic")
    stream = training_stream(data, frozenset({"source"}), patch_size=16, seed=0)
    with pytest.raises(WorkbenchError, match=r"wrong/target/x/[bc]\.png: has another size than its partner"):
        for index in range(40):
            assert stream[index]["clean"].shape == (3, 16, 16)
