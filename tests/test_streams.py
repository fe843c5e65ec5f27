import itertools

import numpy as np
import pytest
import torch

from workbench.data.collections import Photographs, read_folder, read_pairs
from workbench.data.degradations import AdditiveWhiteGaussianNoise
from workbench.data.domains import data_root, source_pairs, training_stream, validation_pairs
from workbench.data.streams import PatchStream, step_batches
from workbench.errors import WorkbenchError
from workbench.images import write_png
from workbench.recipes.schema import Data

ALL = frozenset({"source", "target", "references", "diffusion", "unpaired"})


@pytest.fixture
def stream():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (40, 50, 3), np.uint8) for _ in range(4)]
    target = Photographs(images, "abcd")
    references = Photographs([image // 2 for image in images], "abcd")
    noise = AdditiveWhiteGaussianNoise((0, 75))
    return PatchStream(images, noise, 16, seed=5, target=target, references=references, parts=ALL)


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_a_sample_is_a_function_of_seed_and_index(stream):
    assert same(stream[7], stream[7])
    assert not same(stream[7], stream[8])
    stream.seed = 6
    other = stream[7]
    stream.seed = 5
    assert not same(stream[7], other)


def test_parts_do_not_change_each_other(stream):
    whole = stream[3]
    stream.parts = frozenset({"source"})
    alone = stream[3]
    assert set(alone) == {"clean", "degraded"}
    assert all(torch.equal(alone[key], whole[key]) for key in alone)


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
    stream = PatchStream([image], lambda clean, rng: clean, 4, seed=0)
    seen = {stream[index]["clean"].numpy().tobytes() for index in range(200)}
    assert len(seen) == 8


def test_crops_reach_every_border():
    image = np.zeros((20, 20, 3), np.uint8)
    image[0, 0], image[-1, -1] = 255, 128
    stream = PatchStream([image], lambda clean, rng: clean, 16, seed=0)
    brightest = {round(stream[index]["clean"].max().item() * 255) for index in range(200)}
    assert {255, 128} <= brightest


def test_small_images_are_continued_by_reflection():
    image = np.full((5, 9, 3), 51, np.uint8)
    clean = PatchStream([image], lambda clean, rng: clean, 16, seed=0)[0]["clean"]
    assert clean.shape == (3, 16, 16)
    assert torch.allclose(clean, torch.tensor(0.2))


def test_16_bit_images_are_scaled_to_one():
    image = np.full((16, 16, 3), 65535, np.uint16)
    assert PatchStream([image], lambda clean, rng: clean, 16, seed=0)[0]["clean"].max() == 1


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
    assert len(stream.source) == 2
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
    data = Data(source=["dataset:div2k", "dataset:wed", "dataset:bsd500"])
    with pytest.raises(WorkbenchError, match="wed, bsd500.*prepare wed; workbench data prepare bsd500"):
        training_stream(data, frozenset({"source"}), 16, seed=0)


def test_source_pairs_have_the_noise_they_claim():
    pairs = source_pairs(25.0)
    assert len(pairs) > 4
    noise = np.concatenate([(pair.degraded - pair.reference / np.float32(255)).ravel() for pair in pairs])
    assert noise.std() * 255 == pytest.approx(25.0, rel=0.01)
