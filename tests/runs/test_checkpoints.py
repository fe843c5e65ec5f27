"""Checkpoints and snapshots: a flipped bit is noticed, two generations are kept, older files are read."""

import random

import pytest
import torch
from safetensors.torch import save_file

from workbench.errors import WorkbenchError
from workbench.runs.checkpoints import previous, read_checkpoint, read_snapshot, write_checkpoint, write_snapshot

TRIES = 200
CONTENT = {
    "state_dict": {"weight": torch.arange(600.0), "bias": torch.ones(3)}, "global_step": 7, "random_state": [1, "a"],
}  # fmt: skip


def flipped(data, rng):
    bit = rng.randrange(8 * len(data))
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def same(content):
    return content["global_step"] == 7 and all(
        torch.equal(content["state_dict"][name], value) for name, value in CONTENT["state_dict"].items()
    )


def test_a_checkpoint_is_what_torch_reads(tmp_path):
    path = tmp_path / "last.ckpt"
    write_checkpoint(path, CONTENT)
    assert same(read_checkpoint(path)) and same(torch.load(path, weights_only=True))
    assert not previous(path).exists()


def test_every_flipped_bit_of_a_checkpoint_is_noticed(tmp_path):
    path, rng = tmp_path / "last.ckpt", random.Random(0)
    write_checkpoint(path, CONTENT)
    data = path.read_bytes()
    unnoticed = []
    for _ in range(TRIES):
        changed = flipped(data, rng)
        path.write_bytes(changed)
        try:
            # The one place left: a mark that is no mark any more says nothing of a content that is whole
            unnoticed.append(same(read_checkpoint(path)))
        except WorkbenchError as error:
            assert "last.ckpt: not a readable checkpoint" in str(error) and "\n" not in str(error)
    assert all(unnoticed) and len(unnoticed) <= TRIES // 50


def test_a_cut_checkpoint_is_noticed(tmp_path):
    path, rng = tmp_path / "last.ckpt", random.Random(1)
    write_checkpoint(path, CONTENT)
    data = path.read_bytes()
    for _ in range(50):
        path.write_bytes(data[: rng.randrange(len(data) - 100)])  # 71 bytes are the checksum
        with pytest.raises(WorkbenchError, match="not a readable checkpoint"):
            read_checkpoint(path)
    path.unlink()
    with pytest.raises(WorkbenchError, match="missing"):
        read_checkpoint(path)


def test_older_checkpoints_are_read_and_flipped_weights_noticed(tmp_path):
    path, rng = tmp_path / "last.ckpt", random.Random(2)
    torch.save(CONTENT, path)
    assert same(read_checkpoint(path))
    data = path.read_bytes()
    for _ in range(TRIES):
        path.write_bytes(flipped(data, rng))
        try:
            assert same(read_checkpoint(path)), "a bit of the archive's filling at most"
        except WorkbenchError:
            pass


def test_two_generations_are_kept(tmp_path, monkeypatch):
    path = tmp_path / "last.ckpt"
    for step in (7, 8, 9):
        write_checkpoint(path, CONTENT | {"global_step": step})
    assert [read_checkpoint(each)["global_step"] for each in (path, previous(path))] == [9, 8]

    def no_links(*_):
        raise OSError(1, "no hard links here")

    monkeypatch.setattr("os.link", no_links)
    write_checkpoint(path, CONTENT | {"global_step": 10})
    assert [read_checkpoint(each)["global_step"] for each in (path, previous(path))] == [10, 9]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["last.ckpt", "previous.ckpt"]


def test_a_full_disk_leaves_the_newest_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "last.ckpt"
    write_checkpoint(path, CONTENT)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(WorkbenchError, match=r"last\.ckpt: cannot be written \(No space left on device\)"):
        write_checkpoint(path, CONTENT | {"global_step": 8})
    assert same(read_checkpoint(path))


@pytest.mark.parametrize("content", [{"global_step": 7}, {"weights": torch.ones(1)}, [1], torch.ones(2)])
def test_what_is_no_checkpoint_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "last.ckpt")
    with pytest.raises(WorkbenchError, match="not one of the workbench"):
        read_checkpoint(tmp_path / "last.ckpt")


def test_flipped_bits_of_snapshots_are_noticed_and_older_ones_read(tmp_path):
    path, rng = tmp_path / "0000004.safetensors", random.Random(3)
    state = CONTENT["state_dict"]
    save_file(state, path)
    assert all(torch.equal(read_snapshot(path)[name], value) for name, value in state.items())
    write_snapshot(path, state)
    data, header = path.read_bytes(), 8 + int.from_bytes(path.read_bytes()[:8], "little")
    for _ in range(TRIES):
        path.write_bytes(data[:header] + flipped(data[header:], rng))
        with pytest.raises(WorkbenchError, match="not a readable snapshot"):
            read_snapshot(path)
