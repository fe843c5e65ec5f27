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

import os
from pathlib import Path

import numpy as np
import scipy.io

from workbench.errors import WorkbenchError
from workbench.images import read_image, to_float

PHOTOGRAPHS, BOXES, SIDE = 50, 20, 512


def write_submission(restored: Path, output: Path) -> list[Path]:
    """Bundle restored crops for the server of DND.

    Nothing is clipped, rounded or cut here: the crops are taken as the files hold them, so they should have 16 bits.
    ``workbench data prepare dnd`` makes the noisy crops with 16 bits, and ``workbench restore`` keeps that.

    Parameters
    ----------
    restored : Path
        Folder with the 1000 restored crops ``0001_01.png`` to ``0050_20.png`` (photograph, box).
    output : Path
        Folder for the 50 files; made if it is missing.

    Returns
    -------
    list of Path

    Raises
    ------
    WorkbenchError
        A crop is missing, unreadable or not 512x512, or a file cannot be written. Nothing is written before all crops
        are there.
    """
    restored, output = Path(restored), Path(output)
    crops = [
        [restored / f"{photograph:04d}_{box:02d}.png" for box in range(1, BOXES + 1)]
        for photograph in range(1, PHOTOGRAPHS + 1)
    ]
    missing = [path for row in crops for path in row if not path.is_file()]
    if missing:
        raise WorkbenchError(
            f"{restored}: {len(missing)} of the {PHOTOGRAPHS * BOXES} restored crops of DND are missing, such as"
            f" {missing[0].name}"
        )
    output.mkdir(parents=True, exist_ok=True)
    return [_write(output / f"{number:04d}.mat", row) for number, row in enumerate(crops, 1)]


def _write(path: Path, crops: list[Path]) -> Path:
    cells = np.empty((1, len(crops)), object)
    for index, crop in enumerate(crops):
        pixels = read_image(crop).pixels
        if pixels.shape != (SIDE, SIDE, 3):
            raise WorkbenchError(f"{crop}: {pixels.shape[1]}x{pixels.shape[0]} pixels, {SIDE}x{SIDE} expected")
        cells[0, index] = to_float(pixels)
    partial = path.with_name(path.name + ".partial")
    try:
        scipy.io.savemat(
            partial, {"Idenoised": cells, "israw": False, "eval_version": "1.0"}, appendmat=False, do_compression=True
        )
        os.replace(partial, path)
    except OSError as error:
        raise WorkbenchError(f"{path}: cannot be written ({error.strerror or error})") from error
    return path
