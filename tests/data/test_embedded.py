"""Embedded photographs: splits are kept apart, nothing is downloaded, rolls are as documented."""

import numpy as np
import pytest

from workbench.data import embedded
from workbench.data.domains import validation_pairs
from workbench.data.embedded import CATALOGUE, photograph, simulated_target, source_photographs, target_scenes
from workbench.errors import WorkbenchError
from workbench.evaluation.metrics import psnr
from workbench.recipes.schema import Data


def contains(picture, patch):
    """Whether an 8 x 8 patch occurs in a picture, pixel for pixel."""
    places = np.argwhere((picture[:-7, :-7] == patch[0, 0]).all(axis=2))
    return any(np.array_equal(picture[row : row + 8, column : column + 8], patch) for row, column in places)


def busiest_patch(picture):
    patches = [picture[r : r + 8, c : c + 8] for r in range(0, picture.shape[0] - 8, 16)
               for c in range(0, picture.shape[1] - 8, 16)]  # fmt: skip
    return max(patches, key=lambda patch: patch.std())


@pytest.mark.parametrize("name", CATALOGUE)
def test_photographs_are_colour_and_not_writable(name):
    picture = photograph(name)
    assert picture.pixels.dtype == np.uint8 and picture.pixels.ndim == 3 and picture.pixels.shape[2] == 3
    assert min(picture.pixels.shape[:2]) >= 256
    assert np.ptp(picture.pixels.astype(int), axis=2).mean() > 1
    with pytest.raises(ValueError, match="read-only"):
        picture.pixels[0, 0] = 0


def test_splits_share_no_photograph():
    parts = {split: {name for name, entry in CATALOGUE.items() if entry.split == split} for split in embedded.SPLITS}
    assert len(parts["held-out"]) == 3 and not parts["train"] & parts["held-out"]

    def shown(pictures):
        return {picture.name.split("-")[0] for picture in pictures if "leaves" not in picture.name}

    train = shown(source_photographs(leaves=1)) | shown(target_scenes())
    held_out = shown(source_photographs("held-out")) | shown(target_scenes("held-out"))
    assert train == parts["train"] and held_out == parts["held-out"]


def test_settings_are_chosen_on_other_photographs_than_tests_and_training():
    tuning, train = simulated_target("tuning"), simulated_target("train", shots=8, size=256)
    assert len(tuning) == 8 and {shot.photograph.shape for shot in tuning} == {(256, 256, 3)}
    scenes = {shot.name.rsplit("-", 1)[0] for shot in tuning}
    assert scenes == {scene.name for scene in target_scenes()}, "of the training scenes, no held-out one"
    assert not any(np.array_equal(one.photograph, other.photograph) for one in tuning for other in train)
    named = validation_pairs(Data(validation="simulated-camera:tuning"))
    assert [pair.name for pair in named] == [shot.name for shot in tuning]
    with pytest.raises(WorkbenchError, match="simulated pairs are simulated-rain or simulated-rain:tuning"):
        validation_pairs(Data(validation="simulated-rain:magic"))


def test_source_and_target_share_no_pixels():
    source = {picture.name: picture.pixels for picture in source_photographs(leaves=1)}
    shared = [scene for scene in target_scenes() if scene.name in source]
    assert len(shared) == 4
    for scene in shared:
        whole = photograph(scene.name).pixels
        np.testing.assert_array_equal(np.concatenate([source[scene.name], scene.pixels], axis=1), whole)
        patch = busiest_patch(scene.pixels)
        assert contains(whole, patch) and not contains(source[scene.name], patch)


def test_dead_leaves_are_counted_and_differ_between_domains():
    source = [picture for picture in source_photographs(leaves=3, size=64) if picture.name.startswith("leaves")]
    assert [picture.name for picture in source] == ["leaves-0", "leaves-1", "leaves-2"]
    assert all(picture.pixels.shape == (64, 64, 3) for picture in source)
    more = source_photographs(leaves=4, size=64)
    np.testing.assert_array_equal(more[-2].pixels, source[-1].pixels)
    assert not np.array_equal(source_photographs(leaves=3, size=64, seed=1)[-1].pixels, source[-1].pixels)
    assert sum("leaves" in scene.name for scene in target_scenes()) == 2


@pytest.mark.parametrize("size", [128, 256])
def test_held_out_crops_do_not_overlap(size):
    scenes = target_scenes("held-out", size)
    assert {scene.pixels.shape for scene in scenes} == {(size, size, 3)}
    names = [scene.name for scene in scenes]
    assert names[:4] == ["astronaut-0", "astronaut-1", "astronaut-2", "astronaut-3"]
    assert len(set(names)) == len(names) == {128: 12, 256: 9}[size]
    for one in scenes:
        patch = busiest_patch(one.pixels)
        assert not any(contains(other.pixels, patch) for other in scenes if other is not one)


def test_crops_prefer_detail():
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:32, 32:] = np.random.default_rng(0).integers(0, 256, (32, 32, 3))
    (crop,) = embedded.crops(embedded.Photograph("p", pixels), 32, 1)
    assert crop.name == "p-0"
    np.testing.assert_array_equal(crop.pixels, pixels[:32, 32:])


@pytest.mark.parametrize(
    ("camera", "expected"),
    [("mild", (34, 38)), ("standard", (30, 33)), ("strong", (26, 30)), ("textured", (29, 33)), ("night", (22.7, 24.7))],
)
def test_input_psnr_of_the_held_out_rolls(camera, expected):
    roll = simulated_target("held-out", camera)
    assert all(shot.photograph.shape == shot.reference.shape == (256, 256, 3) for shot in roll)
    assert expected[0] < np.mean([psnr(shot.photograph, shot.reference, 255) for shot in roll]) < expected[1]


def test_training_roll():
    roll = simulated_target("train", shots=6, size=128)
    assert [shot.name for shot in roll][:4] == ["coffee-000", "motorcycle-001", "rocket-002", "tissue-003"]
    assert all(shot.photograph.shape == (128, 128, 3) for shot in roll)
    assert 28 < np.mean([psnr(shot.photograph, shot.reference, 255) for shot in roll]) < 35
    assert simulated_target("train", shots=6, size=128) is roll


def test_unknown_split():
    for function in (source_photographs, target_scenes, simulated_target):
        with pytest.raises(ValueError, match="held-out"):
            function("test")
