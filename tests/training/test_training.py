import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch
from support import TINY

from workbench.errors import WorkbenchError
from workbench.methods import resolve
from workbench.methods.base import Diverged
from workbench.recipes import load_recipe
from workbench.restorers import load_restorer
from workbench.runs.processes import living_process
from workbench.training import Run, fit, list_runs


def recipe(*settings, method="noise-space", seed=0):
    return load_recipe("denoise-pocket", [*TINY, *settings], method=method, seed=seed)


def weights(run):
    return run.restorer().network.state_dict()


def curve(run, tag):
    scalars = run.scalars()
    return scalars[scalars.tag == tag].set_index("step").value.to_dict()


def equal(first, second):
    return all(torch.equal(first[key], second[key]) for key in first)


def arguments(runs, *extra, settings=()):
    command = [
        sys.executable,
        "-m",
        "workbench",
        "train",
        "denoise-pocket",
        "--runs",
        str(runs),
        "--name",
        "run",
        *extra,
    ]
    for setting in (*TINY, *settings):
        command += ["--set", setting]
    return command


LONG = ("training.max_steps=40", "training.validate_every=1000", "training.checkpoint_every=5")
OFTEN = "training.checkpoint_every=3"
# Dropout draws from torch's own random state, which a resumed run must take up again.
DROPOUT = ("options.noise-space.diffusion={name: diffusion-t, widths: [8, 8], blocks: 1, groups: 4, dropout: 0.2}",)


def wait_for_step(run, step, process):
    """Until the run's checkpoint has reached a step."""
    for _ in range(6000):
        assert process.poll() is None, "ended too early"
        if run.checkpoint.exists():
            try:
                if torch.load(run.checkpoint, weights_only=True)["global_step"] >= step:
                    return
            except (RuntimeError, EOFError, OSError):
                pytest.fail("a checkpoint was seen half written")
        time.sleep(0.05)
    pytest.fail("the run did not get there")


def test_run_folder_holds_what_the_contract_says(tmp_path):
    told = recipe("training.validate_every=4")
    run = fit(told, tmp_path)
    assert run.name == "denoise-pocket-noise-space-s0"
    for name in ("recipe.yaml", "checkpoints/last.ckpt", "restorer.safetensors", "restorer.json", "summary.json"):
        assert (run.folder / name).is_file()
    assert run.recipe == resolve(recipe("training.validate_every=4", "training.threads=1")), "as they were chosen"
    summary = json.loads((run.folder / "summary.json").read_text())
    assert summary["status"] == "finished" and summary["steps"] == 10 and summary["weights"] == "ema"
    assert summary["provenance"]["torch"] == torch.__version__
    restorer, card = load_restorer(run.folder)
    assert card["networks"]["restorer"]["network"] == {"name": "unet-pocket", "width": 4}
    assert card["provenance"]["seed"] == 0 and card["provenance"]["data"]["target"] == "simulated-camera"
    assert card["provenance"]["settings"] == {"options": run.recipe.options} and run.recipe.options
    scalars = run.scalars()
    expected = {
        "loss/loss", "loss/diffusion", "loss/contrast", "dial/diffusion_weight", "gradient_norm/restorer",
        "gradient_norm/diffusion", "validation/target_psnr", "validation/source_psnr", "time/seconds_per_step",
        "learning_rate/restorer", "validation/target_high_frequency_energy", "reliance/source_condition",
        "reliance/target_condition",
    }  # fmt: skip
    assert expected <= set(scalars.tag)
    assert scalars[scalars.tag == "validation/target_psnr"].step.tolist() == [0, 4, 8, 10]
    assert [found.name for found in list_runs(tmp_path)] == [run.name]
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run.events))
    events.Reload()
    assert any(tag.startswith("target/") for tag in events.Tags()["images"])


def test_training_changes_the_weights_and_seeds_differ(tmp_path):
    first = weights(fit(recipe(), tmp_path, "a"))
    assert equal(first, weights(fit(recipe(), tmp_path, "again")))
    assert not equal(first, weights(fit(recipe(seed=1), tmp_path, "b")))
    assert not equal(first, weights(fit(recipe(method="vanilla"), tmp_path, "c")))


def test_workers_do_not_change_the_result(tmp_path):
    alone = fit(recipe(method="vanilla"), tmp_path, "alone")
    several = fit(recipe("training.workers=2", method="vanilla"), tmp_path, "several")
    assert equal(weights(alone), weights(several))


