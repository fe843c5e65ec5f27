"""How long commands take to answer, and the app to serve its first page."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from workbench.benching.measuring import Result, Settings, in_turn, rows_of
from workbench.errors import WorkbenchError

COMMANDS = (("--help",), ("recipes",), ("data", "list"), ("restorers",), ("tables", "--table", "4"))
"""What must answer at once; the last two read files first."""
_PATIENCE = 300.0


def listing(settings: Settings) -> Result:
    """Commands that print what there is, beside a Python that does nothing."""
    with tempfile.TemporaryDirectory() as folder:
        contenders = {"python -c pass": _called(["-c", "pass"], folder)}
        contenders |= {f"workbench {' '.join(each)}": _called(["-m", "workbench", *each], folder) for each in COMMANDS}
        rows = rows_of("start", in_turn(contenders, settings))
    return Result("listing", rows, ["faster: below 1 is slower than a Python that does nothing."])


def app(settings: Settings) -> Result:
    """From the command to the first page, and what of that is the import."""
    with tempfile.TemporaryDirectory() as folder:
        contenders = {
            "import": _called(["-c", "import apps.main"], folder),
            "first page": lambda: _first_page(Path(folder)),
        }
        rows = rows_of("app", in_turn(contenders, settings))
    return Result(
        "app",
        rows,
        ["first page: from the command to the end of the page's download; what is loaded beside it is not in it."],
    )


def _called(arguments: list[str], folder: str) -> Callable[[], object]:
    def call() -> None:
        done = subprocess.run([sys.executable, *arguments], cwd=folder, env=_environment(), capture_output=True)
        if done.returncode:
            raise WorkbenchError(f"python {' '.join(arguments)}: {done.stderr.decode(errors='replace')[-300:]}")

    return call


def _environment() -> dict[str, str]:
    """With this very code first in the path, wherever the command is called."""
    root = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}


def _first_page(folder: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "workbench", "app", "--port", str(port), "--runs", str(folder)]
    environment = {**_environment(), "TMPDIR": str(folder)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end and process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:
                    page.read()
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        raise WorkbenchError("the app did not serve a page; try `workbench app` by itself")
    finally:
        process.kill()  # asked to end, it would first finish what it loads beside the page
        process.wait()
