"""Files of strangers: pipes, devices, links to themselves, odd names and weights are named, and the rest is done."""

import json
import os
import shutil
import socket

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from data_tools.prepare import prepare
from workbench import nets
from workbench.errors import WorkbenchError
from workbench.images import list_images, write_png
from workbench.recipes import load_recipe, save_recipe
from workbench.restorers import Restorer, load_restorer, save_restorer
from workbench.runs.processes import LOG, log_tail
from workbench.runs.states import Watcher
from workbench.training import fit

BLACK = np.zeros((20, 20, 3), np.uint8)


@pytest.fixture
def restorer(tmp_path):
    path = tmp_path / "r.safetensors"
    network = {"name": "unet-s", "width": 4, "depth": 2}
    save_restorer(path, Restorer.of(nets.build(**network), network), provenance={})
    return path


@pytest.fixture
def odd(tmp_path):
    """A folder of good pictures with odd names, and of what is no picture."""
    folder = tmp_path / "odd"
    (folder / "sub").mkdir(parents=True)
    for name in (b"good.png", b"latin\xe9.png", b"new\nline.png", b"-dash.png", b"n" * 250 + b".png"):
        write_png(folder / os.fsdecode(name), BLACK)
    spoil(folder)
    os.symlink("..", folder / "sub" / "up")
    return folder


BAD = ("dangling", "device", "loop", "pipe", "socket")


def spoil(folder):
    os.mkfifo(folder / "pipe.png")
    os.symlink("loop.png", folder / "loop.png")
    os.symlink("nowhere.png", folder / "dangling.png")
    os.symlink("/dev/zero", folder / "device.png")
    here = os.getcwd()
    os.chdir(folder)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket.png")
    os.chdir(here)


def test_restore_names_what_is_no_picture_and_does_the_rest(call, restorer, odd, tmp_path):
    status, _, err = call("restore", restorer, odd, "--output", tmp_path / "out")
    assert status == 1 and len(os.listdir(tmp_path / "out")) == 5
    lines = err.splitlines()
    assert len(lines) == 5 and all(line.startswith("workbench: ") for line in lines)
    for name, line in zip(BAD, lines, strict=True):
        assert f"{name}.png: cannot be read (" in line


def test_evaluate_and_check_do_the_rest(call, restorer, odd, tmp_path):
    for side in ("input", "target"):
        (tmp_path / "pairs" / side).mkdir(parents=True)
        write_png(tmp_path / "pairs" / side / "good.png", BLACK)
        spoil(tmp_path / "pairs" / side)
    status, out, err = call("evaluate", restorer, "--data", tmp_path / "pairs", "--metrics", "psnr")
    assert status == 1 and "good.png" in out and len(err.splitlines()) == 5
    status, out, _ = call("data", "check", tmp_path / "pairs")
    assert status == 1 and all(f"{name}.png: cannot be read" in out for name in BAD)


def test_folders_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    for name in ("a", "closed", "z"):
        (tmp_path / name).mkdir()
        write_png(tmp_path / name / "p.png", BLACK)
    scan = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    named = []
    found = list_images(tmp_path, unreadable=lambda path, error: named.append((path.name, str(error))))
    assert [path.parent.name for path in found] == ["a", "z"]
    assert named == [("closed", f"{tmp_path / 'closed'}: cannot be read (Permission denied)")]
    with pytest.raises(WorkbenchError, match="closed: cannot be read"):
        list_images(tmp_path)
    with pytest.raises(WorkbenchError, match="closed: cannot be read"):
        list_images(tmp_path / "closed", unreadable=lambda *_: pytest.fail("it is the folder that was asked for"))


def test_prepare_leaves_out_what_is_no_file(tmp_path):
    for side in ("input", "target"):
        (tmp_path / "got" / "train" / side).mkdir(parents=True)
        write_png(tmp_path / "got" / "train" / side / "good.png", BLACK)
        spoil(tmp_path / "got" / "train" / side)
    os.mkfifo(tmp_path / "got" / "pipe.zip")
    report = prepare("gopro/train", tmp_path / "root", tmp_path / "got", progress=False)
    assert not report.ok and report.parts[0].count == 1
    assert [path.name for path in list_images(tmp_path / "root")] == ["good.png", "good.png"]
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WorkbenchError, match="pipe: cannot be read"):
        prepare("gopro/test", tmp_path / "root", tmp_path / "pipe", progress=False)


