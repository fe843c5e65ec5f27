"""From a recipe's locations (embedded names, folders, prepared data sets) to images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch.utils.data import ConcatDataset, Subset

from workbench.data.camera import Side
from workbench.data.collections import Photographs, read_folder, read_pairs
from workbench.data.degradations import AdditiveWhiteGaussianNoise, Degradation, build, degraded_pair
from workbench.data.embedded import EFFECTS, TUNING, simulated_target, source_photographs
from workbench.data.folders import is_paired
from workbench.data.root import DATASET, PATCHES, data_root, folder_of
from workbench.data.streams import Parts, PatchStream, Source
from workbench.errors import WorkbenchError
from workbench.images import to_float, to_uint
from workbench.recipes.schema import PAIRS, Data, MixtureEntry

EMBEDDED, SYNTHETIC = "embedded", "synthetic"
# Seeds what share of a source's images is used; a stream's parts have smaller numbers.
_FRACTION = 1000


class Pair(NamedTuple):
    """A degraded picture and its reference, (H, W, 3); uint8 or uint16, or float32 where noise must not be clipped."""

    name: str
    degraded: np.ndarray
    reference: np.ndarray


def existing_folder(location: str) -> Path:
    """The folder of a location.

    Raises
    ------
    WorkbenchError
        When the location is a data set that has not been prepared.
    """
    check_prepared([location])
    return folder_of(location)


def check_prepared(locations: Iterable[str]) -> None:
    """Raise one error that names every data set among the locations that is missing, and how to make it."""
    names = [location.removeprefix(DATASET) for location in locations if location.startswith(DATASET)]
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


def data_locations(data: Data) -> list[str]:
    """Every location a recipe reads from."""
    entries = data.entries
    listed = [
        *(entry.source for entry in entries), data.target, data.validation,
        *(entry.source_validation or [] for entry in entries), data.unpaired or [],
    ]  # fmt: skip
    named = chain.from_iterable([location] if isinstance(location, str) else location for location in listed)
    return list(dict.fromkeys(named))


def training_stream(data: Data, parts: Parts, patch_size: int, seed: int) -> PatchStream:
    """The stream of training patches of a recipe.

    Parameters
    ----------
    data : Data
        The recipe's section.
    parts : frozenset of str and RandomPart
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
    return PatchStream(
        sources=[_source(entry, data.fraction, seed) for entry in data.entries],
        patch_size=patch_size,
        seed=seed,
        target=target,
        references=references,
        unpaired=_clean(data.unpaired) if "unpaired" in parts and data.unpaired else None,
        parts=parts,
    )


def validation_pairs(data: Data, limit: int | None = None) -> list[Pair]:
    """Held-out pairs of the target domain, at most ``limit`` of them, evenly spaced."""
    if (simulated := simulated_split(data.validation)) is not None:
        domain, split = simulated
        shots = simulated_target(split, data.camera, domain=domain)
        return [Pair(shot.name, shot.photograph, shot.reference) for shot in _spaced(shots, limit)]
    return _held_out(data.validation, limit)


def simulated_split(location: str) -> tuple[str, str] | None:
    """Domain and split that the name of simulated pairs stands for; None for any other location.

    ``simulated-camera`` and the like are the held-out pairs, ``simulated-camera:tuning`` those that settings are chosen
    on (`workbench.data.embedded.simulated_target`).

    Raises
    ------
    WorkbenchError
        There is no such split.
    """
    domain, colon, split = location.partition(":")
    if domain not in EFFECTS:
        return None
    if colon and split != TUNING:
        raise WorkbenchError(f"{location}: simulated pairs are {domain} or {domain}:{TUNING}")
    return domain, split or "held-out"


