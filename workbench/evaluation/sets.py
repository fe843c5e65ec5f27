"""Test sets: from the location a person names to pairs that a protocol measures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.data.degradations import Degradation, build
from workbench.data.domains import (
    existing_folder,
    held_out,
    simulated_split,
    source_validation_pairs,
    validation_pairs,
)
from workbench.data.fingerprints import fingerprints
from workbench.data.folders import is_paired, list_pictures, prepared_part
from workbench.data.matlab import open_blocks
from workbench.data.root import DATASET, place_of
from workbench.errors import WorkbenchError
from workbench.evaluation.degraded import degraded_pairs, described, parse_degradation
from workbench.evaluation.evaluate import Progress, RestoreFunction, evaluate_each, evaluate_folder, evaluate_pairs
from workbench.evaluation.measures import STANDARD
from workbench.evaluation.metric import Metric
from workbench.evaluation.protocols import get_protocol
from workbench.recipes import load_recipe
from workbench.recipes.schema import Data

SIDD_NOISY, SIDD_CLEAN = "ValidationNoisyBlocksSrgb.mat", "ValidationGtBlocksSrgb.mat"
HELD_OUT_SOURCE = "held-out-source"
SIDD_SHAPE = (40, 32, 256, 256, 3)


@dataclass(frozen=True)
class EvaluationSet:
    """Pairs to measure on.

    Attributes
    ----------
    name : str
        For people: the data set's name, or the folder's.
    location : str
        As it was given.
    data_set : str or None
        Name in the catalogue of data sets, such as ``spa/test``, if it is known to be one: a prepared folder says so
        itself. None for any other folder.
    size : int or None
        Number of pairs that the data set has, if known.
    """

    name: str
    location: str
    data_set: str | None
    size: int | None

    @property
    def fingerprint(self) -> str | None:
        """A digest of the pictures in its folder (`workbench.data.fingerprints`); None if it has none."""
        return fingerprints([self.location]).get(self.location)

    def evaluate(
        self,
        restore_fn: RestoreFunction,
        protocol: str = "rgb",
        progress: Progress | None = None,
        metrics: Sequence[str | Metric] = STANDARD,
    ) -> dict:
        """Measure a restorer; arguments and result as of `workbench.evaluation.evaluate_folder`."""
        raise NotImplementedError


@dataclass(frozen=True)
class _Folder(EvaluationSet):
    folder: Path

    def evaluate(self, restore_fn, protocol="rgb", progress=None, metrics=STANDARD):
        return evaluate_folder(restore_fn, self.folder, protocol, progress, metrics)


@dataclass(frozen=True)
class _Simulated(EvaluationSet):
    data: Data

    def evaluate(self, restore_fn, protocol="rgb", progress=None, metrics=STANDARD):
        return evaluate_pairs(restore_fn, validation_pairs(self.data), protocol, progress, metrics)


@dataclass(frozen=True)
class _HeldOutSource(EvaluationSet):
    data: Data

    def evaluate(self, restore_fn, protocol="rgb", progress=None, metrics=STANDARD):
        return evaluate_pairs(restore_fn, source_validation_pairs(self.data), protocol, progress, metrics)


@dataclass(frozen=True)
class _Degraded(EvaluationSet):
    folder: Path
    degradation: Degradation

    def evaluate(self, restore_fn, protocol="rgb", progress=None, metrics=STANDARD):
        paths = list_pictures(self.folder, "target")
        jobs = degraded_pairs(paths, self.degradation)
        return evaluate_each(restore_fn, jobs, len(paths), get_protocol(protocol), progress, metrics)


@dataclass(frozen=True)
class _SiddBlocks(EvaluationSet):
    folder: Path

    def evaluate(self, restore_fn, protocol="rgb", progress=None, metrics=STANDARD):
        return evaluate_pairs(restore_fn, SiddValidation(self.folder), protocol, progress, metrics)


def open_set(location: str, run: Path | None = None, data: Data | None = None) -> EvaluationSet:
    """Find a test set.

    Parameters
    ----------
    location : str
        A folder with ``input/`` and ``target/``, or of pictures alone for metrics without references; one with SIDD's
        two files of validation blocks (``ValidationNoisyBlocksSrgb.mat``, ``ValidationGtBlocksSrgb.mat``), which are
        read block by block; ``dataset:NAME`` for a prepared data set; ``simulated-camera``, ``simulated-rain`` or
        ``simulated-shake`` for the embedded held-out pictures, and with ``:tuning`` after it for those that settings
        are chosen on; ``held-out-source`` for the pairs of the source domain that the run's recipe holds out,
        ``held-out-source:DEGRADATION`` for those of the entries of a mixture with that degradation; a folder or data
        set with ``+DEGRADATION`` or ``+DEGRADATION:OPTION=VALUE`` after it for its clean pictures, degraded like that
        (`workbench.evaluation.degraded`).
    run : Path, optional
        The run folder of what is to be measured; its recipe says how strong the simulated camera is, and what the
        source domain.

    data : Data, optional
        Of the recipe, where there is no run of it yet.

    Raises
    ------
    WorkbenchError
        There is nothing of the kind.
    """
    source, _, degradation = location.partition(":")
    if source == HELD_OUT_SOURCE or simulated_split(location) is not None:
        trained_on = load_recipe(run).data if run is not None else data or Data()
        if source == HELD_OUT_SOURCE:
            return _held_out_source(trained_on, degradation)
        data = Data(validation=location, camera=trained_on.camera)
        return _Simulated(f"{location} ({data.camera})", location, None, None, data)
    if (place := place_of(location)) != location:
        return _degraded_set(place, location.removeprefix(f"{place}+"))
    folder = existing_folder(location)
    if not is_paired(folder) and (folder / SIDD_NOISY).is_file():
        return _SiddBlocks("sidd/validation", location, "sidd/validation", SIDD_SHAPE[0] * SIDD_SHAPE[1], folder)
    data_set, size = _prepared(folder)
    name = data_set or folder.resolve().name
    return _Folder(name, location if location.startswith(DATASET) else str(folder), data_set, size, folder)


def _held_out_source(data: Data, degradation: str) -> EvaluationSet:
    """The pairs that a recipe holds out, or those of one degradation, if one is named."""
    entries = [entry for entry in data.entries if held_out(entry)]
    if not entries:
        raise WorkbenchError(f"{HELD_OUT_SOURCE}: the recipe holds no pairs out; name some as data.source_validation")
    location, names = HELD_OUT_SOURCE, [entry.degradation.name for entry in entries]
    if degradation:
        location = f"{location}:{degradation}"
        if degradation not in names:
            raise WorkbenchError(f"{location}: the recipe holds out pairs of {', '.join(names)} alone")
        data = data.model_copy(update={"mixture": [each for each in entries if each.degradation.name == degradation]})
        names = [degradation]
    return _HeldOutSource(f"held-out source ({' + '.join(names)})", location, None, None, data)


def _degraded_set(place: str, said: str) -> EvaluationSet:
    """Clean pictures with a degradation, as `parse_degradation` reads it."""
    name, options = parse_degradation(said)
    folder = existing_folder(place)
    list_pictures(folder, "target")  # says what is not there
    data_set, size = _prepared(folder)
    done, place = described(name, options), place if place.startswith(DATASET) else str(folder)
    title = f"{data_set or folder.resolve().name}+{done}"
    return _Degraded(title, f"{place}+{done}", title if data_set else None, size, folder, build(name, options))


def _prepared(folder: Path) -> tuple[str | None, int | None]:
    """The catalogue's name and size of a prepared folder, from the note that preparing left in it or above it."""
    try:
        found = prepared_part(folder)
    except WorkbenchError:  # a damaged note is none: an ordinary folder
        found = None
    if found is None:
        return None, None
    data_set, part, noted = found
    return "/".join(filter(None, (data_set, part))), noted["count"]


