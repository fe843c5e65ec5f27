"""Trainings as processes: found again by number and start time, stopped, never mistaken for another process."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest
from torch.utils.tensorboard import SummaryWriter

from apps.runs import state_table
from workbench.errors import WorkbenchError
from workbench.recipes import load_recipe, save_recipe
from workbench.runs import Run, processes
from workbench.runs.states import FINISHED, RUNNING, STOPPED, Watcher


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "runs", "a")


def make_run(runs, name, **summary):
    folder = runs / name
    folder.mkdir(parents=True)
    save_recipe(load_recipe("denoise-pocket"), folder / "recipe.yaml")
    if summary:
        (folder / "summary.json").write_text(json.dumps(summary))
    return Run(folder)


@pytest.fixture
def sleeper():
    """A process that stands for a training."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def log_steps(run, steps, seconds=0.5, begin=None):
    begin = time.time() - seconds * len(steps) if begin is None else begin
    with SummaryWriter(run.events) as writer:
        for index, step in enumerate(steps):
            writer.add_scalar("time/seconds_per_step", 0.05, step, walltime=begin + seconds * index)


def test_a_living_process_is_found_and_stopped(run, sleeper):
    watcher = Watcher(run.folder.parent)
    assert watcher.state("a").status == STOPPED
    processes.record_process(run.folder, sleeper.pid, total_steps=600)
    state = watcher.state("a")
    assert (state.status, state.local, state.total_steps) == (RUNNING, True, 600)
    with pytest.raises(WorkbenchError, match="being trained already"):
        processes.resume(run)
    with pytest.raises(WorkbenchError, match="stop it first"):
        processes.delete(run)
    processes.stop(run)
    assert sleeper.wait(10) == -15
    assert watcher.state("a").status == STOPPED


def test_another_process_of_the_same_number_is_left_alone(run, sleeper):
    processes.record_process(run.folder, sleeper.pid)
    record = json.loads((run.folder / processes.RECORD).read_text())
    (run.folder / processes.RECORD).write_text(json.dumps(record | {"created": record["created"] - 100}))
    assert processes.living_process(run) is None
    with pytest.raises(WorkbenchError, match="no process of this machine"):
        processes.stop(run)
    assert sleeper.poll() is None


def test_a_process_that_ended_and_was_not_waited_for_is_not_living(run):
    process = subprocess.Popen([sys.executable, "-c", ""])
    processes.record_process(run.folder, process.pid)
    while processes.psutil.Process(process.pid).status() != processes.psutil.STATUS_ZOMBIE:
        time.sleep(0.02)
    assert processes.living_process(run) is None
    process.wait()


def test_a_run_of_another_machine_counts_as_running_while_it_writes(run, sleeper):
    processes.record_process(run.folder, sleeper.pid)
    record = json.loads((run.folder / processes.RECORD).read_text())
    (run.folder / processes.RECORD).write_text(json.dumps(record | {"host": "elsewhere"}))
    log_steps(run, [10])
    state = Watcher(run.folder.parent).state("a")
    assert (state.status, state.local) == (RUNNING, False)
    with pytest.raises(WorkbenchError, match="no process of this machine"):
        processes.stop(run)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "created": 0, "host": 3, "more": 1}'])
def test_a_damaged_note_is_no_process(run, content):
    (run.folder / processes.RECORD).write_text(content)
    assert processes.living_process(run) is None
    assert Watcher(run.folder.parent).state("a").status == STOPPED


@pytest.mark.parametrize("name", ["", ".", "..", "../b", "/b", "a/b", ".hidden", "-x", "a b", "a\n", "x" * 101])
def test_a_name_cannot_lead_elsewhere(tmp_path, name):
    with pytest.raises(WorkbenchError, match="use letters"):
        processes.start(load_recipe("denoise-pocket"), tmp_path / "runs", name)
    assert not (tmp_path / "runs").exists()
    with pytest.raises(WorkbenchError, match="is not there"):
        Watcher(tmp_path / "runs").run(name)


