import dataclasses
import hashlib
import re
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support.data_layouts import ORIGINALS

import data_tools.download
from data_tools import unpack
from data_tools.catalogue import CATALOGUE
from data_tools.download import DownloadError, download
from data_tools.entries import RemoteFile
from data_tools.listing import kept_downloads
from data_tools.prepare import prepare
from workbench.errors import WorkbenchError

CONTENT = bytes(range(256)) * 4096  # 1 MiB
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves ``content`` with the faults that are set; keeps the Range header of every request."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.requests = CONTENT, []
        self.cuts = []  # bytes after which a connection ends, one a request; then none
        self.ranges, self.length, self.etag, self.status, self.kind = True, True, '"v1"', None, "application/zip"

    def handle_error(self, *_):
        pass  # clients that leave early are part of the tests

    def file(self, **facts):
        return RemoteFile("set.zip", f"http://127.0.0.1:{self.server_port}/set.zip", **facts)


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server, asked = self.server, self.headers.get("Range")
        server.requests.append(asked)
        status = server.status.pop(0) if server.status else None
        if status is not None:
            self.send_error(status)
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and server.ranges else 0
        if self.headers.get("If-Range") not in (None, server.etag):
            start = 0
        total = len(server.content)
        if start >= total:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{total}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Type", server.kind)
        if server.etag:
            self.send_header("ETag", server.etag)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        if server.length:
            self.send_header("Content-Length", str(total - start))
        self.end_headers()
        body = server.content[start:]
        self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetch(file, folder):
    return download(file, folder, progress=False, pause=0.001)


def assert_complete(folder):
    assert [path.name for path in folder.iterdir()] == ["set.zip"]
    assert (folder / "set.zip").read_bytes() == CONTENT


def test_plain(server, tmp_path):
    path = fetch(server.file(size=len(CONTENT), checksum=SHA256), tmp_path / "new")
    assert path == tmp_path / "new/set.zip" and server.requests == [None]
    assert_complete(tmp_path / "new")


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    fetch(server.file(), tmp_path)
    fetch(server.file(size=len(CONTENT)), tmp_path)
    assert len(server.requests) == 1
    with pytest.raises(DownloadError, match="5 are published"):
        fetch(server.file(size=5), tmp_path)


def test_goes_on_after_cuts(server, tmp_path):
    server.cuts = [1000, 2000, 0, 5000]
    fetch(server.file(checksum=SHA256), tmp_path)
    assert server.requests == [None, "bytes=1000-", "bytes=3000-", "bytes=3000-", "bytes=8000-"]
    assert_complete(tmp_path)


def test_goes_on_in_a_later_call(server, tmp_path, monkeypatch):
    monkeypatch.setattr(data_tools.download, "ATTEMPTS", 1)
    server.cuts = [1000, 0]
    with pytest.raises(DownloadError, match="cut.*goes on from 1000 bytes"):
        fetch(server.file(), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"set.zip.part", "set.zip.part.json"}
    fetch(server.file(), tmp_path)
    assert server.requests[-1] == "bytes=1000-"
    assert_complete(tmp_path)


def test_server_without_ranges(server, tmp_path):
    server.ranges, server.cuts = False, [1000, 300_000]
    fetch(server.file(checksum=SHA256), tmp_path)
    assert_complete(tmp_path)


def test_without_length(server, tmp_path):
    server.length = False
    fetch(server.file(size=len(CONTENT)), tmp_path)
    assert_complete(tmp_path)
    (tmp_path / "set.zip").unlink()
    server.cuts = [1000]
    fetch(server.file(size=len(CONTENT)), tmp_path)
    assert_complete(tmp_path)


def test_file_changed_on_the_server_between_two_calls(server, tmp_path):
    (tmp_path / "set.zip.part").write_bytes(b"old" * 100)
    (tmp_path / "set.zip.part.json").write_text('{"ETag": "\\"v0\\""}')
    fetch(server.file(), tmp_path)
    assert server.requests == ["bytes=300-"]
    assert_complete(tmp_path)


def test_halves_that_nothing_tells_to_belong_together_are_not_joined(server, tmp_path):
    server.etag = None
    (tmp_path / "set.zip.part").write_bytes(b"old" * 100)
    fetch(server.file(), tmp_path)
    assert server.requests == [None]
    assert_complete(tmp_path)


def test_part_that_is_complete_already(server, tmp_path):
    for facts in ({"size": len(CONTENT), "checksum": SHA256}, {"checksum": SHA256}):
        (tmp_path / "set.zip").unlink(missing_ok=True)
        (tmp_path / "set.zip.part").write_bytes(CONTENT)
        fetch(server.file(**facts), tmp_path)
        assert_complete(tmp_path)
    assert server.requests == [f"bytes={len(CONTENT)}-"]


def test_part_that_is_too_long(server, tmp_path):
    (tmp_path / "set.zip.part").write_bytes(CONTENT + b"more")
    fetch(server.file(checksum=SHA256), tmp_path)
    assert_complete(tmp_path)


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("facts", [{"checksum": "md5:" + "0" * 32}, {"size": 7}])
def test_not_what_was_published(facts, length, server, tmp_path):
    server.length = length
    with pytest.raises(DownloadError, match="set.zip: .* published") as error:
        fetch(server.file(**facts), tmp_path)
    assert error.value.exit_status == 1
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == []


