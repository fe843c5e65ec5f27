"""Downloads that can be cut at any point and go on later."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from tqdm import tqdm

from data_tools.entries import RemoteFile
from data_tools.locking import locked
from data_tools.unpack import check_space
from workbench import __version__
from workbench.errors import WorkbenchError
from workbench.files import cannot_write, make_folder, rename, write_json

CHUNK = 1 << 20
ATTEMPTS = 5
"""Connections in a row that may bring nothing before we give up."""
TIMEOUT = 60.0
"""Seconds without a byte after which a connection counts as cut."""

_NETWORK_ERRORS = (urllib.error.URLError, http.client.HTTPException, ssl.SSLError, TimeoutError, ConnectionError)


class DownloadError(WorkbenchError):
    """A download failed; the call itself was right."""

    exit_status = 1


def download(file: RemoteFile, folder: Path, progress: bool = True, pause: float = 1.0) -> Path:
    """Fetch a file into a folder, or go on where an earlier call was cut.

    What has arrived lies in ``NAME.part``, with what identifies the version on the server in ``NAME.part.json``; the
    file gets its name only after size and checksum were found right. A file of that name is taken as complete.

    Parameters
    ----------
    file : RemoteFile
    folder : Path
        Made when missing.
    progress : bool
        Show a bar on a terminal.
    pause : float
        Seconds before the second connection; doubled before each further one that follows a fruitless one.

    Returns
    -------
    Path

    Raises
    ------
    DownloadError
        The server refuses, sends a web page, cannot be reached, or the file is not what was published.
    WorkbenchError
        The disk is too small or cannot be written.
    """
    final = folder / file.name
    part = folder / f"{file.name}.part"
    try:
        make_folder(folder)
        with locked(final):  # several data sets come from one archive: the second process waits, and finds it there
            if not final.exists():
                _fetch(file, part, progress, pause)
                _verify(file, part, progress)
                rename(part, final)
                _identity_file(part).unlink(missing_ok=True)
        size = final.stat().st_size
        if file.size not in (None, size):
            raise DownloadError(f"{final}: has {size} bytes, {file.size} are published; delete it and try again")
    except OSError as error:
        raise cannot_write(error.filename or final, error) from error
    return final


@dataclass(frozen=True)
class _Answer:
    """What a server said it is going to send."""

    offset: int
    total: int | None
    identity: dict[str, str]


def _fetch(file: RemoteFile, part: Path, progress: bool, pause: float) -> None:
    fruitless = 0
    with tqdm(
        desc=file.name,
        total=file.size,
        unit="B",
        unit_scale=True,
        unit_divisor=1000,
        disable=None if progress else True,
    ) as bar:
        while True:
            before = _size(part)
            try:
                total = _continue(file, part, bar)
                if total is None or _size(part) >= total:
                    return
                reason = "the connection was cut"
            except _NETWORK_ERRORS as error:
                if isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code not in (408, 429):
                    raise DownloadError(
                        f"{file.url}: the server answers {error.code} ({error.reason}); the address may have changed"
                    ) from error
                reason = str(getattr(error, "reason", None) or error or type(error).__name__)
            fruitless = 0 if _size(part) > before else fruitless + 1
            if fruitless == ATTEMPTS:
                raise DownloadError(
                    f"{file.url}: cannot be downloaded ({reason}); the same command goes on from {_size(part)} bytes"
                )
            bar.set_postfix_str(f"trying again: {reason}")
            time.sleep(pause * 2 ** max(fruitless - 1, 0))


def _continue(file: RemoteFile, part: Path, bar: tqdm) -> int | None:
    """One connection: append what it brings. Returns the size of the whole file if the server tells."""
    offset, identity = _size(part), _identity(part)
    if offset and not identity and file.checksum is None:
        offset = 0  # nothing would tell whether the two halves belong together
    if offset and offset == file.size:
        return offset
    request = urllib.request.Request(file.url, headers={"User-Agent": f"noise-da-workbench/{__version__}"})
    if offset:
        request.add_header("Range", f"bytes={offset}-")
        if validator := identity.get("ETag") or identity.get("Last-Modified"):
            request.add_header("If-Range", validator)
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE or not offset:
            raise
        if error.headers.get("Content-Range") == f"bytes */{offset}":
            return offset  # complete; an earlier call ended before it could say so
        _discard(part)  # longer than the file on the server: another version
        return _continue(file, part, bar)
    with response:
        answer = _read_answer(file, response.status, response.headers)
        if answer.offset not in (0, offset):
            raise DownloadError(f"{file.url}: the server sends another piece than asked for")
        if None not in (file.size, answer.total) and file.size != answer.total:
            raise DownloadError(f"{file.url}: the server offers {answer.total} bytes, {file.size} are published")
        if answer.total is not None:
            check_space(part.parent, answer.total - answer.offset, file.name)
        write_json(_identity_file(part), answer.identity)
        bar.total = file.size or answer.total
        bar.n = answer.offset
        bar.refresh()
        with part.open("r+b" if answer.offset else "wb") as output:
            output.seek(answer.offset)
            output.truncate()
            while block := response.read(CHUNK):
                output.write(block)
                bar.update(len(block))
    return answer.total if answer.total is not None else file.size


def _read_answer(file: RemoteFile, status: int, headers: Message) -> _Answer:
    if headers.get_content_type() == "text/html":
        raise DownloadError(f"{file.url}: the server sends a web page instead of the file")
    length = headers.get("Content-Length")
    length = int(length) if length and length.isdigit() else None
    # A weak ETag does not promise equal bytes, so it cannot be used to go on.
    validators = {name: headers.get(name, "") for name in ("ETag", "Last-Modified")}
    identity = {name: value for name, value in validators.items() if value and not value.startswith("W/")}
    if status != http.client.PARTIAL_CONTENT:
        return _Answer(0, length, identity)
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", ""))
    if match is None:
        raise DownloadError(f"{file.url}: the server's answer makes no sense")
    return _Answer(int(match[1]), int(match[2]) if match[2] != "*" else None, identity)


def _verify(file: RemoteFile, part: Path, progress: bool) -> None:
    size = part.stat().st_size
    if file.size is not None and size != file.size:
        _discard(part)
        raise DownloadError(f"{file.url}: {size} bytes came, {file.size} are published; they were deleted, try again")
    if file.checksum is None:
        return
    algorithm, _, published = file.checksum.partition(":")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with (
        part.open("rb") as content,
        tqdm(
            desc=f"verifying {file.name}", total=size, unit="B", unit_scale=True, disable=None if progress else True
        ) as bar,
    ):
        while block := content.read(CHUNK):
            digest.update(block)
            bar.update(len(block))
    if digest.hexdigest() != published:
        _discard(part)
        raise DownloadError(f"{file.url}: its {algorithm} is not the published {published}; it was deleted, try again")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _identity_file(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _identity(part: Path) -> dict[str, str]:
    try:
        return json.loads(_identity_file(part).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _identity_file(part).unlink(missing_ok=True)
