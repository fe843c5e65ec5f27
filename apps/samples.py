"""Sample photographs that are always there: held-out embedded ones, none of which a pocket restorer was trained on.

The list of them is recorded (``python benchmarks/app_samples.py``); the photographs, which the simulated camera takes
seconds for, are made when the first one is asked for.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from apps.assets import asset
from workbench.data.embedded import CATALOGUE, photograph, simulated_target
from workbench.images import write_png

SIGMA = 25
RECORD = "samples.json"
_SIDE = 512
_MOST_OF_A_SCENE = 2
_MAKING = threading.Lock()


@dataclass(frozen=True)
class Sample:
    """A photograph to try.

    Parameters
    ----------
    name : str
        What it shows.
    photo : Path
        The picture, degraded or clean.
    reference : Path or None
        Its clean twin; None where the picture is clean and noise will be added.
    """

    name: str
    photo: Path
    reference: Path | None


def thumbnails(simulated: bool) -> dict[str, str]:
    """What the list shows of the samples of one kind, in their order: addresses of small pictures by name."""
    return json.loads(asset(RECORD))["simulated" if simulated else "clean"]


def samples(simulated: bool) -> tuple[Sample, ...]:
    """The samples of one kind.

    Parameters
    ----------
    simulated : bool
        Photographs by the simulated camera at night, strongly noisy, with their references; else clean ones for AWGN.
    """
    with _MAKING:  # once, though two may ask at a time
        return _samples(simulated)


@cache
def _samples(simulated: bool) -> tuple[Sample, ...]:
    if not simulated:
        clean = [name for name, entry in CATALOGUE.items() if entry.split == "held-out"]
        return tuple(_sample(f"{name}-clean", photograph(name).pixels, None) for name in clean)
    found = []
    for shot in simulated_target("held-out", "night", size=_SIDE):
        scene = shot.name.split("-")[0]
        number = 1 + sum(sample.name.startswith(scene) for sample in found)
        if number <= _MOST_OF_A_SCENE:
            found.append(_sample(f"{scene}-{number}-simulated-camera", shot.photograph, shot.reference))
    return tuple(found)


@cache
def _folder() -> TemporaryDirectory:
    """Where the samples' files lie until the program ends."""
    folder = TemporaryDirectory(prefix="workbench-samples-")
    for kind in ("photo", "reference"):
        Path(folder.name, kind).mkdir()
    return folder


def _sample(name: str, photo: np.ndarray, reference: np.ndarray | None) -> Sample:
    """Write a sample's files; photo and reference have one name in two folders, as in a paired folder."""
    paths = {kind: Path(_folder().name, kind, f"{name}.png") for kind in ("photo", "reference")}
    write_png(paths["photo"], photo)
    if reference is not None:
        write_png(paths["reference"], reference)
    return Sample(name, paths["photo"], paths["reference"] if reference is not None else None)
