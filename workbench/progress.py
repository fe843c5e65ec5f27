"""Progress bars that suit a terminal and a log file alike."""

import sys
from collections.abc import Callable

from tqdm import tqdm

_PATIENCE = 5.0


def progress_bar(
    total: int, title: str, unit: str, *, initial: int = 0, disable: bool = False, delay: float = 0.0
) -> tqdm:
    """A bar with the time left, on stderr: moved in place on a terminal, a line now and then elsewhere.

    It appears after ``delay`` seconds.
    """
    terminal = sys.stderr.isatty()
    return tqdm(
        total=total,
        initial=initial,
        desc=title,
        unit=unit,
        disable=disable,
        delay=delay,
        dynamic_ncols=True,
        mininterval=0.2 if terminal else 20.0,
        miniters=0,
        ascii=None if terminal else " .",
    )


def late_bar(title: str) -> Callable[[int, int], None]:
    """A progress callback ``(done, total)``: a bar for whatever takes longer than some seconds, one after the other."""
    bar: tqdm | None = None

    def tell(done: int, total: int) -> None:
        nonlocal bar
        if bar is None:
            bar = progress_bar(total, title, "part", delay=_PATIENCE)
            bar.leave = False
        bar.update(done - bar.n)
        if done >= total:
            bar.close()
            bar = None

    return tell
