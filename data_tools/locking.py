"""One process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from workbench.errors import WorkbenchError


@contextmanager
def locked(place: Path, otherwise: str | None = None) -> Iterator[None]:
    """Hold a lock on a file or folder that need not exist yet; it ends with the process, however that ends.

    Parameters
    ----------
    place : Path
        Its folder must exist; the lock is a hidden file there.
    otherwise : str, optional
        What to say when another process holds the lock. Waits for it when not given.

    Raises
    ------
    WorkbenchError
        With ``otherwise``, when another process holds the lock.
    """
    lock = place.with_name(f".{place.name}.lock")
    try:
        with FileLock(lock, timeout=-1 if otherwise is None else 0):
            try:
                yield
            finally:
                with suppress(OSError):
                    lock.unlink()
    except Timeout as error:
        raise WorkbenchError(otherwise) from error
