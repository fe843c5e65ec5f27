"""Pairs that the simulated camera takes of one's own clean photographs, on disk: a target domain of any size."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
import yaml
from pydantic import Field, ValidationError, field_validator

from workbench.data.camera import CAMERAS, take
from workbench.data.degradations import Degradation, build, margin_of
from workbench.data.domains import existing_folder
from workbench.data.folders import INPUT, TARGET, list_pictures, with_names
from workbench.errors import WorkbenchError
from workbench.files import make_folder, read_json, write_json
from workbench.images import read_image, write_png
from workbench.progress import progress_bar
from workbench.recipes import one_line
from workbench.recipes.reading import parse
from workbench.recipes.schema import PAIRS, CameraName, DegradationChoice, Section

RECORD = "simulated.json"
"""Beside the sides: what the pairs were made of, and how."""


class Simulation(Section):
    """What the simulated camera takes, and how.

    Shot `i` shows picture ``i % len(pictures)`` and depends on it, the settings and ``(seed, i)`` alone.
    """

    places: list[str] = Field(
        min_length=1, description="folders or dataset:NAME of clean pictures, or of pairs, whose target/ is taken then"
    )
    effect: DegradationChoice | None = Field(
        None, description="what happens to the light before the camera takes the picture, as data.degradation"
    )
    camera: CameraName = "standard"
    size: int = Field(384, ge=1, description="largest height and width in pixels; of a larger picture a part is taken")
    shots: int | None = Field(None, ge=1, description="number of photographs; null: each picture once")
    seed: int = Field(0, ge=0)

    @field_validator("effect")
    @classmethod
    def _of_light(cls, effect: DegradationChoice | None) -> DegradationChoice | None:
        if effect is not None and effect.name == PAIRS:
            raise ValueError(f"{PAIRS} does nothing to the light")
        return effect


def simulation_of(places: list[str], effect: str | None, **settings: str | int | None) -> Simulation:
    """A simulation as it is said on the command line: the effect as in ``--set data.degradation=EFFECT``.

    Raises
    ------
    WorkbenchError
        A value is not valid.
    """
    try:
        return Simulation(places=places, effect=None if effect is None else parse(effect), **settings)
    except yaml.YAMLError as error:
        raise WorkbenchError(f"--effect {effect!r} is not a valid value") from error
    except ValidationError as error:
        raise WorkbenchError(one_line(error, "simulate", Simulation)) from error


def simulate_pairs(simulation: Simulation, output: Path) -> int:
    """Photograph clean pictures and write the pairs as PNG; called again, it goes on with those that are missing.

    Parameters
    ----------
    simulation : Simulation
    output : Path
        Gets ``input/`` (the photographs) and ``target/`` (their references).

    Returns
    -------
    count : int
        Number of pairs in ``output``.

    Raises
    ------
    WorkbenchError
        A folder is missing, a picture cannot be read or is too small, a file cannot be written, or ``output`` holds
        something else.

    Notes
    -----
    The pairs are simulated and never to be called real.
    """
    pictures = [
        each for place in simulation.places for each in with_names(list_pictures(existing_folder(place), TARGET))
    ]
    _begin(output, simulation.model_dump(mode="json") | {"pictures": [name for name, _ in pictures]})
    chosen = simulation.effect
    effect = build(chosen.name, chosen.overrides) if chosen else None
    shots = simulation.shots or len(pictures)
    with progress_bar(shots, "photographs", "picture", delay=1) as bar:
        for index in range(shots):
            name, path = pictures[index % len(pictures)]
            file = f"{'-'.join(PurePosixPath(name).with_suffix('').parts)}-{index:03d}.png"
            if not all((output / side / file).is_file() for side in (INPUT, TARGET)):
                pair = _taken(path, simulation, effect, index)
                for side, picture in zip((INPUT, TARGET), pair, strict=True):
                    write_png(output / side / file, picture)
            bar.update()
    return shots


def _taken(path: Path, simulation: Simulation, effect: Degradation | None, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Photograph and reference of one picture."""
    pixels = read_image(path).pixels
    if pixels.dtype != np.uint8:
        pixels = (pixels / np.float32(np.iinfo(pixels.dtype).max)).astype(np.float32)
    camera = CAMERAS[simulation.camera]
    if min(pixels.shape[:2]) * camera.enlargement <= 2 * margin_of(effect):
        raise WorkbenchError(f"{path}: too small; {simulation.effect} needs more surroundings than it has")
    return take(pixels, camera, np.random.default_rng((simulation.seed, index)), simulation.size, effect)


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
