"""Training and measuring a grid, a process of its own for each run; what is there already is reused.

What a child prints goes to ``train.log`` in the run folder.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.comparison.grid import Grid, Job
from workbench.errors import Interrupted, WorkbenchError
from workbench.progress import progress_bar
from workbench.runs.folder import Run
from workbench.runs.processes import LOG, log_tail
from workbench.runs.states import RUNNING, Watcher

_LOOK = 1.0
"""Seconds between two looks at how far the runs are."""


@dataclass(frozen=True)
class Failure:
    """A run that could not be trained or measured."""

    name: str
    reason: str


def run_grid(
    grid: Grid,
    processes: int,
    *,
    title: str = "compare",
    train: bool = True,
    after_each: Callable[[], None] = lambda: None,
) -> list[Failure]:
    """Train and measure all runs of a grid.

    Finished runs and what was measured of them are left as they are, interrupted ones continued. A run that fails does
    not stop the others. An interruption (Ctrl-C, SIGTERM) stops the children, which write their checkpoints.

    Parameters
    ----------
    grid : Grid
    processes : int
        How many runs go on at the same time.
    title : str
        Of the progress bar.
    train : bool
        False measures the runs that are finished, and leaves the others out.
    after_each : callable
        Called when a run has ended.

    Returns
    -------
    list of Failure

    Raises
    ------
    Interrupted
        After SIGINT or SIGTERM, once the children have ended.
    """
    jobs = [job for job in grid.jobs() if train or job.run.finished]
    children, failures, watcher = _Children(), [], Watcher(grid.runs)
    with _sigterm_interrupts(), ThreadPoolExecutor(processes) as pool, progress_bar(len(jobs), title, "run") as bar:
        waiting: set[Future] = {pool.submit(_complete, job, children, train) for job in jobs}
        try:
            while waiting:
                ended, waiting = wait(waiting, _LOOK, return_when=FIRST_COMPLETED)
                for future in ended:
                    if (failure := future.result()) is not None:
                        failures.append(failure)
                bar.set_postfix_str(_going_on(jobs, children, watcher), refresh=False)
                bar.update(len(ended))
                if ended:
                    after_each()
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            children.stop()
            if isinstance(error, KeyboardInterrupt):
                message = "interrupted; what was trained is kept, the same command goes on from there"
                raise Interrupted(message, 130) from None
            raise
    order = {job.name: index for index, job in enumerate(jobs)}
    return sorted(failures, key=lambda failure: order[failure.name])


def _going_on(jobs: list[Job], children: _Children, watcher: Watcher) -> str:
    """The runs that are being trained or measured now, and their steps."""
    parts = []
    for job in jobs:
        if job.name not in children.names():
            continue
        text = job.name
        try:
            state = watcher.state(job.name)
            if state.status == RUNNING and state.total_steps:
                text += f" {watcher.progress(state).step}/{state.total_steps}"
        except WorkbenchError:
            pass  # it has only just begun
        parts.append(text)
    return ", ".join(parts)


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does; possible in the main thread alone, elsewhere left as is."""
    try:
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Children:
    """The child processes that are running; once stopped, no further one is started."""

    def __init__(self):
        self._lock, self._running, self._stopped = threading.Lock(), {}, False

    def call(self, name: str, command: list[str], log: Path, threads: int) -> int | None:
        """Run a command to its end for a run; its exit status, or None if it was not started any more."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, log.open("ab") as output:
            if self._stopped:
                return None
            # A session of its own: Ctrl-C reaches this process alone, which passes it on once.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                env=os.environ | {"OMP_NUM_THREADS": str(threads)},
            )  # fmt: skip
            self._running[process] = name
        try:
            return process.wait()
        finally:
            with self._lock:
                del self._running[process]

    def names(self) -> set[str]:
        """Of the runs that have a process now."""
        with self._lock:
            return set(self._running.values())

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            process.terminate()


def _complete(job: Job, children: _Children, train: bool) -> Failure | None:
    """Train and measure a run as far as that is still to be done."""
    try:
        if not train and (other := job.difference) is not None:
            return Failure(job.name, f"left out, since it was trained with another {other}")
        if job.trained:
            missing = job.missing()
            if not missing:
                return None
        else:
            missing = list(job.grid.tests.values())
        task = {
            "recipe": job.grid.recipe, "settings": job.settings, "train": train,
            "method": job.cell.method, "seed": job.seed, "runs": str(job.grid.runs), "name": job.name,
            "tests": missing, "protocol": job.grid.protocol, "parent": os.getpid(),
        }  # fmt: skip
        threads = job.resolved.training.threads or 1  # others are trained beside it
        status = children.call(job.name, _child(task), job.run.folder / LOG, threads)
    except (WorkbenchError, OSError) as error:
        return Failure(job.name, " ".join(str(error).split()))
    if not status:
        return None
    return Failure(job.name, _reason(job.run, status))


def _child(task: dict) -> list[str]:
    return [sys.executable, "-m", "workbench.comparison.child", json.dumps(task)]


def _reason(run: Run, status: int) -> str:
    """What a child said last."""
    lines = log_tail(run).splitlines() or ["nothing was printed"]
    said = next((line for line in reversed(lines) if line.startswith("workbench: ")), lines[-1])
    if status < 0 and said is lines[-1]:
        return f"ended by signal {-status}; the machine may be out of memory; see {run.folder / LOG}"
    return said.removeprefix("workbench: ")
