"""Python processes that begin with PyTorch and Lightning imported and the embedded pictures drawn.

Both together are most of what a short training takes. `warm_python` starts one process that has them, and writes an
executable that stands in for Python: ``-m`` and ``-c`` are run by a copy of that process, in the caller's folder,
environment and files, and signals are passed on. Everything else is left to Python. Of this project no more is imported
beforehand than draws the pictures, so that what a process of the workbench does when it starts is done in the copy.
The processes of pytest-xdist are such copies too, but for what they start themselves (`be_python`).
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import gc
import importlib
import json
import os
import posix
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PRELOADED = (
    "lightning.pytorch", "torch.utils.tensorboard", "ipykernel.kernelapp", "pandas.io.formats.style", "scipy.stats",
    "skimage.metrics", "h5py", "typer", "filelock",
)  # fmt: skip

ROOT = Path(__file__).resolve().parents[2]

STAND_IN = """#!{python} -IS
import json, os, signal, socket, sys

python, arguments = {python!r}, sys.argv[1:]
while arguments[:1] in (["-B"], ["-u"]):
    del arguments[0]
# multiprocessing's tracker lives as long as its parent, and imports nothing
if arguments[:1] not in (["-m"], ["-c"]) or "resource_tracker" in arguments[1]:
    os.execv(python, [python, *arguments])
files = [number for number in range(128) if os.path.exists(f"/proc/self/fd/{{number}}")]
connection = socket.socket(socket.AF_UNIX)
connection.connect({address!r})
request = {{"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ), "parent": os.getppid(),
           "executable": sys.argv[0], "files": files}}
socket.send_fds(connection, [b"begin"], files)
answer = connection.makefile("rw")
print(json.dumps(request), file=answer, flush=True)
pid = int(answer.readline())
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, lambda number, frame: os.kill(pid, number))
status = int(answer.readline())
if status < 0:
    if status != -signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


@contextlib.contextmanager
def warm_python() -> Iterator[str]:
    """The executable's path; ends what it started when left. Needs Linux, and is Python itself elsewhere."""
    if not hasattr(os, "pidfd_open"):
        yield sys.executable
        return
    with tempfile.TemporaryDirectory() as folder:
        address, stand_in = f"{folder}/socket", Path(folder) / "python"
        stand_in.write_text(STAND_IN.format(python=sys.executable, address=address))
        stand_in.chmod(0o755)
        with socket.socket(socket.AF_UNIX) as listener:  # requests wait in it until the process has begun
            listener.bind(address)
            listener.listen()
            process = subprocess.Popen(
                [sys.executable, __file__, str(listener.fileno())], stdin=subprocess.PIPE, start_new_session=True,
                pass_fds=[listener.fileno()], env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        try:
            yield str(stand_in)
        finally:
            process.stdin.close()  # by which it ends
            process.wait(60)


def be_python(executable: str) -> None:
    """In a copy: start children as Python itself does, which are cold unless a test asks for others."""
    sys.executable, os.getppid = executable, posix.getppid


def draw_pictures() -> None:
    """Fill the caches of what recipes without data on disk train and are validated on, which copies inherit."""
    domains, schema = (importlib.import_module(f"workbench.{name}") for name in ("data.domains", "recipes.schema"))
    data = schema.Data()
    list(domains.training_stream(data, frozenset({"target"}), 16, seed=0).target)
    domains.validation_pairs(data)
    domains.source_validation_pairs(data)


def wait_for_requests(listening: int) -> dict | None:
    """Copy this process for each request. Comes back in the copies with theirs, and with None when all is over."""
    with socket.socket(fileno=listening) as listener:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks for the status of those that attend
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                return attend(connection)
            connection.close()
    return None


def attend(connection: socket.socket) -> dict:
    """Copy this process once more, and tell the stand-in how the copy ends; if the stand-in is killed, so is the copy.

    Comes back in the copy alone.
    """
    _, files, _, _ = socket.recv_fds(connection, len(b"begin"), 128)
    answer = connection.makefile("rw")
    request = json.loads(answer.readline())
    if (pid := os.fork()) == 0:
        os.setsid()
        answer.close()
        connection.close()
        return request | {"received": files}
    with contextlib.suppress(OSError):  # the stand-in may be gone already
        print(pid, file=answer, flush=True)
    ended = os.pidfd_open(pid)
    if ended not in select.select([connection, ended], [], [])[0]:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        print(os.waitstatus_to_exitcode(status), file=answer, flush=True)
    os._exit(0)


def become(request: dict) -> None:
    """Do what Python would have done."""
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    given = [fcntl.fcntl(file, fcntl.F_DUPFD, 128) for file in request["received"]]  # out of the way of all numbers
    for file in request["received"]:
        os.close(file)
    for file, number in zip(given, request["files"], strict=True):
        os.dup2(file, number)
        os.close(file)
    os.getppid = lambda: request["parent"]  # the stand-in's, whose end is this one's
    # Streams of these files: those of before know of other ones that they can be wound back
    sys.stdin, sys.stdout, sys.stderr = (open(number, mode, closefd=False) for number, mode in enumerate("rww"))
    sys.executable = request["executable"]
    places = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    sys.path[:0] = [os.getcwd(), *places]
    if {Path(place).resolve() for place in places} - {ROOT}:  # may hold plug-ins, looked for at import
        for name in [name for name in sys.modules if name.partition(".")[0] == "workbench"]:
            del sys.modules[name]
    kind, what, *arguments = request["arguments"]
    sys.argv = [kind, *arguments]
    if kind == "-c":
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
        return
    if what == "ipykernel_launcher":  # says it by a variable that matplotlib has already looked for
        importlib.import_module("matplotlib").rcParams["backend"] = "module://matplotlib_inline.backend_inline"
    runpy.run_module(what, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    del sys.path[0]  # this file's folder
    for name in PRELOADED:
        importlib.import_module(name)
    draw_pictures()
    sys.path.remove(str(ROOT))  # a copy finds the project where its caller does
    gc.collect()
    gc.freeze()  # copies neither look through it again nor, by that, write to the pages they share
    atexit.register(gc.unfreeze)  # else libraries complain of what is left in the end
    if (asked := wait_for_requests(int(sys.argv[1]))) is not None:
        become(asked)