def test_a_taken_name_is_refused(run):
    with pytest.raises(WorkbenchError, match="there already"):
        processes.start(load_recipe("denoise-pocket"), run.folder.parent, "a")


def test_a_finished_run_cannot_be_resumed(tmp_path):
    run = make_run(tmp_path, "done", status="finished", steps=600)
    with pytest.raises(WorkbenchError, match="finished already"):
        processes.resume(run)
    state = Watcher(tmp_path).state("done")
    assert (state.status, state.total_steps) == (FINISHED, 600)


def test_delete_takes_the_folder_and_nothing_behind_a_link(run, tmp_path):
    (run.folder.parent / "link").symlink_to(run.folder, target_is_directory=True)
    with pytest.raises(WorkbenchError, match="by hand"):
        processes.delete(Run(run.folder.parent / "link"))
    (tmp_path / "other").mkdir()
    with pytest.raises(WorkbenchError, match="by hand"):
        processes.delete(Run(tmp_path / "other"))
    processes.delete(run)
    assert not run.folder.exists() and (tmp_path / "other").is_dir()


def test_the_log_shows_the_last_state_of_a_bar(run):
    assert processes.log_tail(run) == ""
    (run.folder / processes.LOG).write_bytes(
        b"begin\n 1/9\r 2/9\r 3/9\r\nend\xff\n" + b"".join(b"%d\n" % n for n in range(50))
    )
    assert processes.log_tail(run, 53).splitlines()[:3] == ["begin", " 3/9", "end\ufffd"]
    assert processes.log_tail(run, 2) == "48\n49"


def test_progress_and_the_time_that_is_left(run, sleeper):
    processes.record_process(run.folder, sleeper.pid, total_steps=600)
    log_steps(run, [10, 20, 30], begin=1000.0)  # before a break of hours
    log_steps(run, list(range(40, 110, 10)))
    with SummaryWriter(run.events) as writer:
        for step, psnr in ((50, 30.0), (100, 31.5)):
            writer.add_scalar("validation/target_psnr", psnr, step)
    watcher = Watcher(run.folder.parent)
    state = watcher.state("a")
    assert state.recipe == "denoise-pocket", "before there is a summary"
    progress = watcher.progress(state)
    assert progress.target_psnr == 31.5 and "31.50 dB" in state_table([(state, progress)])
    assert progress.step == 100
    assert progress.steps_per_second == pytest.approx(20)
    assert progress.seconds_left == pytest.approx(25)
    assert progress.memory > 1_000_000


def test_running_runs_come_first_and_few_readers_are_kept(tmp_path, sleeper):
    runs = [make_run(tmp_path, name) for name in ("x", "y", "z")]
    processes.record_process(runs[1].folder, sleeper.pid)
    watcher = Watcher(tmp_path, most=2)
    assert watcher.states()[0].name == "y"
    for run in runs:
        log_steps(run, [1, 2])
        assert len(watcher.reader(run.name).series("time/seconds_per_step")[0]) == 2
    assert len(watcher._readers) == 2


def test_fifty_long_runs_are_read_in_seconds_and_then_at_once(tmp_path):
    """100,000 steps, logged every 100, 6 curves: once made, then linked under 50 names."""
    first = make_run(tmp_path, "r00")
    with SummaryWriter(first.events) as writer:
        for step in range(100, 100_001, 100):
            for tag in range(6):
                writer.add_scalar(f"loss/{tag}", np.sin(step / 1e4 + tag), step)
    for number in range(1, 50):
        run = make_run(tmp_path, f"r{number:02d}")
        run.events.mkdir()
        for path in first.events.iterdir():
            (run.events / path.name).hardlink_to(path)
    watcher = Watcher(tmp_path)
    begin = time.process_time()
    for state in watcher.states():
        assert len(watcher.reader(state.name).series("loss/3")[0]) == 1000
    first_time = time.process_time() - begin
    begin = time.process_time()
    for state in watcher.states():
        assert not watcher.reader(state.name).refresh()
    assert first_time < 20 and time.process_time() - begin < 2
