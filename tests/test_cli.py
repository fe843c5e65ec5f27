import json
import resource
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.io
import torch
from support import TINY

from workbench import nets
from workbench.cli import main
from workbench.images import read_image, write_png
from workbench.restorers import Restorer, load_restorer, save_restorer


@pytest.fixture
def restorer(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "restorer.safetensors"
    save_restorer(path, Restorer.of(nets.build("unet-s", width=4), {"name": "unet-s", "width": 4}), provenance={})
    return path


def one_line(err):
    lines = [line for line in err.splitlines() if line.startswith("workbench: ")]
    return len(lines) == 1 and "Traceback" not in err


@pytest.mark.parametrize("command", [["--help"], ["recipes"], ["data", "list"], ["train", "--help"]])
def test_commands_without_torch_answer_within_a_second(command, tmp_path):
    """A second of a processor, which others may want, too; the first call may compile, and a start may be a bad one."""
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-m", "workbench", *command], capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 0 and done.stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if seconds < 1:
            return
    pytest.fail(f"{seconds:.1f} s")


_BEGUN = """
import sys
from workbench.cli.commands import app
for arguments, without in ((["--help"], "numpy pydantic"), (["data", "list"], "numpy"), (["recipes"], "")):
    app(arguments, standalone_mode=False)
    waited = {"torch", "lightning", "diffusers", "scipy", "pandas", "PIL", *without.split()} & sys.modules.keys()
    assert not waited, (arguments, waited)
"""


def test_cheap_commands_wait_for_nothing_that_they_do_not_need(tmp_path):
    done = subprocess.run([sys.executable, "-c", _BEGUN], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-500:]
    assert "denoise-pocket" in done.stdout and "SIDD" in done.stdout.upper()


def test_recipes_are_listed(call):
    status, out, _ = call("recipes")
    assert status == 0
    head, _, *lines = out.splitlines()
    place = head.index("method")
    methods = {line.split()[0]: line[place:].split()[0] for line in lines}
    assert methods["denoise-paper"] == "noise-space" and methods["condition-quality-pocket"] == "condition-quality"


def test_train_then_evaluate_then_restore(call, tmp_path, pairs):
    settings = [part for setting in TINY for part in ("--set", setting)]
    runs = ["--runs", tmp_path / "runs", "--name", "mine"]
    status, out, _ = call("train", "denoise-pocket", *runs, *settings, "--method", "vanilla", "--seed", "3")
    assert status == 0 and "8 steps" in out and "dB" in out
    run = tmp_path / "runs" / "mine"
    assert json.loads((run / "summary.json").read_text())["seed"] == 3

    report = tmp_path / "out" / "report.json"
    status, out, _ = call("evaluate", run, "--data", pairs, "--json", report)
    assert status == 0 and "PSNR" in out
    numbers = json.loads(report.read_text())
    assert numbers["protocol"] == "rgb" and [image["name"] for image in numbers["images"]] == ["a.png", "b.png"]
    assert set(numbers["images"][0]) == {"name", "psnr", "ssim", "lpips"}
    assert numbers["mean"]["psnr"] == pytest.approx(sum(image["psnr"] for image in numbers["images"]) / 2)

    status, _, _ = call("restore", run, pairs / "input", "--output", tmp_path / "restored")
    assert status == 0
    assert read_image(tmp_path / "restored" / "a.png").pixels.shape == (40, 50, 3)


def test_half_precision_gives_nearly_the_same_picture(call, restorer, pairs, tmp_path):
    for precision in ("32-true", "bf16-mixed"):
        where = ("--output", tmp_path / precision)
        assert call("restore", restorer, pairs / "input", *where, "--precision", precision)[0] == 0
    whole, half = (read_image(tmp_path / name / "a.png").pixels.astype(int) for name in ("32-true", "bf16-mixed"))
    assert 0 < np.abs(whole - half).max() <= 8
    status, _, err = call("restore", restorer, pairs / "input", *where, "--precision", "16")
    assert status == 2 and one_line(err) and "--precision 16: choose 32-true or bf16-mixed" in err


def test_a_training_of_no_steps_tells_no_scores(call, tmp_path, monkeypatch):
    measured = {"target_images": 1, "source_images": 1}
    run = SimpleNamespace(folder=tmp_path, summary={"steps": 0, "seconds": 0.0, "validation": measured})
    monkeypatch.setattr("workbench.training.fit", lambda *_, **__: run)
    told = f"{tmp_path}: 0 steps in 0 s"
    assert call("train", "drdd-denoise-pocket", "--set", "options.drdd.stages=apart")[:2] == (0, told + "\n")
    measured["target_psnr"] = 20.0
    assert call("train", "drdd-denoise-pocket")[1] == f"{told}; target 20.00 dB on 1 held-out pictures\n"


def test_train_on_own_folders(call, tmp_path, pairs):
    settings = [part for setting in TINY for part in ("--set", setting)]
    for key in ("source", "target", "validation"):
        settings += ["--set", f"data.{key}={pairs / 'target' if key == 'source' else pairs}"]
    status, _, err = call("train", "denoise-pocket", "--runs", tmp_path / "runs", *settings)
    assert status == 0, err


@pytest.mark.parametrize("protocol", ["rgb", "y", "blocks"])
def test_protocols(call, restorer, pairs, tmp_path, protocol):
    status, out, _ = call("evaluate", restorer, "--data", pairs, "--protocol", protocol, "--json", tmp_path / "r.json")
    assert status == 0
    assert json.loads((tmp_path / "r.json").read_text())["protocol"] == protocol


def test_some_failed_inputs_do_not_stop_the_others(call, restorer, pairs, tmp_path):
    (pairs / "input" / "b.png").write_bytes(b"broken")
    status, _, err = call("restore", restorer, pairs / "input", "--output", tmp_path / "restored")
    assert status == 1 and one_line(err) and "b.png" in err
    assert (tmp_path / "restored" / "a.png").exists() and not (tmp_path / "restored" / "b.png").exists()
    status, out, err = call("evaluate", restorer, "--data", pairs)
    assert status == 1 and one_line(err) and "b.png" in err
    assert "a.png" in out


def test_import_official(call, golden, tmp_path):
    output = tmp_path / "imported" / "restorer.safetensors"
    status, out, _ = call("import-official", golden / "official_width8.pth", "--output", output)
    assert status == 0 and "width 8" in out
    status, _, _ = call("restore", output, golden / "official_input.png", "--output", tmp_path)
    restored = read_image(tmp_path / "official_input.png").pixels
    expected = np.load(golden / "official_expected.npy").clip(0, 1)
    assert np.abs(restored / 255 - expected).max() < 0.51 / 255


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["train"], "Missing argument 'RECIPE'"),
        (["train", "denoise-pocket", "--speed", "9"], "No such option"),
        (["train", "nothing"], "no recipe is called 'nothing'"),
        (["train", "denoise-pocket", "--set", "training.max_steps=no"], "training.max_steps"),
        (["train", "denoise-pocket", "--method", "magic"], "no method is called 'magic'"),
        (["train", "denoise-paper"], "workbench data prepare div2k"),
        (["train", "denoise-pocket", "--set", "data.source=/no/where"], "/no/where: no such folder"),
        (["evaluate", "nowhere", "--data", "."], "nowhere: no restorer here"),
        (["restore", "nowhere", "a.png", "--output", "."], "nowhere: no restorer here"),
        (["restore", ".", "a.png", "--output", ".", "--device", "tpu"], "--device tpu: choose one of auto, cpu, cuda"),
        (["export", "dnd", "nowhere", "--output", "."], "workbench data prepare dnd"),
        (["export", "dnd", "nowhere", "--data", ".", "--output", "."], "nowhere: no restorer here"),
        (["import-official", "nothing.pth", "--output", "x.safetensors"], "nothing.pth: no such file"),
        (["import-official", "nothing.pth", "--output", "x.pth"], "must end in .safetensors"),
        (["import-official", "nothing.pth", "--output", "x.safetensors", "--data-range", "1"], "two rising numbers"),
    ],
)
def test_wrong_calls_are_one_line_and_status_2(call, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)
    status, _, err = call(*arguments)
    assert status == 2
    assert one_line(err) and message in err


