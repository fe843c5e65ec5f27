"""The writer of files: whole or not at all."""

import errno
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from workbench.errors import WorkbenchError
from workbench.files import make_folder, rename, replacing, sweep, write_json, write_text


def test_writes_and_replaces(tmp_path):
    path = tmp_path / ("n" * 250 + ".json")  # nearly as long as names may be
    write_json(path, {"a": [1, None, "é"]})
    write_json(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 2}
    assert list(tmp_path.iterdir()) == [path]


def test_the_disk_has_the_file_before_its_name(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: calls.append(Path(os.readlink(f"/proc/self/fd/{descriptor}"))))
    write_text(tmp_path / "a.txt", "a")
    assert [call.parent == tmp_path for call in calls] == [True, False] and calls[1] == tmp_path
    with replacing(tmp_path / "b.txt", durable=False) as file:
        file.write(b"b")
    assert len(calls) == 2


def test_an_error_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "before")
    with pytest.raises(ValueError, match="no"), replacing(path) as file:
        file.write(b"half")
        raise ValueError("no")
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"a": float("nan")})
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO])
def test_a_failing_disk_is_one_line(tmp_path, monkeypatch, number):
    def fail(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(WorkbenchError, match=re.escape(f"a.txt: cannot be written ({os.strerror(number)})")) as caught:
        write_text(tmp_path / "a.txt", "a")
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


def test_a_file_beyond_the_limit_is_one_line(tmp_path):
    """As with ``ulimit -f``: Python ignores the signal, the write fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(WorkbenchError, match=r"a\.txt: cannot be written \(File too large\)"):
            write_text(tmp_path / "a.txt", "a" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


def test_places_that_take_no_file(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "folder", tmp_path / "missing" / "a", tmp_path / "file" / "a", tmp_path / ("n" * 300)):
        with pytest.raises(WorkbenchError, match="cannot be written") as caught:
            write_text(path, "a")
        assert str(path) in str(caught.value)
    with pytest.raises(WorkbenchError, match="cannot be written"):
        make_folder(tmp_path / "file" / "below")
    with pytest.raises(WorkbenchError, match="cannot be written"):
        rename(tmp_path / "missing", tmp_path / "there")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_pipes_and_sockets_are_not_replaced(tmp_path):
    """Nor are devices: root could."""
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket"))
        for name in ("pipe", "socket"):
            with pytest.raises(WorkbenchError, match=f"{name}: cannot be written \\(not a plain file\\)"):
                write_text(tmp_path / name, "a")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pipe", "socket"]


def test_a_killed_writer_leaves_a_whole_file(tmp_path):
    """Twenty kills at odd moments: what is there is one of the whole texts, and `sweep` removes the rest."""
    program = (
        "import sys; from workbench.files import write_text\n"
        "i = 0\n"
        "while True: i += 1; write_text(sys.argv[1], str(i % 10) * 300_000); print(flush=True)"
    )
    path = tmp_path / "a.txt"
    for wait in range(20):
        child = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE)
        child.stdout.readline()
        threading.Event().wait(0.0013 * wait)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        text = path.read_text()
        assert len(text) == 300_000 and len(set(text)) == 1
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_threads_that_write_the_same_file(tmp_path):
    path = tmp_path / "a.txt"
    threads = [threading.Thread(target=write_text, args=(path, str(i) * 100_000)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(path.read_text())) == 1 and list(tmp_path.iterdir()) == [path]
