"""Work on many files at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from workbench.devices import cores

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None
) -> Iterator[tuple[Item, Result]]:
    """Apply a function to items in threads, one a core by default; items with their results, in order.

    Threads suit functions that decode or encode images, which leaves the interpreter free. Items are taken a little
    ahead of what is yielded, so that long iterables do not pile up.
    """
    workers = workers or cores()
    pool = ThreadPoolExecutor(workers)
    try:
        waiting = deque()
        for item in items:
            waiting.append((item, pool.submit(function, item)))
            if len(waiting) > 4 * workers:
                done, future = waiting.popleft()
                yield done, future.result()
        for done, future in waiting:
            yield done, future.result()
    finally:
        pool.shutdown(cancel_futures=True)