def test_exported_weights_are_the_ones_the_summary_names(tmp_path):
    averaged = weights(fit(recipe("training.ema_decay=0.9"), tmp_path, "ema"))
    raw = weights(fit(recipe("training.ema_decay=0.9", "training.weights=raw"), tmp_path, "raw"))
    assert not equal(averaged, raw)
    checkpoint = torch.load(tmp_path / "raw" / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(checkpoint[f"restorer.{key}"], value) for key, value in raw.items())
    assert all(torch.equal(checkpoint[f"averaged.module.{key}"], value) for key, value in averaged.items())


@pytest.mark.usefixtures("warm_python")
def test_killed_and_resumed_equals_uninterrupted(tmp_path):
    settings = (*LONG, *DROPOUT)
    whole = fit(recipe(*settings), tmp_path, "whole")
    run = Run(tmp_path / "run")
    step = random.randint(5, 20)
    print(f"killed after step {step} or a little later")
    process = subprocess.Popen(arguments(tmp_path, settings=settings), stderr=subprocess.DEVNULL)
    wait_for_step(run, step, process)
    living_process(run).kill()
    assert process.wait() == -signal.SIGKILL
    assert not run.finished
    fit(recipe(*settings), tmp_path, "run", resume=True)
    assert equal(weights(whole), weights(run))
    states = [torch.load(each.checkpoint, weights_only=True) for each in (whole, run)]
    moments = [state["optimizer_states"][0]["state"] for state in states]
    assert all(torch.equal(moments[0][key]["exp_avg"], moments[1][key]["exp_avg"]) for key in moments[0])
    assert curve(whole, "loss/loss") == curve(run, "loss/loss")


@pytest.mark.usefixtures("warm_python")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_signals_write_a_checkpoint(tmp_path, number):
    settings = ("training.max_steps=5000", "training.validate_every=10000", "training.checkpoint_every=5")
    run = Run(tmp_path / "run")
    process = subprocess.Popen(arguments(tmp_path, settings=settings), stderr=subprocess.PIPE, text=True)
    wait_for_step(run, 5, process)
    process.send_signal(number)
    message = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number
    assert "Traceback" not in message
    assert f"stopped by {number.name} at step" in message and "--resume" in message
    step = run.summary["steps"]
    assert run.summary["status"] == "interrupted"
    assert torch.load(run.checkpoint, weights_only=True)["global_step"] == step > 5


def test_finished_run_is_returned_and_not_trained_again(tmp_path):
    run = fit(recipe(), tmp_path)
    before = run.weights.stat().st_mtime_ns
    assert fit(recipe(), tmp_path, resume=True).weights.stat().st_mtime_ns == before
    with pytest.raises(WorkbenchError, match="a run is already here; continue it with --resume"):
        fit(recipe(), tmp_path)
    with pytest.raises(
        WorkbenchError, match=r"differs from the recipe given at training\.batch_size \(4 there, 8 here"
    ):
        fit(recipe("training.batch_size=8"), tmp_path, resume=True)


def test_divergence_keeps_the_last_good_checkpoint(tmp_path):
    settings = ("training.learning_rate=1e25", "training.checkpoint_every=1", "training.schedule=constant")
    with pytest.raises(Diverged, match="the loss is .* at step .* lower training.learning_rate"):
        fit(recipe(*settings, method="vanilla"), tmp_path, "run")
    state = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert all(torch.isfinite(value).all() for value in state["state_dict"].values())


def test_full_disk_is_one_line_and_keeps_the_checkpoint(tmp_path, monkeypatch):
    from lightning.pytorch import Trainer

    save, saved = Trainer.save_checkpoint, []

    def save_until_full(self, path):
        if saved:
            raise OSError(28, "No space left on device")
        save(self, path)
        saved.append(path)

    monkeypatch.setattr(Trainer, "save_checkpoint", save_until_full)
    with pytest.raises(WorkbenchError, match="No space left on device.*the last checkpoint is kept"):
        fit(recipe(OFTEN), tmp_path, "run")
    assert torch.load(Run(tmp_path / "run").checkpoint, weights_only=True)["global_step"] == 3
    monkeypatch.undo()
    assert fit(recipe(OFTEN), tmp_path, "run", resume=True).finished


def test_curves_on_a_full_disk_are_one_line_without_a_traceback(tmp_path, monkeypatch):
    from tensorboard.summary.writer.record_writer import RecordWriter

    def full(self, data):
        raise OSError(28, "No space left on device")

    printed = []
    monkeypatch.setattr(threading, "excepthook", printed.append)
    monkeypatch.setattr(RecordWriter, "write", full)
    with pytest.raises(WorkbenchError, match="run: cannot be written .No space left on device"):
        fit(recipe(), tmp_path, "run")
    assert not printed


