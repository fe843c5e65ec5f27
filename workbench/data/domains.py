"""From a recipe's places (embedded names, folders, prepared data sets) to images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch.utils.data import ConcatDataset

from workbench.data.collections import Photographs, read_folder, read_pairs
from workbench.data.degradations import DEGRADATIONS, AdditiveWhiteGaussianNoise, Degradation, degraded_pair
from workbench.data.embedded import EFFECTS, simulated_target, source_photographs
from workbench.data.root import PATCHES, data_root
from workbench.data.streams import PatchStream
from workbench.errors import WorkbenchError
from workbench.recipes.schema import Data

EMBEDDED, SYNTHETIC, PAIRS = "embedded", "synthetic", "pairs"
DATASET = "dataset:"


class Pair(NamedTuple):
    """A degraded picture and its reference, (H, W, 3); uint8 or uint16, or float32 where noise must not be clipped."""

    name: str
    degraded: np.ndarray
    reference: np.ndarray


def resolve(place: str) -> Path:
    """The folder of a place.

    Raises
    ------
    WorkbenchError
        When the place is a data set that has not been prepared.
    """
    check_prepared([place])
    return located(place)


def located(place: str) -> Path:
    """Where the folder of a place is, or would be."""
    return data_root() / place.removeprefix(DATASET) if place.startswith(DATASET) else Path(place).expanduser()


def check_prepared(places: Iterable[str]) -> None:
    """Raise one error that names every data set among the places that is missing, and how to make it."""
    names = [place.removeprefix(DATASET) for place in places if place.startswith(DATASET)]
    missing = [name for name in names if not (data_root() / name).is_dir()]
    if missing:
        commands = "; ".join(_commands(name) for name in missing)
        raise WorkbenchError(f"missing under {data_root()}: {', '.join(missing)}; prepare with: {commands}")


def _commands(name: str) -> str:
    """What makes a data set that is missing, or the patches of one."""
    whole = name.removesuffix(PATCHES)
    prepare, cut = f"workbench data prepare {whole}", f"workbench data cut {data_root() / whole}"
    if whole == name:
        return prepare
    return cut if (data_root() / whole).is_dir() else f"{prepare}; {cut}"


def places(data: Data) -> list[str]:
    """Every place a recipe reads from."""
    listed = [data.source, data.target, data.validation, data.source_validation or [], data.unpaired or []]
    return list(chain.from_iterable([entry] if isinstance(entry, str) else entry for entry in listed))


def training_stream(data: Data, parts: frozenset[str], patch_size: int, seed: int) -> PatchStream:
    """The stream of training patches of a recipe.

    Parameters
    ----------
    data : Data
        The recipe's section.
    parts : frozenset of str
        What a sample holds, see `PatchStream`.
    patch_size, seed : int

    Raises
    ------
    WorkbenchError
        When a folder or data set is missing, or references are asked for where there are none.
    """
    target = references = None
    if "target" in parts:
        target, references = _target(data, "references" in parts)
    if data.degradation == PAIRS:
        degradation, source = _pairs(data.source)
    else:
        degradation, source = _degradation(data), _clean(data.source)
    return PatchStream(
        source=source,
        degradation=degradation,
        patch_size=patch_size,
        seed=seed,
        target=target,
        references=references,
        unpaired=_clean(data.unpaired) if "unpaired" in parts and data.unpaired else None,
        parts=parts,
    )


def validation_pairs(data: Data, limit: int | None = None) -> list[Pair]:
    """Held-out pairs of the target domain, at most ``limit`` of them, evenly spaced."""
    if data.validation in EFFECTS:
        shots = simulated_target("held-out", data.camera, domain=data.validation)
        return [Pair(shot.name, shot.photograph, shot.reference) for shot in _spaced(shots, limit)]
    return _held_out(data.validation, limit)


def source_validation_pairs(data: Data, limit: int | None = None) -> list[Pair]:
    """Held-out pairs of a recipe's source domain, at most ``limit`` of them.

    The recipe's own pairs if it names some; else the embedded photographs with its degradation, AWGN at sigma 25; none
    where the source is pairs on disk and no others are named.
    """
    if data.source_validation is not None:
        return _held_out(data.source_validation, limit)
    if data.degradation == PAIRS:
        return []
    if data.degradation == "awgn":
        return source_pairs(limit=limit)
    return _degraded_photographs(_degradation(data), limit)


def source_pairs(sigma: float = 25.0, limit: int | None = None) -> list[Pair]:
    """Held-out pairs of the source domain of denoising: embedded photographs with AWGN of a fixed sigma (8-bit units).

    The degraded pictures are float32 and not clipped, as in training.
    """
    return _degraded_photographs(AdditiveWhiteGaussianNoise((sigma, sigma)), limit)


def _degradation(data: Data) -> Degradation:
    if data.degradation == "awgn":
        return AdditiveWhiteGaussianNoise(tuple(data.sigma))
    return DEGRADATIONS[data.degradation]()


def _degraded_photographs(degradation: Degradation, limit: int | None) -> list[Pair]:
    """The embedded held-out photographs, degraded."""
    pairs = []
    for index, photograph in enumerate(_spaced(source_photographs("held-out"), limit)):
        whole = photograph.pixels.astype(np.float32) / 255.0
        clean, degraded = degraded_pair(degradation, whole, np.random.default_rng((25, index)))
        pairs.append(Pair(photograph.name, degraded, np.rint(clean * 255).astype(np.uint8)))
    return pairs


def _held_out(place: str, limit: int | None) -> list[Pair]:
    degraded, clean = read_pairs(resolve(place))
    indices = _spaced(range(len(degraded)), limit)
    pairs = [Pair(degraded.names[index], degraded[index], clean[index]) for index in indices]
    for pair in pairs:
        if pair.degraded.shape != pair.reference.shape:
            raise WorkbenchError(f"{place}: {pair.name} has unequal sizes in input/ and target/")
    return pairs


def _clean(place: str | list[str]) -> Sequence[np.ndarray]:
    if place == EMBEDDED:
        photographs = source_photographs("train")
        return Photographs([each.pixels for each in photographs], [each.name for each in photographs])
    return _joined(place, "target")


def _target(data: Data, with_references: bool) -> tuple[Sequence | None, Sequence | None]:
    if data.target == SYNTHETIC:
        if with_references:
            raise WorkbenchError("data.target: the oracle needs a target domain with references, not 'synthetic'")
        return None, None
    if isinstance(data.target, str) and data.target in EFFECTS:
        shots = simulated_target("train", data.camera, domain=data.target)
        names = [shot.name for shot in shots]
        return Photographs([s.photograph for s in shots], names), Photographs([s.reference for s in shots], names)
    return _pairs(data.target) if with_references else (_joined(data.target, "input"), None)


def _pairs(place: str | list[str]) -> tuple[Sequence[np.ndarray], Sequence[np.ndarray]]:
    """The degraded and the clean images of paired folders."""
    sides = [read_pairs(folder) for folder in _folders(place)]
    return tuple(ConcatDataset(side) for side in zip(*sides, strict=True))


def _joined(place: str | list[str], side: str) -> Sequence[np.ndarray]:
    """The images of folders; of a paired one those of one side."""
    return ConcatDataset([read_folder(folder, side) for folder in _folders(place)])


def _folders(place: str | list[str]) -> list[Path]:
    listed = [place] if isinstance(place, str) else place
    check_prepared(listed)
    return [resolve(entry) for entry in listed]


def _spaced(items: Sequence, limit: int | None) -> list:
    if limit is None or limit >= len(items):
        return list(items)
    return [items[round(index * (len(items) - 1) / max(limit - 1, 1))] for index in range(limit)]
