"""A restorer and an image of any size: the restored image, in tiles if need be."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from workbench.errors import WorkbenchError
from workbench.images import list_images, read_image, to_float, to_uint, write_png
from workbench.nets.unet import Window

TILE = 640
"""Side in pixels of the tiles of an image that is too large for one pass, and of the largest square that is not."""

Progress = Callable[[int, int], bool | None]


class StoppedError(Exception):
    """A progress callback asked to stop."""


def restore_array(
    restorer: nn.Module,
    image: np.ndarray,
    tile: int | None = None,
    device: torch.device | str | None = None,
    progress: Progress | None = None,
) -> np.ndarray:
    """Restore one image.

    Images of more than ``TILE ** 2`` pixels are restored in tiles, each with the surroundings that the restorer's
    ``halo`` asks for. Where that is as far as a pixel reaches, the result is that of a single pass up to rounding
    errors (far below 1/255); `workbench.nets.library` says of which restorers it is not. Beyond the image itself, the
    memory needed is that of one tile.

    Parameters
    ----------
    restorer : nn.Module
        Maps ``(degraded, window)`` to restored images, both (N, 3, H, W); ``window`` is None or the
        :class:`~workbench.nets.unet.Window` of a tile. Has ``multiple``, the grid in pixels on which tiles may begin,
        and ``halo``, the radius in pixels of the surroundings that a tile needs. One with ``square`` set pads images to
        squares, so that long ones are better cut.
    image : ndarray, shape (H, W, 3), uint8, uint16 or floating point in [0, 1]
    tile : int, optional
        Side in pixels of the tiles, without surroundings, rounded up to a multiple of ``multiple``. Chosen by itself
        if not given.
    device : torch.device or str, optional
        Move the restorer there first; it stays where it is if not given.
    progress : callable, optional
        Called with (tiles done, tiles in all) after each tile; stops the work by returning True or by raising.

    Returns
    -------
    ndarray, shape (H, W, 3)
        Of the type of ``image`` if that is an integer type, clipped and rounded; else float32, not clipped.

    Raises
    ------
    WorkbenchError
        The tile is not positive or does not fit into the device's memory, or integers are to be made of a result that
        is not finite.
    StoppedError
        ``progress`` returned True.
    """
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"image must have shape (H, W, 3), not {image.shape}")
    if tile is not None and tile < 1:
        raise WorkbenchError(f"tile {tile}: the side of the tiles must be at least 1 pixel")
    height, width = image.shape[:2]
    if tile is None:
        area = max(height, width) ** 2 if getattr(restorer, "square", False) else height * width
        tile = TILE if area > TILE**2 else max(height, width)
    if device is not None:
        restorer.to(device)
    device = next((parameter.device for parameter in restorer.parameters()), torch.device("cpu"))
    integer = image.dtype.kind == "u"
    restored = np.empty(image.shape, image.dtype if integer else np.float32)
    areas = [
        (rows, columns)
        for rows in _cut(height, tile, restorer.multiple, restorer.halo)
        for columns in _cut(width, tile, restorer.multiple, restorer.halo)
    ]
    training = restorer.training
    restorer.eval()
    try:
        for done, (rows, columns) in enumerate(areas, start=1):
            window = Window(rows.start, columns.start, height, width) if len(areas) > 1 else None
            part = _forward(restorer, image[rows.surroundings, columns.surroundings], window, device)
            part = part[rows.inside, columns.inside]
            if integer:
                if not np.isfinite(part).all():
                    raise WorkbenchError("the restorer's output is not finite; its weights may have diverged")
                part = to_uint(part, 8 * image.itemsize)
            restored[rows.core, columns.core] = part
            if progress is not None and progress(done, len(areas)):
                raise StoppedError
    except torch.OutOfMemoryError as error:
        raise WorkbenchError(
            f"not enough memory on {device} for tiles of {tile} pixels; choose smaller ones"
        ) from error
    finally:
        restorer.train(training)
    return restored


def restore_file(
    restorer: nn.Module,
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
    restorer: nn.Module,
    inputs: Iterable[str | os.PathLike],
    output_dir: str | os.PathLike,
    tile: int | None = None,
    device: torch.device | str | None = None,
    report: Callable[[Path, Path], None] | None = None,
) -> list[dict[str, str]]:
    """Restore image files into one folder; what fails does not stop the others.

    Parameters
    ----------
    inputs : iterable of path-like
        Image files, and folders whose images are taken, sub-folders included.
    output_dir : path-like
        Made if missing. Each result is named after the stem of its input; if inputs have the same stem, the later ones
        get a number: ``rose.png``, ``rose-2.png``.
    report : callable, optional
        Called with (input, output) after each file that is done.
    restorer, tile, device
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
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkbenchError(f"{output_dir}: cannot be made a folder for the results ({error.strerror})") from error
    failed = []

    def fail(path: Path, error: WorkbenchError) -> None:
        failed.append({"name": str(path), "reason": str(error).removeprefix(f"{path}: ")})

    paths = {}
    for path in map(Path, inputs):
        try:
            found = list_images(path) if path.is_dir() else [path]
            if not found:
                raise WorkbenchError("no images in this folder")
        except WorkbenchError as error:
            fail(path, error)
            continue
        for one in found:
            paths.setdefault(one.resolve(), one)  # a file may be given twice, by itself and with its folder
    for path, output in zip(paths.values(), _outputs(paths.values(), output_dir), strict=True):
        try:
            if output.resolve() in paths:
                raise WorkbenchError(f"the result would overwrite {output}, an input; choose another output folder")
            restore_file(restorer, path, output, tile, device)
        except WorkbenchError as error:
            fail(path, error)
        else:
            if report is not None:
                report(path, output)
    return failed