def source_validation_pairs(data: Data, limit: int | None = None) -> list[Pair]:
    """Held-out pairs of a recipe's source domain, at most ``limit`` of them.

    Of each source the pairs that the recipe names for it, if it names some; else the clean pictures that it names, or
    the embedded photographs, with its degradation, AWGN at sigma 25 where its level is drawn; none where the source is
    pairs on disk and nothing else is named. Those of a mixture are numbered by source.
    """
    entries = [entry for entry in data.entries if held_out(entry)]
    if data.mixture is None:
        return [pair for entry in entries for pair in _entry_pairs(entry, limit)]
    share = None if limit is None else max(limit // max(len(entries), 1), 1)
    return [
        pair._replace(name=f"{number}-{entry.degradation.name}-{pair.name}")
        for number, entry in enumerate(entries, 1)
        for pair in _entry_pairs(entry, share)
    ]


def held_out(entry: MixtureEntry) -> bool:
    """Whether there are held-out pairs of a source."""
    return entry.source_validation is not None or entry.degradation.name != PAIRS


def _entry_pairs(entry: MixtureEntry, limit: int | None) -> list[Pair]:
    location, chosen = entry.source_validation, entry.degradation
    if location is not None and (chosen.name == PAIRS or is_paired(existing_folder(location))):
        return _held_out(location, limit)
    degradation = build(chosen.name, chosen.overrides)
    if chosen.name == "awgn" and degradation.sigma[0] != degradation.sigma[1]:
        degradation = AdditiveWhiteGaussianNoise((25.0, 25.0))
    if location is None:
        return _degraded_photographs(degradation, limit)
    pictures = read_folder(existing_folder(location))
    chosen_ones = _spaced(range(len(pictures)), limit)
    return _degraded(degradation, ((pictures.names[index], pictures[index]) for index in chosen_ones))


def source_pairs(sigma: float = 25.0, limit: int | None = None) -> list[Pair]:
    """Held-out pairs of the source domain of denoising: embedded photographs with AWGN of a fixed sigma (8-bit units).

    The degraded pictures are float32 and not clipped, as in training.
    """
    return _degraded_photographs(AdditiveWhiteGaussianNoise((sigma, sigma)), limit)


def _source(entry: MixtureEntry, fraction: float, seed: int) -> Source:
    """A source and the share of its images that is used: the same for a seed, and within that of a larger share."""
    if entry.degradation.name == PAIRS:
        degraded, images = _pairs(entry.source)
    else:
        degraded, images = build(entry.degradation.name, entry.degradation.overrides), _clean(entry.source)
    if fraction < 1:
        order = np.random.default_rng((seed, _FRACTION)).permutation(len(images))
        kept = sorted(order[: max(round(fraction * len(images)), 1)].tolist())
        images = Subset(images, kept)
        degraded = degraded if callable(degraded) else Subset(degraded, kept)
    return Source(images, degraded, entry.weight)


def _degraded_photographs(degradation: Degradation, limit: int | None) -> list[Pair]:
    """The embedded held-out photographs, degraded."""
    photographs = _spaced(source_photographs("held-out"), limit)
    return _degraded(degradation, ((photograph.name, photograph.pixels) for photograph in photographs))


def _degraded(degradation: Degradation, pictures: Iterable[tuple[str, np.ndarray]]) -> list[Pair]:
    """Named clean pictures and what the degradation makes of them, each by a generator of its number."""
    pairs = []
    for index, (name, pixels) in enumerate(pictures):
        clean, degraded = degraded_pair(degradation, to_float(pixels), np.random.default_rng((25, index)))
        pairs.append(Pair(name, degraded, to_uint(clean)))
    return pairs


def _held_out(location: str, limit: int | None) -> list[Pair]:
    degraded, clean = read_pairs(existing_folder(location))
    indices = _spaced(range(len(degraded)), limit)
    pairs = [Pair(degraded.names[index], degraded[index], clean[index]) for index in indices]
    for pair in pairs:
        if pair.degraded.shape != pair.reference.shape:
            raise WorkbenchError(f"{location}: {pair.name} has unequal sizes in input/ and target/")
    return pairs


def _clean(location: str | list[str]) -> Sequence[np.ndarray]:
    if location == EMBEDDED:
        photographs = source_photographs("train")
        return Photographs([each.pixels for each in photographs], [each.name for each in photographs])
    return _joined(location, "target")


def _target(data: Data, with_references: bool) -> tuple[Sequence | None, Sequence | None]:
    if data.target == SYNTHETIC:
        if with_references:
            raise WorkbenchError("data.target: the oracle needs a target domain with references, not 'synthetic'")
        return None, None
    if isinstance(data.target, str) and data.target in EFFECTS:
        roll = simulated_target("train", data.camera, domain=data.target)
        return Side(roll, "photograph"), Side(roll, "reference")
    return _pairs(data.target) if with_references else (_joined(data.target, "input"), None)


def _pairs(location: str | list[str]) -> tuple[Sequence[np.ndarray], Sequence[np.ndarray]]:
    """The degraded and the clean images of paired folders."""
    sides = [read_pairs(folder) for folder in _folders(location)]
    return tuple(ConcatDataset(side) for side in zip(*sides, strict=True))


def _joined(location: str | list[str], side: str) -> Sequence[np.ndarray]:
    """The images of folders; of a paired one those of one side."""
    return ConcatDataset([read_folder(folder, side) for folder in _folders(location)])


def _folders(location: str | list[str]) -> list[Path]:
    listed = [location] if isinstance(location, str) else location
    check_prepared(listed)
    return [existing_folder(entry) for entry in listed]


def _spaced(items: Sequence, limit: int | None) -> list:
    if limit is None or limit >= len(items):
        return list(items)
    return [items[round(index * (len(items) - 1) / max(limit - 1, 1))] for index in range(limit)]
