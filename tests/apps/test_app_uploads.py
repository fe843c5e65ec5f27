"""Uploads that are too large, slow, broken off or many at once, and an app that is ended or killed: nothing stays."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.apps import free_port

from apps import main
from apps.scratch import own_folder

pytestmark = pytest.mark.usefixtures("nothing_packaged", "no_lpips")
LIMIT = 1 << 20
HEAD = '--x\r\nContent-Disposition: form-data; name="files"; filename="{}"\r\nContent-Type: image/png\r\n\r\n'
TAIL = "\r\n--x--\r\n"


@pytest.fixture(scope="module")
def app(tmp_path_factory, runs):
    """Port of an app that takes files of a mebibyte, and the folder where they go."""
    folder = tmp_path_factory.mktemp("uploads")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "MAX_UPLOAD", LIMIT)
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        blocks = main.launch(runs, port=(port := free_port()))
        yield port, folder
        blocks.close(verbose=False)


def upload(port, size, name="a.png"):
    body = HEAD.format(name).encode() + b"0" * size + TAIL.encode()
    return ask(port, "POST", "/gradio_api/upload", body, {"Content-Type": "multipart/form-data; boundary=x"})


def ask(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def ours(folder):
    return [path.name for path in folder.glob("workbench-app-*")]


def until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_file_that_is_too_large_is_refused_and_nothing_of_it_stays(app, capfd):
    port, folder = app
    before = files(folder)
    for size in (LIMIT + 1, 8 * LIMIT):
        status, text = upload(port, size)
        assert status == 413 and str(LIMIT) in text
    status, text = upload(port, LIMIT)
    assert status == 200 and len(files(folder)) == len(before) + 1
    assert ask(port, "POST", "/gradio_api/upload", b"x", {"Content-Type": "multipart/form-data"})[0] == 400
    assert "Traceback" not in capfd.readouterr().err


def test_a_hundred_slow_uploads_hold_nobody_up_and_leave_nothing_when_broken_off(app, capfd):
    port, folder = app
    before, slow = files(folder), []
    head = (
        f"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 500000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    for number in range(100):
        slow.append(socket.create_connection(("127.0.0.1", port)))
        slow[-1].sendall((head + HEAD.format(f"{number}.png") + "0" * number).encode())
    until(lambda: len(files(folder)) == len(before) + 100)
    began = time.process_time()
    assert ask(port, "GET", "/config")[0] == 200 and upload(port, 1000, "quick.png")[0] == 200
    assert time.process_time() - began < 5
    for connection in slow:
        connection.close()
    until(lambda: len(files(folder)) == len(before) + 1)
    assert capfd.readouterr().err == ""


def test_a_hundred_uploads_and_jobs_at_once_are_taken_or_told_to_come_later(app, capfd):
    port, folder = app
    with ThreadPoolExecutor(100) as people:
        found = list(people.map(lambda number: upload(port, 2000 + number), range(100)))
    assert [status for status, _ in found] == [200] * 100
    photo = {"path": json.loads(found[0][1])[0], "meta": {"_type": "gradio.FileData"}}
    call = json.dumps({"data": [photo, "another"]})
    with ThreadPoolExecutor(100) as people:
        place, kind = "/gradio_api/call/restore", {"Content-Type": "application/json"}
        told = list(people.map(lambda _: ask(port, "POST", place, call, kind), range(100)))
    assert {status for status, _ in told} <= {200, 503}
    assert all("full" in text for status, text in told if status == 503)
    assert ask(port, "GET", "/config")[0] == 200 and "Traceback" not in capfd.readouterr().err


def test_what_a_killed_app_left_is_deleted_by_the_next_one(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = (
        "import os, tempfile; from apps.scratch import own_folder\n"
        "with own_folder(): tempfile.mkdtemp(); print('here', flush=True); input()"
    )
    one, other = (
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         env=os.environ | {"TMPDIR": str(tmp_path)})
        for _ in range(2)
    )  # fmt: skip
    assert one.stdout.readline() == other.stdout.readline() == b"here\n"
    (tmp_path / "workbench-app-of-somebody").mkdir()
    one.kill()
    one.wait()
    assert len(ours(tmp_path)) == 3
    with own_folder() as mine:
        assert len(ours(tmp_path)) == 3 and mine.parent == tmp_path
        assert os.environ["GRADIO_TEMP_DIR"].startswith(str(mine))
    other.communicate(b"\n")
    assert ours(tmp_path) == ["workbench-app-of-somebody"]
    (tmp_path / "workbench-app-of-somebody" / "lock").touch()  # as in the moment before it is taken
    with own_folder():
        assert len(ours(tmp_path)) == 2


@pytest.mark.usefixtures("warm_python")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 0)])
def test_an_app_that_is_ended_leaves_nothing(tmp_path, number, status):
    (tmp_path / "temporary").mkdir()
    port = free_port()
    code = (
        f"import sys, tempfile; tempfile.tempdir = {str(tmp_path / 'temporary')!r}\n"
        f"sys.argv = ['workbench', 'app', '--port', '{port}', '--runs', {str(tmp_path / 'runs')!r}]\n"
        "from workbench.cli import main; main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    try:
        assert f":{port} " in process.stdout.readline()
        assert Path(json.loads(upload(port, 1000)[1])[0]).is_relative_to(tmp_path / "temporary")
        process.send_signal(number)
        assert process.communicate(timeout=60) == ("", "") and process.returncode == status
    finally:
        process.kill()
    assert not files(tmp_path / "temporary")
