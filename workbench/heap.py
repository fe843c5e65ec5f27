"""What happens to memory that tensors leave behind on a CPU."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
"""Of mallopt(3)."""
_lock = threading.Lock()
_inside = 0


@contextmanager
def kept_memory() -> Iterator[None]:
    """Within it, memory that becomes free stays with the process; at the end it goes back to the system.

    glibc gives tensors of more than 32 MB memory of their own, which the system clears page by page and takes back when
    they are freed. Large pictures pass through many of them: that took a third of the time of restoring one. Nothing is
    computed otherwise. Does nothing with other C libraries; may be used in several threads, and within itself.
    """
    global _inside
    with _lock:
        _inside += 1
        if _inside == 1:
            _set(_MMAP_MAX, 0)
            _set(_TRIM_THRESHOLD, -1)
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _set(_MMAP_MAX, 65536)
                # Where glibc's own adjustment ends, which setting any of them has switched off
                _set(_MMAP_THRESHOLD, 32 << 20)
                _set(_TRIM_THRESHOLD, 64 << 20)
                if (library := _glibc()) is not None:
                    library.malloc_trim(0)


def _set(parameter: int, value: int) -> None:
    if (library := _glibc()) is not None:
        library.mallopt(parameter, value)


@cache
def _glibc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):
        return None
    return library if hasattr(library, "gnu_get_libc_version") else None
