"""Python processes that begin with PyTorch and Lightning imported, which is most of what a short training takes.

`warm_python` starts one process that imports them, and writes an executable that stands in for Python: ``-m`` and
``-c`` are run by a copy of that process, in the caller's folder, environment and files, and signals are passed on.
Everything else is left to Python. Nothing of this project is imported beforehand, so that what a process of the
workbench does when it starts is done in the copy.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PRELOADED = ("lightning.pytorch", "torch.utils.tensorboard", "ipykernel.kernelapp", "pandas", "scipy.stats")

STAND_IN = """#!{python} -IS
import json, os, signal, socket, sys

python, arguments = {python!r}, sys.argv[1:]
if arguments[:1] not in (["-m"], ["-c"]):
    os.execv(python, [python, *arguments])
connection = socket.socket(socket.AF_UNIX)
connection.connect({address!r})
request = {{"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ), "parent": os.getppid(),
           "executable": sys.argv[0]}}
socket.send_fds(connection, [b"begin"], [0, 1, 2])
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
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as folder:
        address, stand_in = f"{folder}/socket", Path(folder) / "python"
        stand_in.write_text(STAND_IN.format(python=sys.executable, address=address))
        stand_in.chmod(0o755)
        process = subprocess.Popen(
            [sys.executable, __file__, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            env=environment | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        try:
            assert process.stdout.readline() == b"ready\n"
            yield str(stand_in)
        finally:
            process.communicate()  # closes its input, by which it ends


def wait_for_requests(address: str) -> dict | None:
    """Copy this process for each request. Comes back in the copies with theirs, and with None when all is over."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks for the status of those that attend
        print("ready", flush=True)
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
    _, files, _, _ = socket.recv_fds(connection, len(b"begin"), 3)
    answer = connection.makefile("rw")
    request = json.loads(answer.readline())
    if (pid := os.fork()) == 0:
        os.setsid()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        answer.close()
        connection.close()
        return request
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
    os.getppid = lambda: request["parent"]  # the stand-in's, whose end is this one's
    # Streams of these files: those of before know of other ones that they can be wound back
    sys.stdin, sys.stdout, sys.stderr = (open(number, mode, closefd=False) for number, mode in enumerate("rww"))
    sys.executable = request["executable"]
    sys.path[:0] = [os.getcwd(), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
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
    if (asked := wait_for_requests(sys.argv[1])) is not None:
        become(asked)