def test_a_loss_that_is_not_a_number_stops_before_the_weights_change(tmp_path, monkeypatch):
    from workbench.methods import Vanilla

    losses = Vanilla.losses
    monkeypatch.setattr(
        Vanilla,
        "losses",
        lambda self, batch, step: {"loss": losses(self, batch, step)["loss"] * (0 if step < 4 else float("nan"))},
    )
    with pytest.raises(Diverged, match="the loss is nan at step 4"):
        fit(recipe(OFTEN, method="vanilla"), tmp_path, "run")
    assert torch.load(Run(tmp_path / "run").checkpoint, weights_only=True)["global_step"] == 3


def test_a_failed_start_does_not_block_the_corrected_command(tmp_path):
    warm = "warm_start={max_steps: 2, batch_size: 2, patch_size: 16, validate_every: 100}"
    for wrong in ("data.target=/typo", "data.validation=/typo", "options.noise-space.diffusion.widht=3"):
        with pytest.raises(WorkbenchError, match="typo|widht"):
            fit(recipe(warm, wrong), tmp_path, "run")
    assert not (tmp_path / ".warm-starts").exists()
    assert fit(recipe(warm), tmp_path, "run").finished


def test_a_broken_image_is_one_line_with_loading_processes_too(tmp_path):
    (tmp_path / "clean").mkdir()
    (tmp_path / "clean" / "a.png").write_bytes(b"broken")
    with pytest.raises(WorkbenchError, match="a.png") as raised:
        fit(recipe(f"data.source={tmp_path / 'clean'}", "training.workers=1", method="vanilla"), tmp_path / "runs")
    assert "Traceback" not in str(raised.value)


def test_what_does_not_change_the_result_may_change_on_resume(tmp_path, capsys):
    run = fit(recipe(), tmp_path, "run")
    (run.folder / "summary.json").unlink()
    changed = ["training.threads=2", "training.checkpoint_every=2", "training.validate_every=3", "description=other"]
    assert fit(recipe(*changed), tmp_path, "run", resume=True).finished
    assert "goes on with training.threads=1 as it was begun" in capsys.readouterr().err
    written = Run(run.folder).recipe
    assert written.training.threads == 1 and written.training.checkpoint_every == 2
    assert fit(recipe(*changed), tmp_path, "run", resume=True).finished
    assert run.summary["validation"]["target_psnr"] > 10, "the last validation is in the checkpoint"


def test_two_processes_do_not_train_in_one_folder(tmp_path):
    from filelock import FileLock

    (tmp_path / "run").mkdir()
    with FileLock(tmp_path / "run" / ".lock"), pytest.raises(WorkbenchError, match="another process is training"):
        fit(recipe(), tmp_path, "run")


def test_a_broken_checkpoint_is_named_and_the_one_before_taken(tmp_path, capsys):
    run = fit(recipe(OFTEN), tmp_path, "run")
    (run.folder / "summary.json").unlink()
    before = weights(run)
    run.checkpoint.write_bytes(b"half")
    assert equal(before, weights(fit(recipe(OFTEN), tmp_path, "run", resume=True))), "the one before it is taken"
    assert "last.ckpt: damaged; goes on from the one before it, of step 9" in capsys.readouterr().err
    (run.folder / "summary.json").unlink()
    for checkpoint in run.checkpoint.parent.iterdir():
        checkpoint.write_bytes(b"half")
    with pytest.raises(WorkbenchError, match=r"last\.ckpt: not a readable checkpoint .*; delete it"):
        fit(recipe(OFTEN), tmp_path, "run", resume=True)


def test_warm_start_is_trained_once_and_shared(tmp_path):
    warm = "warm_start={max_steps: 6, batch_size: 2, patch_size: 16, learning_rate: 0.01, validate_every: 100}"
    still = "training.learning_rate=1e-12"  # the weights stay where they start
    vanilla = fit(recipe(warm, still, method="vanilla"), tmp_path, "vanilla")
    adapted = fit(recipe(warm, still), tmp_path, "adapted")
    assert vanilla.summary["warm_start"]["name"] == adapted.summary["warm_start"]["name"]
    (shared,) = [run for run in (tmp_path / ".warm-starts").iterdir() if run.is_dir()]
    for run in (vanilla, adapted):
        assert all(torch.allclose(value, weights(Run(shared))[key], atol=1e-6) for key, value in weights(run).items())
    finished = Run(shared).summary["finished_at"]
    slower = [f"warm_start.{key}" for key in ("workers=1", "threads=2", "log_every=3", "checkpoint_every=2")]
    again = fit(recipe(warm, still, *slower, "description=another"), tmp_path, "adapted-again")
    assert again.summary["warm_start"]["name"] == shared.name and Run(shared).summary["finished_at"] == finished
    other = fit(recipe(warm, still, seed=1), tmp_path, "other")
    assert other.summary["warm_start"]["name"] != vanilla.summary["warm_start"]["name"]
    assert [run.name for run in list_runs(tmp_path)] == ["adapted", "adapted-again", "other", "vanilla"]


