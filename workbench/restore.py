"""A restorer and an image of any size, or files of images: the restored ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from workbench.errors import WorkbenchError
from workbench.files import distinct, make_folder
from workbench.images import list_images, read_image, write_png
from workbench.restorers import Restorer, StoppedError
from workbench.restorers.passes import Progress, Trace

__all__ = ["StoppedError", "restore_array", "restore_file", "restore_files"]


def restore_array(
    restorer: Restorer | nn.Module,
    image: np.ndarray,
    tile: int | None = None,
    device: torch.device | str | None = None,
    progress: Progress | None = None,
    trace: Trace | None = None,
) -> np.ndarray:
    """Restore one image.

    Large images are restored in tiles, each with the surroundings that a network's ``halo`` asks for. Where that is as
    far as a pixel reaches, the result is that of a single pass up to rounding errors (far below 1/255);
    `workbench.nets.library` says of which networks it is not.

    Parameters
    ----------
    restorer : Restorer or nn.Module
        A network is taken as the restorer that it makes alone (`Restorer.of`).
    image, tile, device, progress, trace
        As for `Restorer.restore`, which says what comes back and what is raised.

    Examples
    --------
    >>> from workbench.nets import build
    >>> restore_array(build("identity"), np.zeros((40, 56, 3), np.uint8)).shape
    (40, 56, 3)
    """
    restorer = restorer if isinstance(restorer, Restorer) else Restorer.of(restorer)
    return restorer.restore(image, tile, device, progress, trace)


def restore_file(
    restorer: Restorer | nn.Module,
    path: str | os.PathLike,
    output: str | os.PathLike,
    tile: int | None = None,
    device: torch.device | str | None = None,
    progress: Progress | None = None,
) -> None:
    """Restore an image file and write a PNG file.

    The result has the bits of the input, its transparency and its colour profile; grey images become colour images. It
    is upright, whatever orientation the camera noted.

    Parameters
    ----------
    path, output : path-like
        The image to read, and the PNG file to write or replace; its folder must exist.
    restorer, tile, device, progress
        As for :func:`restore_array`.

    Raises
    ------
    WorkbenchError
        The image cannot be read, restored or written.
    """
    image = read_image(path)
    restored = restore_array(restorer, image.pixels, tile, device, progress)
    write_png(output, restored, image.alpha, image.icc_profile)


def restore_files(
    restorer: Restorer | nn.Module,
    inputs: Iterable[str | os.PathLike],
    output_dir: str | os.PathLike,
    tile: int | None = None,
    device: torch.device | str | None = None,
    done: Callable[[Path, Path], None] | None = None,
    progress: Progress | None = None,
) -> list[dict[str, str]]:
    """Restore image files into one folder; what fails does not stop the others.

    Parameters
    ----------
    inputs : iterable of path-like
        Image files, and folders whose images are taken, sub-folders included.
    output_dir : path-like
        Made if missing. Each result is named after the stem of its input; if inputs have the same stem, the later ones
        get a number: ``rose.png``, ``rose-2.png``.
    done : callable, optional
        Called with (input, output) after each file that is done.
    restorer, tile, device, progress
        As for :func:`restore_array`.

    Returns
    -------
    list of dict
        ``{"name", "reason"}`` for each input that failed.

    Raises
    ------
    WorkbenchError
        The output folder cannot be made.
    """
    output_dir = Path(output_dir)
    make_folder(output_dir)
    failed = []

    def fail(path: Path, error: WorkbenchError) -> None:
        failed.append({"name": str(path), "reason": str(error).removeprefix(f"{path}: ")})

    paths = {}
    for path in map(Path, inputs):
        try:
            found = list_images(path, unreadable=fail) if path.is_dir() else [path]
            if not found:
                raise WorkbenchError("no images in this folder")
        except WorkbenchError as error:
            fail(path, error)
            continue
        for one in found:
            paths.setdefault(os.path.realpath(one), one)  # a file may be given twice, by itself and with its folder
    names = distinct(f"{path.stem}.png" for path in paths.values())
    for path, name in zip(paths.values(), names, strict=True):
        output = output_dir / name
        try:
            if os.path.realpath(output) in paths:
                raise WorkbenchError(f"the result would overwrite {output}, an input; choose another output folder")
            restore_file(restorer, path, output, tile, device, progress)
        except WorkbenchError as error:
            fail(path, error)
        else:
            if done is not None:
                done(path, output)
    return failed
