"""Progress bars that suit a terminal and a log file alike."""

import sys

from tqdm import tqdm


def progress_bar(total: int, title: str, unit: str, *, initial: int = 0, disable: bool = False) -> tqdm:
    """A bar with the time left, on stderr: moved in place on a terminal, a line now and then elsewhere."""
    terminal = sys.stderr.isatty()
    return tqdm(
        total=total,
        initial=initial,
        desc=title,
        unit=unit,
        disable=disable,
        dynamic_ncols=True,
        mininterval=0.2 if terminal else 20.0,
        ascii=None if terminal else " .",
    )
