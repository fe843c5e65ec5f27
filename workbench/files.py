"""The one way files are written: whole or not at all; and texts and JSON are read that may come from anywhere.

A file is written under another name in the same folder, flushed to the disk and renamed, so that a reader, a killed
process, a full disk or a lost current find what was there before or what is there now, never a part of it. No torch
here.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from workbench.errors import WorkbenchError

_UNFINISHED = ".*.unfinished"


class CannotWrite(WorkbenchError):
    """A file cannot be written: the disk is full, the folder is gone or closed, the name is a folder's."""


@contextlib.contextmanager
def replacing(path: str | os.PathLike, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Open a file that takes the place of ``path`` when the block ends, unless it raised.

    Parameters
    ----------
    path : path-like
        Its folder must exist.
    durable : bool
        Wait until the disk has it, so that it outlives a lost current too. False is for what can be made again and
        comes by the thousand, such as cut patches.

    Raises
    ------
    CannotWrite
        For any OSError, of the block too: whatever else may raise one is to be done before. Devices, pipes and sockets
        are not replaced.
    """
    path = Path(path)
    with contextlib.suppress(OSError):
        if not stat.S_ISREG(kind := path.stat().st_mode) and not stat.S_ISDIR(kind):
            raise CannotWrite(f"{path}: cannot be written (not a plain file)")
    # Hidden, short (the name may have all the letters that a name may have) and nobody else's.
    temporary = path.with_name(f".{uuid.uuid4().hex}.unfinished")
    try:
        with temporary.open("xb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
        if durable:
            _flush_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: str | os.PathLike, content: bytes | bytearray | memoryview) -> None:
    """Write a file; errors as of `replacing`."""
    with replacing(path) as file:
        file.write(content)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a text as UTF-8; errors as of `replacing`."""
    write_bytes(path, text.encode())


def write_json(path: str | os.PathLike, content: object) -> None:
    """Write plain values as JSON; errors as of `replacing`.

    Raises
    ------
    ValueError
        A number is infinite or none, which JSON cannot tell.
    """
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def check_plain(path: str | os.PathLike) -> None:
    """Refuse what is there and no plain file: a pipe would be waited for, a device may have no end.

    Raises
    ------
    OSError
        It cannot be looked at; FileNotFoundError if it is missing.
    WorkbenchError
        It is a folder, a pipe, a device or a socket.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise WorkbenchError(f"{path}: cannot be read (not a plain file)")


def find_files(folder: str | os.PathLike, pattern: str) -> list[Path]:
    """What lies in a folder by a pattern of names, sorted; nothing where it is missing or is being deleted."""
    try:
        return sorted(Path(folder).glob(pattern))
    except OSError:
        return []


def read_text(path: str | os.PathLike, longest: int = 1 << 26) -> str:
    """Read a text file of UTF-8 that is not longer than so many bytes.

    Raises
    ------
    FileNotFoundError
    WorkbenchError
        It cannot be read, is no plain file (a pipe would be waited for), is too long or no text.
    """
    path = Path(path)
    try:
        check_plain(path)
        if path.stat().st_size > longest:
            raise WorkbenchError(f"{path}: cannot be read (longer than {longest} bytes)")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise WorkbenchError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise WorkbenchError(f"{path}: cannot be read (not UTF-8 text)") from error


def read_json(path: str | os.PathLike) -> dict:
    """Read a JSON object; errors as of `read_text`, and WorkbenchError for anything else than an object."""
    text = read_text(path)
    try:
        content = json.loads(text)
    except RecursionError as error:
        raise WorkbenchError(f"{path}: not valid JSON (nested too deep)") from error
    except ValueError as error:
        raise WorkbenchError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(content, dict):
        raise WorkbenchError(f"{path}: not valid here (an object {{...}} is expected)")
    return content


def is_plain_name(name: str) -> bool:
    """Whether a name can be a folder's, directly below another, and is not a hidden one's."""
    return (
        bool(name) and Path(name).name == name and not name.startswith(".") and name.isprintable() and "\\" not in name
    )


def distinct(names: Iterable[str]) -> list[str]:
    """Names of files, numbered before the suffix where they repeat, since some file systems do not tell capitals apart.

    Examples
    --------
    >>> distinct(["a.png", "A.png", "x/a.png"])
    ['a.png', 'A-2.png', 'x/a.png']
    """
    found: dict[str, str] = {}
    for name in names:
        path = free = PurePosixPath(name)
        number = 1
        while str(free).casefold() in found:
            number += 1
            free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        found[str(free).casefold()] = str(free)
    return list(found.values())


def rename(finished: Path, path: Path) -> None:
    """Give a file that was written bit by bit, as a download, its name, once the disk has all of it.

    Raises
    ------
    CannotWrite
    """
    try:
        with finished.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(finished, path)
        _flush_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def make_folder(path: str | os.PathLike) -> None:
    """Make a folder with those above it; one that is there is left as it is.

    Raises
    ------
    CannotWrite
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def sweep(folder: Path) -> None:
    """Delete what processes that were killed while writing left in a folder; nobody may be writing there."""
    for path in Path(folder).glob(_UNFINISHED):
        with contextlib.suppress(OSError):
            path.unlink()


def cannot_write(path: str | os.PathLike, error: OSError) -> CannotWrite:
    """The one line for a file or folder that cannot be written."""
    return CannotWrite(f"{path}: cannot be written ({error.strerror or error})")


def _flush_folder(folder: Path) -> None:
    """Have the disk note a new name; not every file system offers that, and the file itself is safe by now."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