def test_two_processes_that_want_one_file(server, tmp_path):
    server.cuts = [1000]
    threads = [threading.Thread(target=fetch, args=(server.file(), tmp_path)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 2
    assert_complete(tmp_path)


def test_wrong_first_half_is_not_kept(server, tmp_path):
    (tmp_path / "set.zip.part").write_bytes(b"x" * 1000)
    with pytest.raises(DownloadError, match="sha256 is not the published"):
        fetch(server.file(checksum=SHA256), tmp_path)
    fetch(server.file(checksum=SHA256), tmp_path)
    assert_complete(tmp_path)


def test_refusals(server, tmp_path):
    server.status = [404]
    with pytest.raises(DownloadError, match="answers 404"):
        fetch(server.file(), tmp_path)
    assert len(server.requests) == 1
    server.status = [503, 429]
    fetch(server.file(), tmp_path)
    assert_complete(tmp_path)


def test_web_page_instead_of_the_file(server, tmp_path):
    server.kind = "text/html; charset=utf-8"
    with pytest.raises(DownloadError, match="web page"):
        fetch(server.file(), tmp_path)
    assert not (tmp_path / "set.zip").exists()


def test_nobody_answers(server, tmp_path):
    file = server.file()
    server.server_close()
    with pytest.raises(DownloadError, match="cannot be downloaded") as error:
        fetch(file, tmp_path)
    assert "\n" not in str(error.value)


def test_silence_counts_as_cut(server, tmp_path, monkeypatch):
    monkeypatch.setattr(data_tools.download, "TIMEOUT", 0.05)
    monkeypatch.setattr(data_tools.download, "ATTEMPTS", 2)
    release = threading.Event()
    monkeypatch.setattr(Handler, "do_GET", lambda _: release.wait(5))
    try:
        with pytest.raises(DownloadError, match="timed out"):
            fetch(server.file(), tmp_path)
    finally:
        release.set()


def test_disk_too_small(server, tmp_path, monkeypatch):
    monkeypatch.setattr(unpack.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(WorkbenchError, match="are free"):
        fetch(server.file(), tmp_path)


class TestPreparing:
    @pytest.fixture
    def gopro(self, server, tmp_path, monkeypatch):
        """The entry of GoPro with its download on the local server; returns who is who in it."""
        expected = ORIGINALS["gopro"](tmp_path / "original")
        archive = shutil.make_archive(str(tmp_path / "GOPRO_Large"), "zip", tmp_path / "original")
        server.content = open(archive, "rb").read()
        file = dataclasses.replace(server.file(), name="GOPRO_Large.zip")
        monkeypatch.setitem(CATALOGUE, "gopro", dataclasses.replace(CATALOGUE["gopro"], files=(file,)))
        return expected

    def test_download_and_prepare(self, gopro, server, tmp_path):
        server.cuts = [1000]
        root = tmp_path / "data"
        outcome = prepare("gopro", root)
        assert [part.count for part in outcome.parts] == [len(members) for members in gopro.values()]
        assert sorted(path.name for path in root.iterdir()) == [".downloads", "gopro"]
        assert kept_downloads(root).startswith(f"{root}/.downloads: ")
        shutil.rmtree(root / "gopro/test")
        prepare("gopro/test", root)
        assert len(server.requests) == 2  # the second call found the archive

    def test_damaged_archive_without_checksum_is_fetched_again(self, gopro, server, tmp_path):
        whole, server.content = server.content, server.content[:1000]
        with pytest.raises(WorkbenchError, match="cut short.*download it again"):
            prepare("gopro", tmp_path / "data")
        assert not (tmp_path / "data/gopro").exists() and list((tmp_path / "data/.downloads").iterdir()) == []
        server.content = whole
        assert prepare("gopro", tmp_path / "data").parts[0].count == 2

    def test_failed_download_says_how_to_get_it_by_hand(self, gopro, server, tmp_path):
        server.status = [403]
        with pytest.raises(DownloadError, match="403.*by hand: .*seungjunnah.*prepare gopro --from PATH"):
            prepare("gopro", tmp_path / "data")

    def test_only_the_files_of_the_part(self, server, tmp_path, monkeypatch):
        ORIGINALS["div2k"](tmp_path / "original")
        archive = shutil.make_archive(str(tmp_path / "valid"), "zip", tmp_path / "original", "DIV2K_valid_HR")
        server.content = open(archive, "rb").read()
        files = tuple(
            dataclasses.replace(file, url=server.file().url, size=None, checksum=None)
            for file in CATALOGUE["div2k"].files
        )
        monkeypatch.setitem(CATALOGUE, "div2k", dataclasses.replace(CATALOGUE["div2k"], files=files))
        assert prepare("div2k/valid", tmp_path / "data").parts[0].count == 1
        assert [path.name for path in (tmp_path / "data/.downloads").iterdir()] == ["DIV2K_valid_HR.zip"]

    def test_files_of_arrays_are_not_archives(self, server, tmp_path, monkeypatch):
        ORIGINALS["sidd"](tmp_path)
        server.content = (tmp_path / "BenchmarkNoisyBlocksSrgb.mat").read_bytes()
        file = dataclasses.replace(server.file(), name="BenchmarkNoisyBlocksSrgb.mat", parts=("benchmark",))
        monkeypatch.setitem(CATALOGUE, "sidd", dataclasses.replace(CATALOGUE["sidd"], files=(file,)))
        assert prepare("sidd/benchmark", tmp_path / "data").parts[0].count == 6