def _forward(restorer: nn.Module, image: np.ndarray, window: Window | None, device: torch.device) -> np.ndarray:
    """One pass over (H, W, 3) pixels, as float32."""
    with torch.inference_mode():
        # The axes of an image are those of channels_last already, the faster layout for convolutions on the CPU.
        batch = torch.from_numpy(to_float(image.copy())).to(device).permute(2, 0, 1)[None]
        return restorer(batch, window)[0].permute(1, 2, 0).float().cpu().numpy()


class _Part(NamedTuple):
    """One side of a tile: the part of the result that it makes, and the surroundings that this takes."""

    core: slice
    surroundings: slice

    @property
    def start(self) -> int:
        return self.surroundings.start

    @property
    def inside(self) -> slice:
        """The core as seen from the surroundings."""
        return slice(self.core.start - self.start, self.core.stop - self.start)


def _cut(side: int, tile: int, multiple: int, halo: int) -> list[_Part]:
    """Cut a side into parts of about equal length; ``tile`` is rounded up to ``multiple``.

    All surroundings begin at multiples of ``multiple`` and are equally long but for the padding of the last: tensors of
    ever other sizes would leave the memory in pieces that do not fit the next ones.
    """
    units, context = -(-side // multiple), -(-halo // multiple)
    parts = -(-units // -(-tile // multiple))
    edges = [units * part // parts for part in range(parts + 1)]
    length = min(-(-units // parts) + 2 * context, units)
    starts = [min(max(edge - context, 0), units - length) for edge in edges[:-1]]
    return [
        _Part(
            slice(edge * multiple, min(after * multiple, side)),
            slice(start * multiple, min((start + length) * multiple, side)),
        )
        for edge, after, start in zip(edges[:-1], edges[1:], starts, strict=True)
    ]


def _outputs(paths: Iterable[Path], folder: Path) -> Iterator[Path]:
    """A PNG file in ``folder`` for each path, no two the same."""
    taken = set()
    for path in paths:
        name, number = path.stem, 1
        while name.casefold() in taken:  # some file systems do not tell capitals apart
            number += 1
            name = f"{path.stem}-{number}"
        taken.add(name.casefold())
        yield folder / f"{name}.png"