def test_evaluate_refuses_a_folder_without_pairs_and_a_wrong_protocol(call, restorer, pairs, tmp_path):
    for arguments, message in (
        (["--data", tmp_path / "none"], "none"),
        (["--data", pairs, "--protocol", "xyz"], "xyz"),
    ):
        status, _, err = call("evaluate", restorer, *arguments)
        assert status == 2 and one_line(err) and message in err


def test_a_missing_gpu_is_one_line_and_the_cpu_is_named(call, restorer, pairs, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    commands = {
        "evaluate": ["--data", pairs],
        "restore": [pairs / "input", "--output", tmp_path / "out"],
        "export": ["--output", tmp_path / "out"],
    }
    for command, arguments in commands.items():
        name = [command, "dnd"] if command == "export" else [command]
        status, _, err = call(*name, restorer, *arguments, "--device", "cuda")
        assert status == 2 and one_line(err) and "no CUDA device is found here; use auto or cpu" in err
        assert not (tmp_path / "out").exists()
    assert call("restore", restorer, *commands["restore"], "--device", "cpu")[0] == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_devices_agree(call, restorer, pairs, tmp_path):
    for device in ("cpu", "cuda"):
        assert call("evaluate", restorer, "--data", pairs, "--device", device, "--json", tmp_path / device)[0] == 0
    cpu, cuda = (json.loads((tmp_path / device).read_text())["mean"]["psnr"] for device in ("cpu", "cuda"))
    assert cuda == pytest.approx(cpu, abs=0.01)


def test_export_dnd(call, restorer, tmp_path, monkeypatch):
    from workbench.evaluation import dnd
    from workbench.restore import restore_array

    for name, value in {"PHOTOGRAPHS": 1, "BOXES": 2, "SIDE": 16}.items():
        monkeypatch.setattr(dnd, name, value)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    (tmp_path / "dnd" / "images").mkdir(parents=True)
    crops = np.random.default_rng(0).integers(0, 65536, (2, 16, 16, 3), np.uint16)
    for box, crop in enumerate(crops, 1):
        write_png(tmp_path / "dnd" / "images" / f"0001_{box:02d}.png", crop)
    status, out, _ = call("export", "dnd", restorer, "--output", tmp_path / "submission", "--device", "cpu")
    assert status == 0 and "1 files" in out
    made = scipy.io.loadmat(tmp_path / "submission" / "0001.mat")["Idenoised"][0]
    network, _ = load_restorer(restorer)
    for crop, result in zip(crops, made, strict=True):
        expected = restore_array(network, crop / np.float32(65535)).clip(0, 1)
        np.testing.assert_allclose(result, expected, atol=1e-6)


def test_debug_shows_the_traceback(monkeypatch):
    from workbench.errors import WorkbenchError

    monkeypatch.setattr(sys, "argv", ["workbench", "train", "nothing", "--debug"])
    with pytest.raises(WorkbenchError):
        main()
