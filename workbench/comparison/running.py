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
from workbench.errors import WorkbenchError
from workbench.progress import progress_bar
from workbench.runs.folder import Run
from workbench.runs.processes import LOG, log_tail


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
    KeyboardInterrupt
        When interrupted, once the children have ended.
    """
    jobs = [job for job in grid.jobs() if train or job.run.finished]
    children, failures = _Children(), []
    with _sigterm_interrupts(), ThreadPoolExecutor(processes) as pool, progress_bar(len(jobs), title, "run") as bar:
        waiting: set[Future] = {pool.submit(_complete, job, children, train) for job in jobs}
        try:
            while waiting:
                ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ended:
                    if (failure := future.result()) is not None:
                        failures.append(failure)
                    bar.update()
                after_each()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            children.stop()
            raise
    order = {job.name: index for index, job in enumerate(jobs)}
    return sorted(failures, key=lambda failure: order[failure.name])


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
        self._lock, self._running, self._stopped = threading.Lock(), set(), False

    def call(self, command: list[str], log: Path) -> int | None:
        """Run a command to its end; its exit status, or None if it was not started any more."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, log.open("ab") as output:
            if self._stopped:
                return None
            # A session of its own: Ctrl-C reaches this process alone, which passes it on once.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )  # fmt: skip
            self._running.add(process)
        try:
            return process.wait()
        finally:
            with self._lock:
                self._running.discard(process)

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
        status = children.call(_child(task), job.run.folder / LOG)
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
