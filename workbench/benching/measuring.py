"""Timing: contenders in turn within one run, on the clock and in processor time."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.devices import cores
from workbench.tabular import as_text


@dataclass(frozen=True)
class Settings:
    """How a benchmark is run.

    Attributes
    ----------
    repeats, warm_up : int
        Rounds that are measured, and rounds before them that are not.
    threads : int
        Torch's threads on a CPU.
    device : str
        As of `workbench.devices.choose_device`.
    scales : sequence of str
        Of the recipes whose steps and streams are measured.
    changes : sequence of str
        ``KEY=VALUE`` changes of those recipes.
    restorers : sequence of str
        Names of packaged restorers, for `restore`.
    megapixels : sequence of float
        Sizes of its pictures.
    compiled : bool
        Whether `step` measures compiled networks as well.
    """

    repeats: int = 9
    warm_up: int = 2
    threads: int = 1
    device: str = "auto"
    scales: Sequence[str] = ("pocket",)
    changes: Sequence[str] = ()
    restorers: Sequence[str] = ("denoise-photographs-pocket-adapted",)
    megapixels: Sequence[float] = (0.25, 2.0)
    compiled: bool = False


@dataclass(frozen=True)
class Times:
    """Seconds of each round.

    Attributes
    ----------
    clock : list of float
        By the clock on the wall; on a busy machine it counts the others' work as well.
    processor : list of float
        That this process, all of its threads and the processes that it waited for have computed.
    """

    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def ratio(self, to: Times, device: str = "cpu") -> float:
        """How many times as long the other takes: median over rounds, of processor time where a CPU computes."""
        ours, theirs = (self.clock, to.clock) if device == "cuda" else (self.processor, to.processor)
        return statistics.median(their / max(our, 1e-9) for our, their in zip(ours, theirs, strict=True))


@dataclass(frozen=True)
class Row:
    """What one contender took.

    Attributes
    ----------
    case, what : str
        What was done, and by whom.
    times : Times
    faster : float, optional
        How many times as long the first contender of the case took (`Times.ratio`).
    facts : dict
        Further numbers, a column each: peak memory, patches a second.
    """

    case: str
    what: str
    times: Times
    faster: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """What a benchmark found: its rows, and further tables and remarks as lines of text."""

    name: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)


def in_turn(
    contenders: Mapping[str, Callable[[], object]], settings: Settings, after: Callable[[], object] | None = None
) -> dict[str, Times]:
    """Time contenders one after the other, round by round, so that all of them meet the same moods of the machine.

    Parameters
    ----------
    contenders : mapping of str to callable
    settings : Settings
    after : callable, optional
        Called before the clock is read, such as ``torch.cuda.synchronize``.

    Returns
    -------
    dict of str to Times
    """
    times = {name: Times() for name in contenders}
    names = list(contenders)
    for number in range(settings.warm_up + settings.repeats):
        shift = number % len(names)  # whoever comes first finds the caches as the last one left them
        for name in names[shift:] + names[:shift]:
            clock, processor = time.perf_counter(), processor_seconds()
            contenders[name]()
            if after is not None:
                after()
            if number >= settings.warm_up:
                times[name].processor.append(processor_seconds() - processor)
                times[name].clock.append(time.perf_counter() - clock)
    return times


def rows_of(case: str, times: Mapping[str, Times], device: str = "cpu") -> list[Row]:
    """A row for each contender; all but the first are compared with it."""
    first = next(iter(times.values()))
    return [Row(case, name, each, None if each is first else each.ratio(first, device)) for name, each in times.items()]


def processor_seconds() -> float:
    """Seconds that this process has computed, and those that it started and waited for."""
    of_system = os.times()
    return time.process_time() + of_system.children_user + of_system.children_system


def middle(values: Sequence[float]) -> float:
    """Half of the values lie in a range of this width around their median."""
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return high - low


def as_table(result: Result) -> str:
    """The rows and remarks of a benchmark, to print."""
    columns = list(dict.fromkeys(name for row in result.rows for name in row.facts))
    head = ["case", "what", "clock/ms", "spread", "processor/ms", "spread", "faster", *columns]
    lines = [head, *(_line(row, columns) for row in result.rows)]
    return "\n".join([f"{result.name}", as_text(lines, range(2, len(head))), *result.notes])


def as_json(result: Result, settings: Settings, provenance: dict) -> dict:
    """The same as data, with what was measured on and how."""
    rows = [
        {
            "case": row.case, "what": row.what, "clock": _summary(row.times.clock),
            "processor": _summary(row.times.processor), "faster": row.faster, **row.facts,
        }
        for row in result.rows
    ]  # fmt: skip
    return {
        "benchmark": result.name,
        "settings": {**vars(settings)},
        "provenance": provenance,
        "machine": machine(),
        "rows": rows,
        "notes": result.notes,
        **result.details,
    }


def machine() -> dict[str, Any]:
    """The processor's model, the number of its cores that may be used, and how busy the machine is."""
    found = {"processor": platform.processor() or platform.machine(), "cores": cores()}
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        found["processor"] = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        found["load"] = [round(load, 2) for load in os.getloadavg()]
    except (OSError, StopIteration):  # not Linux: the rest stands
        pass
    return found


def _line(row: Row, columns: Sequence[str]) -> list[str]:
    numbers = [
        f"{1000 * number:.1f}"
        for values in (row.times.clock, row.times.processor)
        for number in (statistics.median(values), middle(values))
    ]
    faster = "" if row.faster is None else f"{row.faster:.2f}x"
    return [row.case, row.what, *numbers, faster, *(_cell(row.facts.get(name)) for name in columns)]


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _summary(values: list[float]) -> dict[str, Any]:
    return {
        "median": statistics.median(values),
        "spread": middle(values),
        "all": [round(value, 6) for value in values],
    }
