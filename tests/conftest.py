"""Fixtures of all tests.

Nothing slow is imported here, since the process that only hands out the tests to others reads it too.
"""

import atexit
import contextlib
import errno
import gc
import ipaddress
import multiprocessing.spawn
import os
import signal
import socket
import sys
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy and PyTorch: several test processes may share the cores

import pytest
from support import ROOT, warm

# Some hundred processes import this project: they shall not compile it each, whatever the surroundings say
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Golden numbers and real images are no part of the project: tests that use them skip where they are absent.
SHARED = ROOT.parent / "shared"


# A shell ignores Ctrl-C for what it runs in the background, and so would all that is started here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Begun first, the longest before the others, so that no process of several is left alone with one at the end.
LONGEST = (
    "test_notebooks.py", "test_app_browser_tabs.py", "test_training.py", "test_app_browser.py", "test_library_nets.py",
    "test_plugins.py", "test_studies.py", "test_app_uploads.py", "test_notebooks_helpers.py", "test_contract.py",
    "test_surroundings.py", "test_self_supervised.py", "test_app_server.py", "test_app_explain.py", "test_reuse.py",
    "test_diagnostics_microscope.py", "test_comparison.py",
)  # fmt: skip

STAND_IN = pytest.StashKey[str]()


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """To import everything leaves no garbage: nobody looks for it again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        atexit.register(gc.unfreeze)
        gc.enable()


def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _no_other_machine():
    """Tests reach no machine but this one."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def here(host) -> bool:
        try:
            return host in (None, "", "localhost", b"localhost") or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == socket.gethostname()

    def guarded_connect(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not here(address[0]):
            raise OSError(errno.ENETUNREACH, f"a test wants to reach {address[0]}")
        return connect(self, address)

    def guarded_look_up(host, *arguments, **keywords):
        if not here(host) and host != "0.0.0.0":
            raise socket.gaierror(socket.EAI_NONAME, f"a test wants to reach {host}")
        return look_up(host, *arguments, **keywords)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket, "getaddrinfo", guarded_look_up)
        yield


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config, specs):
    """The processes of pytest-xdist are copies of one, which copies itself for their children too."""
    until_the_end = contextlib.ExitStack()
    config.add_cleanup(until_the_end.close)
    config.stash[STAND_IN] = until_the_end.enter_context(warm.warm_python())
    for spec in specs:
        spec.python = config.stash[STAND_IN]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput |= {"stand_in": node.config.stash[STAND_IN], "python": sys.executable}


def pytest_configure(config):
    if hasattr(config, "workerinput"):
        warm.be_python(config.workerinput["python"])


@pytest.fixture(scope="session")
def _stand_in(request):
    if hasattr(request.config, "workerinput"):
        yield request.config.workerinput["stand_in"]
    else:
        with warm.warm_python() as python:
            yield python


@pytest.fixture
def warm_python(_stand_in, monkeypatch):
    """Child processes begin with PyTorch and Lightning imported: for tests of what they do, not of how they start."""
    monkeypatch.setattr(sys, "executable", _stand_in)
    monkeypatch.setattr(multiprocessing.spawn, "_python_exe", os.fsencode(_stand_in))


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a command in this process: exit status, what it wrote to stdout and to stderr."""
    from workbench.cli import main

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["workbench", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        return caught.value.code, *capsys.readouterr()

    return call


@pytest.fixture
def output_of(call):
    """What a command in this process wrote to stdout; with a status that is not 0, which it must have, to stderr."""

    def output_of(*arguments, status=0):
        found, out, err = call(*arguments)
        assert found == status, err
        return out if status == 0 else err

    return output_of


@pytest.fixture
def golden() -> Path:
    """Folder of the reference numbers."""
    folder = SHARED / "golden"
    if not folder.is_dir():
        pytest.skip("the reference numbers are not here")
    return folder


@pytest.fixture
def real_data() -> Path:
    """Folder of real image sets."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the real image sets are not here")
    return folder


@pytest.fixture
def pairs(tmp_path):
    """A folder of two pairs of random pictures."""
    import numpy as np

    from workbench.images import write_png

    rng = np.random.default_rng(0)
    for side in ("input", "target"):
        (tmp_path / "pairs" / side).mkdir(parents=True)
        for name in ("a.png", "b.png"):
            write_png(tmp_path / "pairs" / side / name, rng.integers(0, 256, (40, 50, 3), np.uint8))
    return tmp_path / "pairs"
