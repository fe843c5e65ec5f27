"""A temporary folder of the app's own, for what people bring and what is made of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

_PREFIX, _LOCK = "workbench-app-", "lock"


@contextlib.contextmanager
def own_folder() -> Iterator[Path]:
    """All temporary files of this process, gradio's too, go to a folder that is deleted at the end.

    Those that apps left which were killed are deleted at the beginning: their locks went with them.
    """
    _sweep(Path(tempfile.gettempdir()))
    before = tempfile.tempdir, os.environ.get("GRADIO_TEMP_DIR")
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    with FileLock(folder / _LOCK):
        tempfile.tempdir, os.environ["GRADIO_TEMP_DIR"] = str(folder), str(folder / "gradio")
        try:
            yield folder
        finally:
            tempfile.tempdir = before[0]
            os.environ.pop("GRADIO_TEMP_DIR") if before[1] is None else os.environ.update(GRADIO_TEMP_DIR=before[1])
            shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    for folder in place.glob(f"{_PREFIX}*"):
        if folder.is_symlink() or not (folder / _LOCK).is_file():
            continue  # not one of ours, or one that is being made
        with contextlib.suppress(Timeout, OSError), FileLock(folder / _LOCK, blocking=False):
            if len(os.listdir(folder)) > 1:  # else its lock has just been made, and is about to be taken
                shutil.rmtree(folder, ignore_errors=True)