class SiddValidation:
    """The validation blocks of SIDD as pairs, read from its two MATLAB files one image (32 blocks) at a time.

    Iterating gives (name, noisy, clean) with names ``IMAGE_BLOCK``, both counted from one, and arrays (256, 256, 3),
    uint8.

    Parameters
    ----------
    folder : Path
        Holds ``ValidationNoisyBlocksSrgb.mat`` and ``ValidationGtBlocksSrgb.mat``, of any MATLAB version.
    """

    def __init__(self, folder: Path):
        self.noisy, self.clean = Path(folder) / SIDD_NOISY, Path(folder) / SIDD_CLEAN

    def __len__(self) -> int:
        return SIDD_SHAPE[0] * SIDD_SHAPE[1]

    def __iter__(self) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        with open_blocks(self.noisy) as noisy, open_blocks(self.clean) as clean:
            for path, blocks in ((self.noisy, noisy), (self.clean, clean)):
                if tuple(blocks.shape) != SIDD_SHAPE:
                    raise WorkbenchError(f"{path}: holds {blocks.shape}, SIDD's validation blocks are {SIDD_SHAPE}")
            for image in range(SIDD_SHAPE[0]):
                for block, pair in enumerate(zip(noisy[image], clean[image], strict=True), 1):
                    yield f"{image + 1:04d}_{block:02d}", *pair
