"""Photographs that need no download: they ship in the wheels of scikit-image and matplotlib.

Three photographs are kept apart for evaluation (held-out). Of each training photograph that serves both domains, the
left half is a clean source picture and the right half a scene for the target camera: no pixel of the target domain is
among the clean pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from workbench.data.camera import CAMERAS, Photograph, Roll, detail
from workbench.data.dead_leaves import dead_leaves
from workbench.data.degradations import CameraShake, Degradation, LayeredRain, margin_of

SPLITS = ("train", "held-out")
TUNING = "tuning"
"""The split that settings are chosen on: other photographs of the training scenes, none of a held-out one."""
# Seeds the rolls of that split; a recipe's seed is smaller.
TUNING_SEED = 2**33
# Seeds the dead leaves among the target scenes: a recipe's seed is smaller, so no source image is among them.
TARGET_LEAVES_SEED = 2**32
EFFECTS: dict[str, Degradation | None] = {
    "simulated-camera": None,
    "simulated-rain": LayeredRain(),
    "simulated-shake": CameraShake(),
}
"""The embedded target domains, and what happens to the light before the simulated camera takes the picture."""


@dataclass(frozen=True)
class Entry:
    """Where an embedded photograph lies and what it is for.

    Parameters
    ----------
    package, path : str
        Installed package and path in it.
    split : str
        "train" or "held-out".
    scene : bool
        Whether it serves as a scene for the target camera: then only its left half is source. Otherwise (telescope,
        fundus camera: no scene for a phone) it is source only, and whole.
    reduction : int
        Factor by which it is reduced (block mean) when it is larger than sharp.
    origin : str
        Author and terms.
    """

    package: str
    path: str
    split: str
    scene: bool
    reduction: int
    origin: str


CATALOGUE = {
    "coffee": Entry("skimage", "data/coffee.png", "train", True, 1, "Rachel Michetti, CC0"),
    "motorcycle": Entry(
        "skimage", "data/motorcycle_left.png", "train", True, 1, "Middlebury 2014 stereo benchmark, Scharstein et al."
    ),
    "rocket": Entry("skimage", "data/rocket.jpg", "train", True, 1, "SpaceX, public domain"),
    "tissue": Entry("skimage", "data/ihc.png", "train", True, 1, "no known copyright restrictions"),
    "galaxies": Entry("skimage", "data/hubble_deep_field.jpg", "train", False, 2, "NASA, public domain"),
    "retina": Entry("skimage", "data/retina.jpg", "train", False, 3, "Mikael Häggström, CC0"),
    "astronaut": Entry("skimage", "data/astronaut.png", "held-out", True, 1, "NASA, public domain"),
    "chelsea": Entry("skimage", "data/chelsea.png", "held-out", True, 1, "Stefan van der Walt, CC0"),
    "hopper": Entry(
        "matplotlib", "mpl-data/sample_data/grace_hopper.jpg", "held-out", True, 1, "US Navy, public domain"
    ),
}


@cache
def photograph(name: str) -> Photograph:
    """Read one embedded photograph.

    Parameters
    ----------
    name : str
        Key of `CATALOGUE`.

    Returns
    -------
    photograph : Photograph
        Its pixels are not writable, here and below, since they are shared.
    """
    entry = CATALOGUE[name]
    place = Path(find_spec(entry.package).origin).parent / entry.path  # the package itself need not be imported
    pixels = np.asarray(Image.open(place).convert("RGB"))
    if entry.reduction > 1:
        pixels = np.asarray(Image.fromarray(pixels).reduce(entry.reduction))
    return _frozen(name, pixels)


@cache
def source_photographs(
    split: str = "train", leaves: int = 24, size: int = 256, seed: int = 0
) -> tuple[Photograph, ...]:
    """Clean pictures of the source domain.

    Parameters
    ----------
    split : str
        "train": the left halves of the training scenes, the other training photographs whole, and dead-leaves
        images in the colours of all those. "held-out": crops of the held-out photographs and nothing drawn.
    leaves : int
        Number of dead-leaves images (training only).
    size : int
        Side in pixels of dead-leaves images and held-out crops.
    seed : int
        Seed of the dead-leaves images; image `i` depends on ``(seed, i)`` and the colours alone.

    Returns
    -------
    photographs : tuple of Photograph
    """
    if _checked(split) == "held-out":
        return target_scenes(split, size)
    pictures = []
    for name in _names(split):
        picture = photograph(name)
        pictures.append(_half(picture, right=False) if CATALOGUE[name].scene else picture)
    return (*pictures, *(_drawn(f"leaves-{i}", pictures, size, (seed, i)) for i in range(leaves)))


@cache
def target_scenes(
    split: str = "train", size: int = 256, per_photograph: int = 4, leaves: int = 2
) -> tuple[Photograph, ...]:
    """Clean scenes for the target camera.

    Parameters
    ----------
    split : str
        "train": the right halves of the training scenes, and dead leaves (other ones than the source's).
        "held-out": crops of the held-out photographs and nothing drawn.
    size : int
        Side in pixels of the held-out crops, which do not overlap; training scenes are cut when they are photographed.
    per_photograph : int
        Of each held-out photograph at most so many crops are taken, those with the most detail.
    leaves : int
        Number of dead-leaves scenes (training only).

    Returns
    -------
    scenes : tuple of Photograph
        Crops of a photograph are named ``"astronaut-0"``, ``"astronaut-1"``, ... from the top left.
    """
    if _checked(split) == "train":
        halves = [_half(photograph(name), right=True) for name in _names(split) if CATALOGUE[name].scene]
        drawn = (_drawn(f"target-leaves-{i}", halves, 384, (TARGET_LEAVES_SEED, i)) for i in range(leaves))
        return (*halves, *drawn)
    return tuple(crop for name in _names(split) for crop in crops(photograph(name), size, per_photograph))


@cache
def simulated_target(
    split: str = "train",
    camera: str = "standard",
    seed: int = 0,
    shots: int | None = None,
    size: int | None = None,
    domain: str = "simulated-camera",
) -> Roll:
    """An embedded target domain: photographs by the simulated camera, where asked for in simulated rain or shaken.

    Parameters
    ----------
    split : str
        "train", "held-out" or "tuning": of the training scenes, but another roll. Methods that train on the references
        of the target domain, as the oracle does, have seen those scenes; the others have not.
    camera : str
        Key of `workbench.data.camera.CAMERAS`.
    seed : int
        Seed of the roll. The splits never share random numbers.
    shots : int, optional
        Number of photographs; 40 for training, 8 for tuning, and each held-out scene once.
    size : int, optional
        Side of the photographs in pixels; 384 for training, 256 for the others.
    domain : str
        Key of `EFFECTS`.

    Returns
    -------
    roll : workbench.data.camera.Roll
    """
    effect = EFFECTS[domain]
    if split == TUNING:
        scenes, roll_seed = target_scenes("train"), TUNING_SEED + seed
        return Roll(scenes, CAMERAS[camera], roll_seed, shots or 8, size or 256, effect)
    if _checked(split) == "train":
        scenes, shots, size = target_scenes(split), shots or 40, size or 384
    else:
        size = size or 256
        scenes = target_scenes(split, (size + 2 * margin_of(effect)) // CAMERAS[camera].enlargement)
        shots = shots or len(scenes)
    return Roll(scenes, CAMERAS[camera], 2 * seed + SPLITS.index(split), shots, size, effect)


def crops(picture: Photograph, size: int, count: int) -> list[Photograph]:
    """Cut the most detailed non-overlapping square crops from a centred grid.

    Parameters
    ----------
    picture : Photograph
        What to cut.
    size : int
        Side in pixels.
    count : int
        At most so many crops.

    Returns
    -------
    crops : list of Photograph
        In reading order.
    """
    height, width = picture.pixels.shape[:2]
    rows = range((height % size) // 2, height - size + 1, size)
    columns = range((width % size) // 2, width - size + 1, size)
    cells = [picture.pixels[row : row + size, column : column + size] for row in rows for column in columns]
    best = sorted(sorted(range(len(cells)), key=lambda i: -detail(cells[i]))[:count])
    return [_frozen(f"{picture.name}-{number}", cells[i]) for number, i in enumerate(best)]


def _checked(split: str) -> str:
    if split not in SPLITS:
        raise ValueError(f"split is one of {SPLITS}, not {split!r}")
    return split


def _names(split: str) -> list[str]:
    return [name for name, entry in CATALOGUE.items() if entry.split == split]


def _half(picture: Photograph, right: bool) -> Photograph:
    middle = picture.pixels.shape[1] // 2
    return _frozen(picture.name, picture.pixels[:, middle:] if right else picture.pixels[:, :middle])


def _drawn(name: str, pictures: Sequence[Photograph], size: int, seed: tuple[int, int]) -> Photograph:
    """A dead-leaves image in the colours of one of the pictures."""
    rng = np.random.default_rng(seed)
    palette = pictures[rng.integers(len(pictures))].pixels.reshape(-1, 3)
    return _frozen(name, dead_leaves(size, rng, palette=palette))


def _frozen(name: str, pixels: np.ndarray) -> Photograph:
    pixels = np.ascontiguousarray(pixels)
    pixels.flags.writeable = False
    return Photograph(name, pixels)
