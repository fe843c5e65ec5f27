"""Trainings as processes of their own: start, find again, stop, resume, delete.

Every training notes in its run folder, in ``process.json``, which process it is: number, time of its start, machine. A
process number alone would not do, for the system gives it to another process one day.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from workbench.devices import threads_alone
from workbench.errors import WorkbenchError
from workbench.files import cannot_write, read_json, write_json
from workbench.recipes import Recipe, save_recipe
from workbench.runs.folder import Run

RECORD, LOG = "process.json", "train.log"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")
_TAIL = 1 << 16
AGAIN = 60.0
"""Seconds in which a training that was asked to stop has done its step and written its checkpoint."""
_TOLERANCE = 2.0
"""Seconds by which two readings of one process's start may differ, since the system's clock is set now and then."""


@dataclass(frozen=True)
class ProcessRecord:
    """Which process trains a run.

    Attributes
    ----------
    pid : int
    created : float
        When it began, in seconds since the epoch.
    host : str
        Name of the machine it runs on.
    total_steps : int or None
        At which step the training ends; None until that is known.
    """

    pid: int
    created: float
    host: str
    total_steps: int | None = None


def record_process(folder: Path, pid: int | None = None, total_steps: int | None = None) -> None:
    """Note in a run folder that a process, by default this one, trains there."""
    try:
        process = psutil.Process(pid)
        record = ProcessRecord(process.pid, process.create_time(), socket.gethostname(), total_steps)
    except psutil.NoSuchProcess:
        return  # it has ended already
    write_json(Path(folder) / RECORD, asdict(record))


def read_process(run: Run) -> ProcessRecord | None:
    """The process that trains a run or trained it last; None if there is no note of it."""
    try:
        return ProcessRecord(**read_json(run.folder / RECORD))
    except (OSError, WorkbenchError, TypeError):
        return None


def living_process(run: Run, record: ProcessRecord | None = None) -> psutil.Process | None:
    """The process that trains a run now; None if none does on this machine."""
    record = record or read_process(run)
    if record is None or record.host != socket.gethostname():
        return None
    try:
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.created) < _TOLERANCE
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.Error, TypeError, ValueError, OverflowError):  # it is gone, or the note is none
        return None


def end_with(parent: int) -> None:
    """Let this process stop, as by SIGTERM, when the one that started it is gone, however that ended.

    It is asked again every `AGAIN` seconds: one that ended a training when it was asked first, and has another one to
    do, would go on with that.

    Parameters
    ----------
    parent : int
        Number of the process that started this one.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        while True:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(AGAIN)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def memory(process: psutil.Process) -> int:
    """Bytes of main memory that a process and those it started hold."""
    total = 0
    try:
        for each in (process, *process.children(recursive=True)):
            total += each.memory_info().rss
    except psutil.Error:
        pass  # it is ending
    return total


def start(recipe: Recipe, runs: Path, name: str) -> Run:
    """Train a recipe in a process of its own, which goes on when this one ends.

    Parameters
    ----------
    recipe : Recipe
    runs : Path
        Folder of run folders.
    name : str
        Name of the run folder, which must not exist.

    Returns
    -------
    Run
        Its folder holds ``train.log`` with what the training prints.

    Raises
    ------
    WorkbenchError
        The name is taken or none, or the folder cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise WorkbenchError(f"name {name!r}: use letters, digits and - _ + . only, and begin with no - + .")
    run = Run(Path(runs) / name)
    try:
        run.folder.mkdir(parents=True)
        save_recipe(recipe, run.folder / "recipe.yaml")
    except FileExistsError:
        raise WorkbenchError(f"{name}: a run of this name is there already; choose another name") from None
    except OSError as error:
        raise cannot_write(run.folder, error) from error
    _launch(run)
    return run


def resume(run: Run) -> None:
    """Continue a run that was stopped, in a process of its own.

    Raises
    ------
    WorkbenchError
        It is finished or being trained.
    """
    if run.finished:
        raise WorkbenchError(f"{run.name}: finished already")
    if living_process(run) is not None:
        raise WorkbenchError(f"{run.name}: is being trained already")
    _launch(run, "--resume")


def stop(run: Run) -> None:
    """Ask a training to stop after its current step; it writes a checkpoint first.

    Raises
    ------
    WorkbenchError
        No process of this machine trains it.
    """
    process = living_process(run)
    if process is None:
        raise WorkbenchError(f"{run.name}: no process of this machine trains it")
    try:
        process.terminate()
    except psutil.NoSuchProcess:
        pass  # it was faster
    except psutil.AccessDenied as error:
        raise WorkbenchError(f"{run.name}: belongs to another user, who alone can stop it") from error


def delete(run: Run) -> None:
    """Delete a run folder with all that is in it.

    Raises
    ------
    WorkbenchError
        It is being trained, is no run folder of its own, or cannot be deleted.
    """
    if living_process(run) is not None:
        raise WorkbenchError(f"{run.name}: is being trained; stop it first")
    if run.folder.is_symlink() or not (run.folder / "recipe.yaml").is_file():
        raise WorkbenchError(f"{run.name}: is not a run folder; delete it by hand")
    try:
        shutil.rmtree(run.folder)
    except OSError as error:
        raise WorkbenchError(f"{run.name}: cannot be deleted ({error.strerror})") from error


def log_tail(run: Run, lines: int = 40) -> str:
    """The last lines that a training printed; empty if its output was not kept, as when started in a terminal.

    Of a line that was written over and over, as a progress bar is, only the last state is given.
    """
    try:
        with open(run.folder / LOG, "rb", opener=_no_link) as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _TAIL))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    states = (line.rstrip("\r").rpartition("\r")[2].rstrip() for line in text.split("\n"))
    return "\n".join([state for state in states if state][-lines:])


def _no_link(path: str, flags: int) -> int:
    """Open a file unless it is a link, which would lead out of the folder of runs; a pipe is not waited for."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0), 0o666)


def _launch(run: Run, *options: str) -> None:
    command = [
        sys.executable, "-m", "workbench", "train", str(run.folder / "recipe.yaml"), "--runs", str(run.folder.parent),
        "--name", run.name, *options,
    ]  # fmt: skip
    try:
        with open(run.folder / LOG, "ab", opener=_no_link) as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                env={"OMP_NUM_THREADS": str(max(threads_alone() - 1, 1))} | os.environ,  # a core for who asked for it
            )  # fmt: skip
    except OSError as error:
        raise WorkbenchError(f"{run.name}: cannot be started ({error.strerror})") from error
    record_process(run.folder, process.pid)
    # A process that ended stays in the system's table until it is waited for.
    threading.Thread(target=process.wait, name=f"wait-{run.name}", daemon=True).start()
