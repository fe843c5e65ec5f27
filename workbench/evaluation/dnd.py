"""Submissions to the Darmstadt Noise Dataset, whose references only its server has.

The server takes 50 MATLAB files, ``0001.mat`` to ``0050.mat``, one a photograph. Each holds ``Idenoised``, a cell array
1x20 of the denoised boxes in the order of ``info.mat`` (single precision, (512, 512, 3), sRGB in [0, 1]); ``israw``,
false for sRGB; and ``eval_version``, ``1.0``.

References
----------
Ploetz, Roth: Benchmarking Denoising Algorithms with Real Photographs, CVPR 2017, and the submission kit on the home
page of the data set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import scipy.io

from workbench.data.folders import list_pictures
from workbench.errors import WorkbenchError
from workbench.files import make_folder, replacing
from workbench.images import read_image, to_float

PHOTOGRAPHS, BOXES, SIDE = 50, 20, 512


def write_submission(
    noisy: Path,
    output: Path,
    restore_fn: Callable[[np.ndarray], np.ndarray],
    done: Callable[[Path], None] | None = None,
) -> list[Path]:
    """Restore the crops of DND and bundle them for its server.

    Parameters
    ----------
    noisy : Path
        Folder with the 1000 noisy crops ``0001_01.png`` to ``0050_20.png`` (photograph, box), as ``workbench data
        prepare dnd`` makes them, or what it made: a folder that has them in ``images/``
        (`workbench.data.folders.list_pictures`).
    output : Path
        Folder for the 50 files; made if it is missing. Files of an earlier submission in it are replaced.
    restore_fn : callable
        Maps a noisy crop (512, 512, 3), float32 in [0, 1], to the restored one of the same shape, which is clipped to
        [0, 1] and not rounded.
    done : callable, optional
        Called with each file that is done.

    Returns
    -------
    list of Path

    Raises
    ------
    WorkbenchError
        A crop is missing, unreadable or not 512x512, its restoration is not finite, or a file cannot be written.
        Nothing is written before all crops are there.
    """
    output, there = Path(output), {path.name: path for path in list_pictures(noisy)}
    names = [
        [f"{photograph:04d}_{box:02d}.png" for box in range(1, BOXES + 1)] for photograph in range(1, PHOTOGRAPHS + 1)
    ]
    missing = [name for row in names for name in row if name not in there]
    if missing:
        raise WorkbenchError(
            f"{noisy}: {len(missing)} of the {PHOTOGRAPHS * BOXES} crops of DND are missing, such as"
            f" {missing[0]}; make them with `workbench data prepare dnd`"
        )
    make_folder(output)
    written = []
    for number, row in enumerate(names, 1):
        path = output / f"{number:04d}.mat"
        _write(path, (_restored(there[name], restore_fn) for name in row))
        written.append(path)
        if done is not None:
            done(path)
    return written


def _restored(crop: Path, restore_fn: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    pixels = read_image(crop).pixels
    if pixels.shape != (SIDE, SIDE, 3):
        raise WorkbenchError(f"{crop}: {pixels.shape[1]}x{pixels.shape[0]} pixels, {SIDE}x{SIDE} expected")
    restored = restore_fn(to_float(pixels))
    if not np.isfinite(restored).all():
        raise WorkbenchError(f"{crop}: the restorer's output is not finite; its weights may have diverged")
    return np.clip(restored, 0, 1, dtype=np.float32)


def _write(path: Path, crops: Iterable[np.ndarray]) -> None:
    cells = np.empty((1, BOXES), object)
    for index, crop in enumerate(crops):
        cells[0, index] = crop
    with replacing(path) as file:
        scipy.io.savemat(file, {"Idenoised": cells, "israw": False, "eval_version": "1.0"}, do_compression=True)
