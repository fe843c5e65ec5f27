"""Reading event files: all that TensorBoard's own writer wrote, once, while it grows, and when it is damaged."""

import io
import struct

import numpy as np
import pytest
from PIL import Image as PillowImage
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from workbench.errors import WorkbenchError
from workbench.runs.events import EventReader, read_scalars, smoothed, thinned


def write(folder, steps, tag="loss/total", scale=1.0, suffix=""):
    with SummaryWriter(folder, filename_suffix=suffix) as writer:
        for step in steps:
            writer.add_scalar(tag, scale * step, step, walltime=1000.0 + scale + step)


def only_file(folder):
    (path,) = folder.glob("events.out.tfevents.*")
    return path


def test_it_reads_what_tensorboard_reads(tmp_path):
    rng = np.random.default_rng(0)
    with SummaryWriter(tmp_path) as writer:
        for step in range(1, 200):
            writer.add_scalar("a", rng.normal(), step)
            if step % 10 == 0:
                writer.add_scalar("b/c", rng.normal(), step)
    theirs = EventAccumulator(str(tmp_path), size_guidance={"scalars": 0})
    theirs.Reload()
    table = read_scalars(tmp_path)
    for tag in ("a", "b/c"):
        ours, expected = table[table.tag == tag], theirs.Scalars(tag)
        assert ours.step.tolist() == [event.step for event in expected]
        np.testing.assert_allclose(ours.value, [event.value for event in expected], rtol=1e-6)
        np.testing.assert_allclose(ours.time, [event.wall_time for event in expected])


def test_no_folder_is_no_curves(tmp_path):
    reader = EventReader(tmp_path / "missing")
    assert not reader.refresh()
    assert reader.tags == [] and reader.scalars().columns.tolist() == ["tag", "step", "value", "time"]
    assert len(reader.series("loss/total")[0]) == 0


def test_only_what_is_new_is_read_and_half_a_record_waits(tmp_path):
    write(tmp_path / "whole", range(1, 6))
    content = only_file(tmp_path / "whole").read_bytes()
    path = tmp_path / "events.out.tfevents.1"
    seen = []
    reader = EventReader(tmp_path)
    for end in range(0, len(content) + 1, 7):  # the file grows by 7 bytes at a time
        path.write_bytes(content[:end]) if end == 0 else path.open("ab").write(content[end - 7 : end])
        if reader.refresh():
            seen.append(len(reader.series("loss/total")[0]))
    path.open("ab").write(content[end:])
    reader.refresh()
    assert reader.series("loss/total")[0].tolist() == [1, 2, 3, 4, 5]
    assert seen == sorted(set(seen)) and len(seen) >= 4
    assert not reader.refresh() and reader.problems == []


def test_a_step_logged_twice_keeps_the_later_value(tmp_path):
    write(tmp_path, range(1, 7))
    reader = EventReader(tmp_path)
    reader.refresh()
    write(tmp_path, range(4, 9), scale=10.0, suffix=".later")
    assert reader.refresh()
    steps, values, _ = reader.series("loss/total")
    assert steps.tolist() == list(range(1, 9))
    assert values.tolist() == [1, 2, 3, 40, 50, 60, 70, 80]


def test_a_run_that_is_made_again_is_read_again(tmp_path):
    write(tmp_path, range(1, 9))
    reader = EventReader(tmp_path)
    reader.refresh()
    version = reader.version
    only_file(tmp_path).unlink()
    write(tmp_path, range(1, 3))
    assert reader.refresh() and reader.version > version
    assert reader.series("loss/total")[0].tolist() == [1, 2]


@pytest.mark.parametrize("spoil", ["length", "record"])
def test_a_damaged_record_ends_the_file_and_is_named(tmp_path, spoil):
    write(tmp_path, range(1, 9))
    path = only_file(tmp_path)
    content = bytearray(path.read_bytes())
    position = 0
    for _ in range(4):  # to the start of the fifth record
        position += struct.unpack_from("<Q", content, position)[0] + 16
    if spoil == "length":
        content[position : position + 8] = b"\xff" * 8
    else:
        content[position + 12 : position + 20] = b"\xff" * 8
    path.write_bytes(content)
    reader = EventReader(tmp_path)
    reader.refresh()
    assert reader.series("loss/total")[0].tolist() == [1, 2, 3]  # the first record holds the version
    assert len(reader.problems) == 1 and str(path) in reader.problems[0]
    assert not reader.refresh()


def test_pictures_are_found_by_tag_and_step(tmp_path):
    rng = np.random.default_rng(0)
    pixels = {step: rng.integers(0, 256, (8, 9, 3), dtype=np.uint8) for step in (0, 5)}
    with SummaryWriter(tmp_path) as writer:
        for step, picture in pixels.items():
            writer.add_image("target/cat", picture, step, dataformats="HWC")
            writer.add_scalar("loss/total", 1.0, step)
    reader = EventReader(tmp_path)
    reader.refresh()
    assert reader.pictures == {"target/cat": [0, 5]}
    for step, picture in pixels.items():
        shown = PillowImage.open(io.BytesIO(reader.picture("target/cat", step)))
        np.testing.assert_array_equal(np.asarray(shown), picture)
    with pytest.raises(WorkbenchError, match="step 3"):
        reader.picture("target/cat", 3)


def test_a_record_larger_than_a_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.runs.events._CHUNK", 64)
    write(tmp_path, range(1, 50))
    with SummaryWriter(tmp_path, filename_suffix=".pictures") as writer:
        noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
        writer.add_image("noise", noise, 1, dataformats="HWC")
    reader = EventReader(tmp_path)
    reader.refresh()
    assert len(reader.series("loss/total")[0]) == 49 and reader.pictures == {"noise": [1]}


def test_thinning_keeps_ends_and_spikes():
    values = np.sin(np.arange(100_000) / 5000)
    values[33_333], values[66_666] = 50, -50
    kept = thinned(np.arange(100_000), values, 1000)
    assert len(kept) <= 1000 and np.all(np.diff(kept) > 0)
    assert {0, 33_333, 66_666, 99_999} <= set(kept.tolist())
    assert thinned(np.arange(10), np.arange(10.0), 1000).tolist() == list(range(10))


def test_smoothing_has_no_bias_at_its_start_and_passes_over_nan():
    constant = np.full(50, 3.0)
    np.testing.assert_allclose(smoothed(constant, 0.9), constant)
    holes = constant.copy()
    holes[7] = np.nan
    np.testing.assert_allclose(smoothed(holes, 0.9), constant)
    noise = np.random.default_rng(0).normal(size=5000)
    assert smoothed(noise, 0.99)[500:].std() < 0.2
    np.testing.assert_array_equal(smoothed(noise, 0), noise)
    with pytest.raises(WorkbenchError, match="smoothing"):
        smoothed(noise, 1.0)