@pytest.fixture
def runs(tmp_path):
    """One good run among odd ones."""
    runs = tmp_path / "runs"
    for name in ("good", "pipes", "recipe-is-pipe", "recipe-is-folder", "recipe-is-loop", "values"):
        (runs / name).mkdir(parents=True)
    for name in ("good", "pipes", "values"):
        save_recipe(load_recipe("denoise-pocket"), runs / name / "recipe.yaml")
    (runs / "good" / "summary.json").write_text('{"status": "finished", "steps": 3}')
    (runs / "pipes" / "events").mkdir()
    for name in ("summary.json", "process.json", "format", "restorer.json", "events/events.out.tfevents.1", LOG):
        os.mkfifo(runs / "pipes" / name)
    (runs / "pipes" / "restorer.safetensors").touch()
    os.mkfifo(runs / "recipe-is-pipe" / "recipe.yaml")
    (runs / "recipe-is-folder" / "recipe.yaml").mkdir()
    os.symlink("recipe.yaml", runs / "recipe-is-loop" / "recipe.yaml")
    (runs / "values" / "summary.json").write_text('{"status": ["x"], "steps": "y", "provenance": 3}')
    (runs / "values" / "evaluations").touch()
    os.symlink("..", runs / "up")
    os.symlink("itself", runs / "itself")
    return runs


def test_odd_runs_leave_tables_and_lists_of_the_others(call, runs, restorer):
    status, out, err = call("tables", "--runs", runs)
    assert status == 0 and out and "good" in err
    for suffix in (".safetensors", ".json"):
        shutil.copy(restorer.with_suffix(suffix), runs / "good" / f"restorer{suffix}")
    status, out, err = call("restorers", "--runs", runs)
    assert status == 1 and str(runs / "good") in out and "runs/pipes" in err and err.count("\n") == 1
    watcher = Watcher(runs)
    states = {state.name: state for state in watcher.states()}
    assert states["good"].status == "finished" and {"pipes", "values"} < states.keys()
    assert [watcher.progress(states[name]).step for name in ("good", "pipes", "values")] == [3, 0, 0]
    assert log_tail(watcher.run("pipes")) == ""
    for name in ("recipe-is-pipe", "itself"):
        with pytest.raises(WorkbenchError):
            watcher.run(name)


@pytest.mark.parametrize("data_range", ["[1, 0]", "[0, 0]", "[NaN, 1]", "[0, Infinity]", "[0, 1e-320]", "[0, 1e400]",
                                        '["a", 1]', "[0]", "null", "[true, false]", f"[0, {10**400}]"])  # fmt: skip
def test_data_ranges_are_finite_and_rising(restorer, data_range):
    card = restorer.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | {"data_range": "here"}).replace('"here"', data_range))
    with pytest.raises(WorkbenchError, match=r"r\.json: .*(data.range|NoneType)"):
        load_restorer(restorer)


@pytest.mark.parametrize("kind", [torch.int64, torch.bool, torch.complex64, "0d", "empty", "name"])
def test_odd_weights_are_refused(restorer, kind):
    state = load_file(restorer)
    first = next(iter(state))
    odd = {"0d": torch.tensor(1.0), "empty": torch.zeros(0), "name": torch.zeros(1)}
    state["odd \n name" if kind == "name" else first] = odd[kind] if isinstance(kind, str) else state[first].to(kind)
    save_file(state, restorer)
    card = restorer.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | {"sha256": None}))
    with pytest.raises(WorkbenchError, match=r"r\.safetensors: its weights do not fit"):
        load_restorer(restorer)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("restorer.width=0", "layers without channels"),
        ("restorer.width=-1", "does not take"),
        ("restorer.width=1000000", "more memory than this machine has"),
        ("training.batch_size=1000000000000", "a batch of patches takes"),
        ("training.patch_size=1000000000", "a batch of patches takes"),
    ],
)
def test_sizes_that_no_machine_has_are_refused_at_once(tmp_path, setting, message):
    with pytest.raises(WorkbenchError, match=message):
        fit(load_recipe("denoise-pocket", [setting], method="vanilla"), tmp_path, "a")
    assert not (tmp_path / "a" / "recipe.yaml").exists()


def test_out_of_memory_in_training_names_what_to_change(tmp_path, monkeypatch):
    def full(*_args, **_keywords):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")

    monkeypatch.setattr("workbench.training.fitting._prepare", full)
    with pytest.raises(WorkbenchError, match=r"not enough memory for batches of 16 .*make training\.batch_size"):
        fit(load_recipe("denoise-pocket", ["training.batch_size=16"], method="vanilla"), tmp_path, "a")
