import functools
import hashlib
import itertools

import numpy as np
import pytest
import torch

from workbench.data import domains, embedded
from workbench.data.collections import Photographs, read_folder, read_pairs
from workbench.data.degradations import AdditiveWhiteGaussianNoise, LinearMotionBlur
from workbench.data.domains import (
    source_pairs,
    source_validation_pairs,
    training_stream,
    validation_pairs,
)
from workbench.data.root import data_root
from workbench.data.streams import PatchStream, RandomPart, Source, step_batches
from workbench.errors import WorkbenchError
from workbench.images import write_png
from workbench.methods.random_numbers import DIFFUSION
from workbench.recipes.schema import Data

ALL = frozenset({"source", "target", "references", DIFFUSION, "unpaired"})


@pytest.fixture
def stream():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (40, 50, 3), np.uint8) for _ in range(4)]
    target = Photographs(images, "abcd")
    references = Photographs([image // 2 for image in images], "abcd")
    noise = AdditiveWhiteGaussianNoise((0, 75))
    return PatchStream([Source(images, noise)], 16, seed=5, target=target, references=references, parts=ALL)


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_a_sample_is_a_function_of_seed_and_index(stream):
    assert same(stream[7], stream[7])
    assert not same(stream[7], stream[8])
    stream.seed = 6
    other = stream[7]
    stream.seed = 5
    assert not same(stream[7], other)


def test_samples_are_those_of_recorded_runs(stream):
    """Recorded results rest on these bits: a change of them is a change of every run with AWGN."""
    digest = hashlib.sha256()
    images = [np.random.default_rng(side).integers(0, 256, (side, 50, 3), np.uint8) for side in (9, 40)]
    for each in (
        stream,
        PatchStream([Source(images, stream.sources[0].degradation)], 32, seed=3, parts=frozenset({"source", "target"})),
    ):
        for index in range(20):
            for name, value in sorted(each[index].items()):
                digest.update(name.encode() + value.numpy().tobytes())
    assert digest.hexdigest() == "470e72b0d0a7f16797700499ba1dec0559ba6f0adceb178faf15c01a2cd040cc"


def test_parts_do_not_change_each_other(stream):
    whole = stream[3]
    stream.parts = frozenset({"source"})
    alone = stream[3]
    assert set(alone) == {"clean", "degraded"}
    assert all(torch.equal(alone[key], whole[key]) for key in alone)


def _coin(rng, patch_size):
    return {"coin": torch.tensor(rng.random((2, patch_size)))}


def test_a_methods_own_draw_is_a_part_like_any_other(stream):
    whole, first, second = stream[3], RandomPart("first", _coin), RandomPart("second", _coin)
    stream.parts = ALL | {first}
    sample = stream[3]
    assert sample["coin"].shape == (2, 16)
    assert same({key: sample[key] for key in whole}, whole)
    assert not torch.equal(sample["coin"], stream[4]["coin"])
    stream.parts = frozenset({second})
    assert not torch.equal(sample["coin"], stream[3]["coin"])


@pytest.mark.parametrize("workers", [1, 2])
def test_worker_count_does_not_change_the_stream(stream, workers):
    alone = itertools.islice(step_batches(stream, 4), 5)
    several = itertools.islice(step_batches(stream, 4, workers=workers), 5)
    assert all(same(*both) for both in zip(alone, several, strict=True))


def test_a_stream_continues_where_it_was_left(stream):
    whole = list(itertools.islice(step_batches(stream, 4), 6))
    rest = list(itertools.islice(step_batches(stream, 4, first_step=4), 2))
    assert all(same(*both) for both in zip(whole[4:], rest, strict=True))


def test_processes_share_each_batch(stream):
    whole = next(iter(step_batches(stream, 4)))
    shares = [next(iter(step_batches(stream, 4, rank=rank, processes=2))) for rank in (0, 1)]
    assert same(whole, {key: torch.cat([share[key] for share in shares]) for key in whole})


def test_target_and_reference_are_the_same_place(stream):
    sample = stream[11]
    halved = (sample["target"] * 255).round().to(torch.uint8) // 2
    assert torch.equal(halved, (sample["reference"] * 255).round().to(torch.uint8))


def test_all_flips_and_rotations_occur():
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    stream = PatchStream([Source([image], lambda clean, rng: clean)], 4, seed=0)
    seen = {stream[index]["clean"].numpy().tobytes() for index in range(200)}
    assert len(seen) == 8


def test_crops_reach_every_border():
    image = np.zeros((20, 20, 3), np.uint8)
    image[0, 0], image[-1, -1] = 255, 128
    stream = PatchStream([Source([image], lambda clean, rng: clean)], 16, seed=0)
    brightest = {round(stream[index]["clean"].max().item() * 255) for index in range(200)}
    assert {255, 128} <= brightest


class Surroundings:
    """A degradation that looks two pixels to the left."""

    margin = 2

    def __call__(self, clean, rng):
        return np.roll(clean, 2, axis=1)


def test_a_margin_brings_the_surroundings_and_is_cut_off():
    image = np.arange(30 * 40, dtype=np.uint16).reshape(30, 40, 1).repeat(3, axis=2)
    plain = PatchStream([Source([image], lambda clean, rng: clean)], 8, seed=0)
    stream = PatchStream([Source([image], Surroundings())], 8, seed=0)
    seen = set()
    for index in range(100):
        clean, degraded = (np.rint(stream[index][key][0].numpy() * 65535).astype(int) for key in ("clean", "degraded"))
        assert torch.equal(stream[index]["clean"], plain[index]["clean"])
        np.testing.assert_array_equal(degraded[:, 2:], clean[:, :-2])
        steps = np.diff(np.hstack([degraded[:, :2], clean]), axis=1)
        seen.add(bool((steps == steps[0, -1]).all()))  # an arithmetic sequence unless it was reflected at the border
    assert seen == {True, False}


def test_a_mixture_draws_each_sample_by_weight_and_says_from_where():
    images = [[np.full((16, 16, 3), value, np.uint8)] for value in (0, 100, 200)]
    sources = [Source(each, lambda clean, rng: clean, weight) for each, weight in zip(images, (1, 2, 5), strict=True)]
    stream = PatchStream(sources, 16, seed=0, parts=frozenset({"source", "target", "unpaired"}))
    samples = [stream[index] for index in range(400)]
    entries = [int(sample["entry"]) for sample in samples]
    assert same(samples[9], stream[9])
    assert [round(float(sample["clean"].mean()) * 255) / 100 for sample in samples] == entries
    assert [entries.count(entry) / 400 for entry in range(3)] == pytest.approx([1 / 8, 2 / 8, 5 / 8], abs=0.06)
    assert {round(float(sample["unpaired"].mean()) * 255) for sample in samples} == {0, 100, 200}
    assert "entry" not in PatchStream(sources[:1], 16, seed=0)[0]


def test_a_fraction_keeps_the_same_images_for_a_seed_and_at_least_one(tmp_path):
    for index in range(20):
        write(tmp_path, [f"input/{index:02d}.png", f"target/{index:02d}.png"], index)

    def kept(fraction, seed, **changes):
        data = Data(source=str(tmp_path), target="synthetic", fraction=fraction, **changes)
        ((images, degraded, _),) = training_stream(data, frozenset({"source"}), 16, seed=seed).sources
        if not callable(degraded):
            assert all((one == other).all() for one, other in zip(images, degraded, strict=True))
        return [int(image[0, 0, 0]) for image in images]

    assert kept(1, 0) == list(range(20))
    assert len(kept(0.25, 0)) == 5 and kept(0.25, 0) == kept(0.25, 0, degradation="pairs") == sorted(kept(0.25, 0))
    assert set(kept(0.25, 0)) < set(kept(0.5, 0)) and kept(0.25, 0) != kept(0.25, 1)
    assert len(kept(0.001, 0)) == 1


def test_a_mixture_is_measured_source_by_source(tmp_path):
    for side, value in (("input", 100), ("target", 200)):
        write(tmp_path, [f"{side}/a.png"], value)
    data = Data(mixture=[{}, {"degradation": "correlated-noise"}, {"source": str(tmp_path), "degradation": "pairs"}])
    pairs = source_validation_pairs(data, limit=4)
    assert [pair.name[: pair.name.rindex("-")] for pair in pairs] == [
        "1-awgn-astronaut", "1-awgn-hopper", "2-correlated-noise-astronaut", "2-correlated-noise-hopper",
    ]  # fmt: skip
    data.mixture[2].source_validation = str(tmp_path)
    assert source_validation_pairs(data)[-1].name == "3-pairs-a.png"


def test_pairs_from_disk_are_the_source(tmp_path):
    for side, value in (("input", 100), ("target", 200)):
        write(tmp_path / "train", [f"{side}/a.png"], value)
        write(tmp_path / "test", [f"{side}/b.png"], value // 2)
    data = Data(source=str(tmp_path / "train"), degradation="pairs", target="synthetic")
    sample = training_stream(data, frozenset({"source", "target", "unpaired"}), 16, seed=0)[0]
    for name, value in (("clean", 200), ("degraded", 100), ("target", 100), ("unpaired", 200)):
        assert torch.allclose(sample[name], torch.tensor(value / 255))
    assert source_validation_pairs(data) == []
    data.source_validation = str(tmp_path / "test")
    assert [(pair.degraded.mean(), pair.reference.mean()) for pair in source_validation_pairs(data)] == [(50, 100)]


def test_clean_pictures_of_a_paired_folder_are_its_targets(tmp_path):
    write(tmp_path, ["input/a.png"], 100)
    write(tmp_path, ["target/a.png"], 200)
    data = Data(source=str(tmp_path), degradation="haze")
    assert training_stream(data, frozenset({"source"}), 16, seed=0)[0]["clean"].mean() == pytest.approx(200 / 255)


def test_source_validation_follows_the_recipe():
    sharp = source_pairs(25.0, limit=2)
    awgn = source_validation_pairs(Data(sigma=(0, 50)), limit=2)
    assert all(np.array_equal(one.degraded, other.degraded) for one, other in zip(sharp, awgn, strict=True))
    for pair in source_validation_pairs(Data(degradation="rain-streaks"), limit=2):
        assert (pair.degraded >= pair.reference / np.float32(255) - 1e-6).all()
    for pair in source_validation_pairs(Data(degradation="motion-blur"), limit=2):
        side = 256 - 2 * LinearMotionBlur().margin
        assert pair.degraded.shape == pair.reference.shape == (side, side, 3)


def test_clean_pictures_that_a_source_names_are_degraded_as_it_is(tmp_path):
    write(tmp_path / "images", ["a.png", "b.png", "c.png"], 100)
    entry = {"degradation": {"name": "awgn", "sigma": [10, 10]}, "source_validation": str(tmp_path)}
    data = Data(mixture=[entry, {"degradation": {"name": "holes", "shape": "center", "covered": [1, 1]}}])
    first, second, hole, _ = source_validation_pairs(data, limit=4)
    assert [first.name, second.name, hole.name[:8]] == ["1-awgn-a.png", "1-awgn-c.png", "2-holes-"]
    noise = 255 * first.degraded - first.reference
    assert np.all(first.reference == 100) and noise.std() == pytest.approx(10, rel=0.1) and not hole.degraded.any()


@pytest.mark.parametrize("domain", ["simulated-rain", "simulated-shake"])
def test_simulated_targets_have_held_out_pairs(domain, monkeypatch):
    few = functools.partial(embedded.simulated_target, shots=3, size=96)  # those of recipes take ten seconds
    monkeypatch.setattr(domains, "simulated_target", few)
    data = Data(target=domain, validation=domain, camera="mild")
    sample = training_stream(data, frozenset({"target", "references"}), 32, seed=0)[0]
    assert not torch.equal(sample["target"], sample["reference"])
    assert len(validation_pairs(data, 2)) == 2


def test_small_images_are_continued_by_reflection():
    image = np.full((5, 9, 3), 51, np.uint8)
    clean = PatchStream([Source([image], lambda clean, rng: clean)], 16, seed=0)[0]["clean"]
    assert clean.shape == (3, 16, 16)
    assert torch.allclose(clean, torch.tensor(0.2))


def test_16_bit_images_are_scaled_to_one():
    image = np.full((16, 16, 3), 65535, np.uint16)
    assert PatchStream([Source([image], lambda clean, rng: clean)], 16, seed=0)[0]["clean"].max() == 1


def test_awgn_is_not_clipped_and_covers_its_range(stream):
    stream.parts = frozenset({"source"})
    samples = [stream[index] for index in range(200)]
    sigmas = [255 * (sample["degraded"] - sample["clean"]).std().item() for sample in samples]
    assert min(sigmas) < 5 and 70 < max(sigmas) < 80
    assert min(sample["degraded"].min() for sample in samples) < 0


def test_target_made_from_the_source_is_another_sample():
    data = Data(target="synthetic")
    sample = training_stream(data, frozenset({"source", "target"}), 16, seed=0)[0]
    assert not torch.equal(sample["target"], sample["degraded"])
    with pytest.raises(WorkbenchError, match="needs a target domain with references"):
        training_stream(data, ALL, 16, seed=0)


def write(folder, names, value=100):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_png(folder / name, np.full((24, 32, 3), value, np.uint8))


def test_own_folders_are_source_target_and_validation(tmp_path):
    write(tmp_path / "clean", ["a.png", "deeper/b.png"], 50)
    write(tmp_path / "noisy", ["input/a.png"], 100)
    write(tmp_path / "noisy", ["target/a.png"], 200)
    data = Data(source=str(tmp_path / "clean"), target=str(tmp_path / "noisy"), validation=str(tmp_path / "noisy"))
    stream = training_stream(data, ALL, 16, seed=0)
    sample = stream[0]
    assert len(stream.sources[0].images) == 2
    assert torch.allclose(sample["clean"], torch.tensor(50 / 255))
    assert torch.allclose(sample["target"], torch.tensor(100 / 255))
    assert torch.allclose(sample["reference"], torch.tensor(200 / 255))
    assert [(pair.degraded.mean(), pair.reference.mean()) for pair in validation_pairs(data)] == [(100, 200)]


def test_file_cache_keeps_to_its_budget(tmp_path):
    write(tmp_path, [f"{index}.png" for index in range(5)])
    images = read_folder(tmp_path)
    images.budget = 2 * 24 * 32 * 3
    for index in (0, 1, 2, 3, 4, 0):
        assert images[index].shape == (24, 32, 3)
    assert images._bytes <= images.budget


def test_missing_folders_and_partners_are_named(tmp_path):
    with pytest.raises(WorkbenchError, match="no such folder"):
        read_folder(tmp_path / "nothing")
    with pytest.raises(WorkbenchError, match="holds no images"):
        read_folder(tmp_path)
    with pytest.raises(WorkbenchError, match="input/ is missing"):
        read_pairs(tmp_path)
    write(tmp_path, ["input/a.png", "input/b.png", "target/a.png"])
    with pytest.raises(WorkbenchError, match=r"b\.png has no partner"):
        read_pairs(tmp_path)


def test_data_sets_that_are_missing_are_named_with_their_command(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    assert data_root() == tmp_path
    (tmp_path / "div2k").mkdir()
    data = Data(source=["dataset:div2k", "dataset:wed", "dataset:bsds500"])
    with pytest.raises(WorkbenchError, match="wed, bsds500.*prepare wed; workbench data prepare bsds500"):
        training_stream(data, frozenset({"source"}), 16, seed=0)


def test_patches_that_are_missing_are_named_with_their_commands(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    (tmp_path / "div2k" / "train").mkdir(parents=True)
    data = Data(source=["dataset:div2k/train-patches", "dataset:wed-patches"])
    with pytest.raises(WorkbenchError) as error:
        training_stream(data, frozenset({"source"}), 16, seed=0)
    assert str(error.value) == (
        f"missing under {tmp_path}: div2k/train-patches, wed-patches; prepare with: workbench data cut"
        f" {tmp_path}/div2k/train; workbench data prepare wed; workbench data cut {tmp_path}/wed"
    )


def test_source_pairs_have_the_noise_they_claim():
    pairs = source_pairs(25.0)
    assert len(pairs) > 4
    noise = np.concatenate([(pair.degraded - pair.reference / np.float32(255)).ravel() for pair in pairs])
    assert noise.std() * 255 == pytest.approx(25.0, rel=0.01)
