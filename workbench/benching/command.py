"""`workbench bench`: which benchmark is where, and what is written of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from workbench.benching.measuring import Result, Settings, as_json, as_table, machine
from workbench.errors import WorkbenchError
from workbench.files import make_folder, write_json

BENCHMARKS = {
    "step": "step.run",
    "data": "data.run",
    "restore": "restoring.run",
    "listing": "starting.listing",
    "monitor": "monitoring.run",
    "app": "starting.app",
    "smoke": "smoke.run",
}
"""By name: the module of this room and its function."""
USUAL = tuple(name for name in BENCHMARKS if name != "smoke")
"""What is run where none is named."""


def benchmark(name: str) -> Callable[[Settings], Result]:
    """The function of a benchmark.

    Raises
    ------
    WorkbenchError
        There is no such benchmark.
    """
    if name not in BENCHMARKS:
        raise WorkbenchError(f"bench {name}: there are {', '.join(BENCHMARKS)}")
    module, _, function = BENCHMARKS[name].partition(".")
    return getattr(import_module(f"workbench.benching.{module}"), function)


def run_benchmarks(names: Sequence[str], settings: Settings, output: Path) -> list[Path]:
    """Run benchmarks one after the other; print each as a table and write it as ``NAME.json``.

    Parameters
    ----------
    names : sequence of str
        All of `USUAL` if empty.
    settings : Settings
    output : Path
        Folder; made if missing.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    WorkbenchError
        There is no such benchmark, before any of them is run; or something failed, when all are written.
    """
    from workbench.runs.provenance import provenance

    if settings.repeats < 1 or settings.warm_up < 0 or settings.threads < 1:
        raise WorkbenchError("bench: --repeats and --threads are at least 1, --warm-up at least 0")
    chosen = {name: benchmark(name) for name in (names or USUAL)}
    make_folder(output)
    files, failed = [], []
    for name, run in chosen.items():
        before = machine()
        print(f"{name} ...", file=sys.stderr)
        result = run(settings)
        result = replace(result, details={**result.details, "load_before": before.get("load")})
        print(f"{as_table(result)}\n{_conditions(before, settings)}\n")
        files.append(output / f"{name}.json")
        write_json(files[-1], as_json(result, settings, provenance()))
        failed += result.details.get("failed", [])
    if failed:
        raise WorkbenchError(
            f"bench: {len(failed)} failed, the first of them {failed[0]['name']}: {failed[0]['reason']}"
        )
    return files


def _conditions(before: dict, settings: Settings) -> str:
    load = f", load {before['load'][0]:g} before" if before.get("load") else ""
    return (
        f"{before['processor']}, {before['cores']} core(s), threads {settings.threads}{load};"
        f" median of {settings.repeats} after {settings.warm_up}"
    )
