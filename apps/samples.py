"""Sample photographs that are always there: held-out embedded ones, none of which a pocket restorer was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image as PillowImage

from workbench.data.embedded import CATALOGUE, photograph, simulated_target
from workbench.images import write_png

SIGMA = 25
_SIDE = 512
_MOST_OF_A_SCENE = 2


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
    thumbnail : Path
        What the list shows.
    """

    name: str
    photo: Path
    reference: Path | None
    thumbnail: Path


@cache
def samples(simulated: bool) -> tuple[Sample, ...]:
    """The samples of one kind.

    Parameters
    ----------
    simulated : bool
        Photographs by the simulated camera at night, strongly noisy, with their references; else clean ones for AWGN.
    """
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
    for kind in ("photo", "reference", "thumbnail"):
        Path(folder.name, kind).mkdir()
    return folder


def _sample(name: str, photo: np.ndarray, reference: np.ndarray | None) -> Sample:
    """Write a sample's files; photo and reference have one name in two folders, as in a paired folder."""
    small = PillowImage.fromarray(photo)
    small.thumbnail((200, 200))
    paths = {kind: Path(_folder().name, kind, f"{name}.png") for kind in ("photo", "reference", "thumbnail")}
    write_png(paths["photo"], photo)
    write_png(paths["thumbnail"], np.asarray(small))
    if reference is not None:
        write_png(paths["reference"], reference)
    return Sample(name, paths["photo"], paths["reference"] if reference is not None else None, paths["thumbnail"])
