"""Pairs that the simulated camera takes of one's own clean photographs, on disk: a target domain of any size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from workbench.data.camera import CAMERAS, take
from workbench.data.domains import existing_folder
from workbench.data.embedded import EFFECTS
from workbench.data.folders import INPUT, TARGET, list_pictures, with_names
from workbench.errors import WorkbenchError
from workbench.files import make_folder, read_json, write_json
from workbench.images import read_image, write_png
from workbench.progress import progress_bar

RECORD = "simulated.json"
"""Beside the sides: what the pairs were made of, and how."""


def simulate_pairs(
    places: Sequence[str],
    output: Path,
    *,
    domain: str = "simulated-camera",
    camera: str = "standard",
    size: int = 384,
    shots: int | None = None,
    seed: int = 0,
) -> int:
    """Photograph clean pictures with the simulated camera and write the pairs as PNG.

    Shot `i` shows picture ``i % len(pictures)`` and depends on it, the settings and ``(seed, i)`` alone. Called again
    after an interruption, it goes on with the pairs that are missing.

    Parameters
    ----------
    places : sequence of str
        Folders or ``dataset:NAME`` of clean pictures, or of pairs, whose ``target/`` is taken then.
    output : Path
        Gets ``input/`` (the photographs) and ``target/`` (their references).
    domain : str
        Key of `workbench.data.embedded.EFFECTS`: the camera alone, in rain, shaken.
    camera : str
        Key of `workbench.data.camera.CAMERAS`.
    size : int
        Largest height and width of a photograph in pixels: the region of the most detail of a few random ones is taken,
        a picture no larger as a whole.
    shots : int, optional
        Number of photographs; each picture once by default.
    seed : int
        Not negative.

    Returns
    -------
    count : int
        Number of pairs in ``output``.

    Raises
    ------
    WorkbenchError
        There is no such domain, camera or folder, a picture cannot be read or is too small, a file cannot be written,
        or ``output`` holds pairs that were made in another way.

    Notes
    -----
    The pairs are simulated and never to be called real.
    """
    _check(domain, EFFECTS, "domain")
    _check(camera, CAMERAS, "camera")
    if size < 1 or (shots is not None and shots < 1) or seed < 0:
        raise WorkbenchError("size and number of shots are at least 1, the seed is not negative")
    pictures = [each for place in places for each in with_names(list_pictures(existing_folder(place), TARGET))]
    shots = len(pictures) if shots is None else shots
    made = {
        "places": list(places), "pictures": [name for name, _ in pictures], "domain": domain, "camera": camera,
        "size": size, "shots": shots, "seed": seed,
    }  # fmt: skip
    _begin(output, made)
    with progress_bar(shots, "photographs", "picture", delay=1) as bar:
        for index in range(shots):
            name, path = pictures[index % len(pictures)]
            file = f"{'-'.join(PurePosixPath(name).with_suffix('').parts)}-{index:03d}.png"
            if not all((output / side / file).is_file() for side in (INPUT, TARGET)):
                pixels = read_image(path).pixels
                rng = np.random.default_rng((seed, index))
                for side, picture in zip((INPUT, TARGET), _taken(path, pixels, camera, rng, size, domain), strict=True):
                    write_png(output / side / file, picture)
            bar.update()
    return shots


def _taken(path: Path, pixels: np.ndarray, camera: str, rng: np.random.Generator, size: int, domain: str):
    """Photograph and reference of one picture."""
    if pixels.dtype != np.uint8:
        pixels = (pixels / np.float32(np.iinfo(pixels.dtype).max)).astype(np.float32)
    photograph, reference = take(pixels, CAMERAS[camera], rng, size, EFFECTS[domain])
    if not photograph.size:
        raise WorkbenchError(f"{path}: too small for {domain}, whose edges are cut off")
    return photograph, reference


def _begin(output: Path, made: dict) -> None:
    """Make the folders and note what they are to hold, or find them begun in the same way."""
    record = output / RECORD
    if record.is_file():
        if read_json(record) == made:
            return
        raise WorkbenchError(
            f"{record}: these pairs were made in another way; choose another folder, or delete this one"
        )
    if output.is_dir() and any(output.iterdir()):
        raise WorkbenchError(f"{output}: is not empty; choose another folder")
    for side in (INPUT, TARGET):
        make_folder(output / side)
    write_json(record, made)


def _check(name: str, known: dict, what: str) -> None:
    if name not in known:
        raise WorkbenchError(f"no {what} is called {name!r}; choose one of {', '.join(known)}")
