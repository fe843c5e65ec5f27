"""Watching runs, living or finished, whoever started them: what state they are in, how far, how long still."""

from __future__ import annotations

import socket
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.errors import WorkbenchError
from workbench.files import read_text
from workbench.runs.events import EventReader, event_files
from workbench.runs.folder import Run, list_runs
from workbench.runs.processes import living_process, memory, read_process

RUNNING, FINISHED, STOPPED = "running", "finished", "stopped"
RECENT = 120.0
"""Seconds after its last event for which a run of another machine counts as running."""
_PACE_STEPS = 50
_STEP_TAG = "time/seconds_per_step"


@dataclass(frozen=True)
class State:
    """What there is to say of a run without reading its curves.

    Attributes
    ----------
    name : str
    status : {"running", "finished", "stopped"}
        A stopped run can be resumed, whether it was interrupted, failed or was killed.
    local : bool
        Whether a process of this machine trains it, which alone can be stopped from here.
    total_steps : int or None
        None if it is not known.
    changed : float
        When something was last written, in seconds since the epoch.
    summary : dict
        ``summary.json``; empty where there is none.
    recipe : str
        The recipe's name.
    """

    name: str
    status: str
    local: bool
    total_steps: int | None
    changed: float
    summary: dict
    recipe: str


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes
    ----------
    step : int
        Last step that was logged.
    steps_per_second : float or None
        Over the last logged steps, validation included.
    seconds_left : float or None
        At that pace; None unless the run is running.
    memory : int or None
        Bytes of main memory; None unless a process of this machine trains it.
    target_psnr : float or None
        Of the last validation, in dB.
    """

    step: int
    steps_per_second: float | None
    seconds_left: float | None
    memory: int | None
    target_psnr: float | None = None


class Watcher:
    """The runs below a folder and their curves, each event file read once.

    Parameters
    ----------
    runs : Path
        Folder of run folders; may be missing.
    most : int
        Of how many runs the curves are held, those of the runs looked at last.
    """

    def __init__(self, runs: Path, most: int = 64):
        self.runs, self.most = Path(runs), most
        self._lock = threading.Lock()
        self._readers: OrderedDict[Path, EventReader] = OrderedDict()

    def states(self) -> list[State]:
        """All runs: the running ones by name, then the others, that changed last first."""
        states = [_state(run) for run in list_runs(self.runs)]
        return sorted(states, key=_order)

    def run(self, name: str) -> Run:
        """The run of a name.

        Raises
        ------
        WorkbenchError
            There is none; a name never leads out of the runs folder.
        """
        run = Run(self.runs / name)
        # A run's name is the name of a folder directly below, as `list_runs` finds it.
        if run.name != name or name.startswith(".") or not (run.folder / "recipe.yaml").is_file():
            raise WorkbenchError(f"run {name!r} is not there (any more)")
        return run

    def state(self, name: str) -> State:
        """The state of one run; errors as of `run`."""
        return _state(self.run(name))

    def reader(self, name: str) -> EventReader:
        """The curves and pictures of a run, up to date; errors as of `run`."""
        folder = self.run(name).events
        with self._lock:
            reader = self._readers.pop(folder, None) or EventReader(folder)
            self._readers[folder] = reader
            while len(self._readers) > self.most:
                self._readers.popitem(last=False)
        reader.refresh()
        return reader

    def progress(self, state: State) -> Progress:
        """How far a run is that was in this state just now; errors as of `run`."""
        reader = self.reader(state.name)
        steps, _, times = reader.series(_STEP_TAG)
        _, psnr, _ = reader.series("validation/target_psnr")
        step = int(steps[-1]) if len(steps) else 0
        if state.status == FINISHED:
            step = state.summary.get("steps", step)
        pace = _pace(steps, times)
        left = None
        if state.status == RUNNING and pace and state.total_steps is not None:
            left = max(state.total_steps - step, 0) / pace
        process = living_process(self.run(state.name))
        return Progress(step, pace, left, memory(process) if process else None, float(psnr[-1]) if len(psnr) else None)


def _order(state: State) -> tuple:
    running = state.status == RUNNING
    return not running, 0.0 if running else -state.changed, state.name


def _pace(steps: np.ndarray, times: np.ndarray) -> float | None:
    """Steps a second over the last logged ones; a break in between, as of a resumed run, begins anew."""
    steps, times = steps[-_PACE_STEPS:], times[-_PACE_STEPS:]
    gaps = np.diff(times)
    if len(gaps):
        breaks = np.flatnonzero(gaps > 20 * np.median(gaps) + 1)
        begin = breaks[-1] + 1 if len(breaks) and breaks[-1] + 2 < len(steps) else 0
        steps, times = steps[begin:], times[begin:]
    if len(steps) < 2 or times[-1] <= times[0]:
        return None
    return float((steps[-1] - steps[0]) / (times[-1] - times[0]))


def _state(run: Run) -> State:
    try:
        summary = run.summary
    except (WorkbenchError, OSError):
        summary = {}
    if not isinstance(summary, dict):
        summary = {}
    record = read_process(run)
    changed = _changed(run)
    local = living_process(run, record) is not None
    elsewhere = record is not None and not local and _living_elsewhere(record.host, changed)
    status = FINISHED if summary.get("status") == "finished" else RUNNING if local or elsewhere else STOPPED
    total = summary.get("steps") if status == FINISHED else record.total_steps if record else None
    return State(run.name, status, local, total, changed, summary, str(summary.get("recipe") or _recipe(run)))


def _recipe(run: Run) -> str:
    """The name of a run's recipe by the first lines of its file; the run's own where it cannot be read."""
    try:
        lines = read_text(run.folder / "recipe.yaml").splitlines()[:5]
    except (WorkbenchError, OSError):
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("name:")]
    return names[0].strip("'\"") if names else run.name


def _living_elsewhere(host: str, changed: float) -> bool:
    """Whether a run on a shared disk is likely trained by another machine: something was written just now."""
    return host != socket.gethostname() and time.time() - changed < RECENT


def _changed(run: Run) -> float:
    times = []
    for path in (run.folder / "recipe.yaml", run.folder / "summary.json", *event_files(run.events)):
        try:
            times.append(path.stat().st_mtime)
        except OSError:
            continue  # not there, or deleted just now
    return max(times, default=0.0)
