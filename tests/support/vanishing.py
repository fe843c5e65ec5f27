"""A folder that is deleted, or replaced by another, at every step of some work: between a list and an open, too."""

from __future__ import annotations

import builtins
import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ASKING = ((os, "lstat"), (os, "scandir"), (os, "stat"), (io, "open"), (builtins, "open"))


def vanishing(work: Callable[[], object], folder: Path, then: Path | None = None) -> Iterator[int]:
    """Do work again and again; each time the folder vanishes one question to the file system about it later.

    Parameters
    ----------
    work : callable
    folder : Path
        It is put back for every try.
    then : Path, optional
        What takes its place.

    Yields
    ------
    int
        How many questions were asked until then; it ends with the work that asks no more.
    """
    kept = folder.with_name(f".{folder.name}-kept")
    shutil.copytree(folder, kept)
    questions = at = 0

    def watched(ask: Callable) -> Callable:
        def asked(path, *arguments, **keywords):
            nonlocal questions
            if isinstance(path, str | Path) and Path(path).is_relative_to(folder):
                questions += 1
                if questions == at:
                    vanish()
            return ask(path, *arguments, **keywords)

        return asked

    def vanish() -> None:
        with patch.context() as plain:
            for (module, name), ask in originals.items():
                plain.setattr(module, name, ask)
            shutil.rmtree(folder)
            if then is not None:
                shutil.copytree(then, folder)

    originals = {place: getattr(*place) for place in ASKING}
    while questions >= at:
        questions, at = 0, at + 1
        with pytest.MonkeyPatch.context() as patch:
            for (module, name), ask in originals.items():
                patch.setattr(module, name, watched(ask))
            work()
        yield at
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(kept, folder)
    shutil.rmtree(kept)


def tries(made: Path, runs: Path, gone: str, then: Path | None) -> Callable[[Callable[[Path], object]], int]:
    """Copy runs; what comes back does work on the copies while one of them vanishes, and says how often."""
    shutil.copytree(made, runs)
    return lambda work: max(vanishing(lambda: work(runs), runs / gone, then))