def test_missing_data_sets_stop_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    with pytest.raises(WorkbenchError, match="div2k/train.*sidd/train.*workbench data prepare div2k/train; "):
        fit(load_recipe("denoise-paper"), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_paper_recipe_trains_once_its_data_are_there(tmp_path, monkeypatch):
    """Every part of the paper's recipe but its size: real folders, no warm start, raw weights, the paper's networks."""
    import numpy as np

    from workbench.data.domains import data_locations
    from workbench.images import write_png

    rng = np.random.default_rng(0)
    for place in data_locations(load_recipe("denoise-paper").data):
        folder = tmp_path / "data" / place.removeprefix("dataset:")
        sides = ("input", "target") if "sidd" in place else ("images",)
        for side in sides:
            (folder / side).mkdir(parents=True)
            write_png(folder / side / "a.png", rng.integers(0, 256, (40, 48, 3), np.uint8))
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    small = [
        "training.max_steps=2", "training.batch_size=2", "training.patch_size=32", "training.log_every=1",
        "training.workers=0", "restorer.width=4", "data.validation_images=1",
        "options.noise-space.diffusion.widths=[8, 8]",
        "options.noise-space.diffusion.groups=4",
    ]  # fmt: skip
    run = fit(load_recipe("denoise-paper", small), tmp_path / "runs")
    assert run.finished and run.summary["weights"] == "raw"


def test_bf16_training_stays_close_to_full_precision(tmp_path):
    full = fit(recipe(method="vanilla"), tmp_path, "full")
    half = fit(recipe("training.precision=bf16-mixed", method="vanilla"), tmp_path, "half")
    losses = [curve(run, "loss/loss") for run in (full, half)]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
    assert losses[0] != losses[1]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_trains_on_cuda(tmp_path, precision):
    assert fit(recipe(f"training.precision={precision}", "training.accelerator=gpu"), tmp_path).finished


@pytest.mark.usefixtures("warm_python")
def test_several_processes_train_like_one(tmp_path):
    """Gradients averaged over gloo processes, 2 or WORKBENCH_TEST_PROCESSES, are those of the joined batch."""
    processes = os.environ.get("WORKBENCH_TEST_PROCESSES", "2")
    settings = ("options.noise-space.margin=1.0", "training.accelerator=cpu", "training.ema_decay=0.5")
    alone = fit(recipe(*settings), tmp_path, "alone")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = arguments(tmp_path, settings=(*settings, f"training.devices={processes}"))
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert finished.returncode == 0, finished.stderr
    assert "workbench:" not in finished.stderr
    together = Run(tmp_path / "run")
    for tag in ("loss/contrast", "gradient_norm/restorer", "gradient_norm/diffusion"):
        expected, found = (curve(run, tag) for run in (alone, together))
        assert found == pytest.approx(expected, rel=1e-4), tag
    assert all(torch.allclose(value, weights(together)[key], atol=1e-5) for key, value in weights(alone).items())


def test_a_pretrained_restorer_takes_the_place_of_the_warm_start(tmp_path):
    first = fit(recipe("training.learning_rate=0.01", method="vanilla"), tmp_path, "first")
    warm = "warm_start={max_steps: 6, batch_size: 2, patch_size: 16}"
    still = recipe(warm, f"pretrained={first.folder}", "training.learning_rate=1e-12")
    adapted = fit(still, tmp_path, "adapted")
    assert adapted.summary["warm_start"] is None and not (tmp_path / ".warm-starts").exists()
    before = weights(first)
    assert all(torch.allclose(value, before[key], atol=1e-6) for key, value in weights(adapted).items())
    assert adapted.recipe.pretrained == str(first.folder)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (["pretrained=denoise-photographs-adapted"], "pretrained: denoise-photographs-adapted has the network"),
        (["pretrained=nlm"], "pretrained: nlm has the network of no training, not that of"),
        (["pretrained=nowhere"], "nowhere"),
    ],
)
def test_a_pretrained_restorer_that_does_not_fit_is_refused(settings, problem, tmp_path):
    with pytest.raises(WorkbenchError, match=problem):
        fit(recipe(*settings), tmp_path, "run")
    assert not (tmp_path / "run" / "recipe.yaml").exists()
