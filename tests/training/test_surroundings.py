"""`fit` is a function that others may call: what it changes of the process it gives back."""

import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from contextlib import suppress

import numpy as np
import pytest
import torch
from support import TINY

from workbench.errors import Interrupted, WorkbenchError
from workbench.recipes import load_recipe
from workbench.runs import Run
from workbench.training import fit, fitting
from workbench.training.fitting import FurtherProcess
from workbench.training.surroundings import FURTHER, Stopped, StopSignals, unchanged

LOGGERS = ["lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"]


def recipe(*settings):
    return load_recipe("denoise-pocket", [*TINY, *settings], method="vanilla")


def state():
    """What a caller may have set."""
    return {
        "threads": torch.get_num_threads(), "filters": list(warnings.filters), "hook": threading.excepthook,
        "levels": [logging.getLogger(name).level for name in LOGGERS],
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "environment": {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
        "python": random.getstate(), "numpy": np.random.get_state()[1].tolist(),
        "torch": torch.get_rng_state().tolist(),
    }  # fmt: skip


@pytest.fixture
def own_state():
    """A state that is nobody's default, put back afterwards."""
    before, threads = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)], torch.get_num_threads()
    levels = [logging.getLogger(name).level for name in LOGGERS]
    torch.set_num_threads(3)
    logging.getLogger(LOGGERS[0]).setLevel(17)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="nothing says this")
        yield state()
    for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
        signal.signal(number, handler)
    for name, level in zip(LOGGERS, levels, strict=True):
        logging.getLogger(name).setLevel(level)
    torch.set_num_threads(threads)


def test_a_training_leaves_all_as_it_was(tmp_path, own_state):
    assert fit(recipe(), tmp_path, "run").finished
    after = state()
    assert [name for name in own_state if own_state[name] != after[name]] == []


def test_a_training_that_fails_does_too(tmp_path, own_state):
    with pytest.raises(WorkbenchError, match="nowhere"):
        fit(recipe("data.source=/nowhere"), tmp_path, "run")
    with pytest.raises(ValueError, match="mine"), unchanged(), StopSignals():
        torch.set_num_threads(2)
        torch.rand(1), np.random.rand(), random.random()
        threading.excepthook = print
        raise ValueError("mine")
    after = state()
    assert [name for name in own_state if own_state[name] != after[name]] == []


def test_signals_stop_at_once_before_the_first_step_and_after_a_step_from_then_on(capsys):
    with pytest.raises(Stopped), StopSignals():
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), StopSignals():
        signal.raise_signal(signal.SIGINT)
    with StopSignals() as signals:
        signals.wait_for_steps()
        signal.raise_signal(signal.SIGTERM)
        assert signals.asked is signal.SIGTERM and "after this step" in capsys.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_sigterm_before_the_first_step_is_one_line_with_status_143(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.training.fitting._prepare", lambda _: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(Interrupted, match=r"run: stopped by SIGTERM before a step was trained") as caught:
        fit(recipe(), tmp_path, "run")
    assert caught.value.exit_status == 143
    monkeypatch.undo()
    assert fit(recipe(), tmp_path, "run").finished, "the same command goes on"


def test_sigterm_whose_exception_is_dropped_stops_the_training_when_it_starts(tmp_path, monkeypatch):
    prepare = fitting._prepare

    def dropping(resolved):
        with suppress(BaseException):  # as Python does in a destructor, or a library around an import
            signal.raise_signal(signal.SIGTERM)
        return prepare(resolved)

    monkeypatch.setattr(fitting, "_prepare", dropping)
    with pytest.raises(Interrupted, match="stopped by SIGTERM before a step was trained") as caught:
        fit(recipe(), tmp_path, "run")
    assert caught.value.exit_status == 143


@pytest.mark.parametrize("wait", [0.5, 4.0])
def test_a_command_that_is_terminated_before_it_trains_exits_143(tmp_path, wait):
    command = [sys.executable, "-m", "workbench", "train", "denoise-pocket", "--runs", str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    time.sleep(wait)
    process.terminate()
    _, said = process.communicate(timeout=120)
    # Python itself, not yet the command, dies of the signal
    assert process.returncode in (143, -signal.SIGTERM), said
    assert "Traceback" not in said and len(said.splitlines()) <= 2


def test_a_thread_may_train(tmp_path):
    trained = []
    thread = threading.Thread(target=lambda: trained.append(fit(recipe(), tmp_path, "run")))
    thread.start()
    thread.join()
    assert trained[0].finished


def test_a_local_rank_alone_makes_no_further_process(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.training.fitting._train", lambda *_: None)
    monkeypatch.setenv("LOCAL_RANK", "1")
    run = fit(recipe(), tmp_path, "run")
    assert (run.folder / "recipe.yaml").exists(), "it owns its folder"
    monkeypatch.setenv(FURTHER, str((tmp_path / "other").resolve()))
    with pytest.raises(FurtherProcess) as caught:
        fit(recipe("training.devices=2"), tmp_path, "other")
    assert caught.value.exit_status == 0 and not (tmp_path / "other").exists()


def test_a_deleted_run_folder_is_one_line(tmp_path, monkeypatch):
    def train(run, *_):
        import shutil

        shutil.rmtree(run.folder)
        run.write_summary({})

    monkeypatch.setattr("workbench.training.fitting._train", train)
    with pytest.raises(WorkbenchError, match="cannot be written .*; the run folder was deleted while it was trained"):
        fit(recipe(), tmp_path, "run")


READING = [
    "workbench.runs.folder", "workbench.runs.identity", "workbench.runs.states", "workbench.runs.measurements",
    "workbench.runs.evaluations", "workbench.runs.processes", "workbench.runs.provenance", "workbench.training",
]  # fmt: skip


def test_reading_runs_imports_neither_torch_nor_lightning(tmp_path):
    program = (
        f"import sys, {', '.join(READING)}\n"
        "from workbench.training import Run, list_runs\n"
        "from workbench.runs.states import Watcher\n"
        f"list_runs({str(tmp_path)!r}), Watcher({str(tmp_path)!r}).states()\n"
        "print([name for name in ('torch', 'lightning', 'diffusers', 'matplotlib', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_app_can_plan_and_name_trainings_without_what_takes_seconds_to_import():
    slow = ("lightning", "torchmetrics", "torchvision", "matplotlib", "scipy.stats")
    program = (
        "import sys\nfrom apps import planning, restorers\nimport workbench.colours, workbench.probes.intervals\n"
        f"print([name for name in {slow} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_and_reading_pictures_leaves_pillows_limit_alone(tmp_path):
    from PIL import Image

    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")
    program = (
        "from PIL import Image; Image.MAX_IMAGE_PIXELS = 1000\n"
        "from workbench.images import read_image\n"
        f"print(read_image({str(tmp_path / 'a.png')!r}).pixels.shape, Image.MAX_IMAGE_PIXELS)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(40, 40, 3) 1000"


def test_a_loading_process_hands_its_error_over_as_it_is(tmp_path):
    (tmp_path / "clean").mkdir()
    (tmp_path / "clean" / "a.png").write_bytes(b"broken")
    said = []
    for workers in (0, 1):
        with pytest.raises(WorkbenchError) as caught:
            fit(recipe(f"data.source={tmp_path / 'clean'}", f"training.workers={workers}"), tmp_path / "runs")
        said.append(str(caught.value))
    assert said[0] == said[1] and "a.png" in said[0] and "\n" not in said[0]
    assert not Run(tmp_path / "runs" / "denoise-pocket-vanilla-s0").finished
