"""Deterministic streams of training patches.

Sample i of a seed is a function of (seed, i) alone. Worker counts, the number of processes and interruptions cannot
change what a run sees, and the random numbers of a training step (noise, noise level, shuffle) come with its batch.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Sampler, Subset, default_collate

from workbench.data.collections import PhotographFiles
from workbench.data.degradations import Degradation, degraded_pair, margin_of
from workbench.errors import WorkbenchError

Images = Sequence[np.ndarray]


class Source(NamedTuple):
    """Clean images and what is done to them.

    Parameters
    ----------
    images : sequence of ndarray
        Clean images, (H, W, 3) uint8 or uint16.
    degradation : callable or sequence of ndarray
        Makes the synthetic degraded patch: ``(clean float32 HxWx3 in [0, 1], generator) -> degraded``; it sees the
        patch with its surroundings if it has a ``margin`` (see `workbench.data.degradations`). Or the degraded images
        themselves, one for each of `images`.
    weight : float
        How often it is drawn, relative to the other sources.
    """

    images: Images
    degradation: Degradation | Images
    weight: float = 1.0


# Each part of a sample has a generator of its own, so that asking for one part never changes another.
_PARTS = {"source": 0, "target": 1, "unpaired": 3, "seed": 4}


@dataclass(frozen=True)
class RandomPart:
    """Random numbers that come with each sample, as a method needs them: a part like any other.

    Parameters
    ----------
    name : str
        Tells its generator from those of other parts.
    draw : callable
        ``(generator, patch_size) -> {name in the batch: Tensor}``, of a module, so that loading processes find it.
    number : int, optional
        The generator's number where recorded runs rest on one; made of the name if None.
    """

    name: str
    draw: Callable[[np.random.Generator, int], dict[str, Tensor]]
    number: int | None = None


Parts = frozenset[str | RandomPart]


@dataclass
class PatchStream(Dataset):
    """Training samples by index.

    Parameters
    ----------
    sources : sequence of Source
        The source domain. Of several, each sample draws one by its weight.
    patch_size : int
        Side of the square patches; images that are smaller are continued by reflection.
    seed : int
    target : sequence of ndarray, optional
        Degraded images of the target domain; None makes the target from the source (a control).
    references : sequence of ndarray, optional
        Clean images of the target domain (for the oracle).
    unpaired : sequence of ndarray, optional
        Clean images of the unpaired extension.
    parts : set of str and RandomPart
        What each sample holds: any of ``source``, ``target``, ``references``, ``unpaired``, ``seed``, and `RandomPart`.
    """

    sources: Sequence[Source]
    patch_size: int
    seed: int
    target: Images | None = None
    references: Images | None = None
    unpaired: Images | None = None
    parts: Parts = frozenset({"source"})

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Sample ``index``: float32 tensors of shape (3, P, P), P the patch size.

        ``clean`` and ``degraded`` of the source, where there are several with its number ``entry`` (int64); ``target``
        and ``reference`` of the target domain, ``unpaired``; the int64 ``seed`` of the method's own random
        numbers; and what each `RandomPart` draws, by its own names and shapes.
        """
        sample: dict[str, np.ndarray] = {}
        entry = None
        if "source" in self.parts:
            entry, sample["clean"], sample["degraded"] = self._synthetic(self._generator("source", index))
        if "target" in self.parts:
            rng = self._generator("target", index)
            if self.target is None:
                *_, sample["target"] = self._synthetic(rng)
            else:
                both = [self.target, self.references] if "references" in self.parts else [self.target]
                sample["target"], *reference = self._patch(rng, *both)
                if reference:
                    sample["reference"] = reference[0]
        if "unpaired" in self.parts:
            rng = self._generator("unpaired", index)
            sample["unpaired"] = self._patch(rng, self.unpaired or self.sources[self._entry(rng)].images)[0]
        tensors = {
            name: torch.from_numpy(np.ascontiguousarray(patch.transpose(2, 0, 1), dtype=np.float32))
            for name, patch in sample.items()
        }
        if entry is not None and len(self.sources) > 1:
            tensors["entry"] = torch.tensor(entry)
        for part in self.parts:
            if isinstance(part, RandomPart):
                tensors |= part.draw(self._generator(part, index), self.patch_size)
        if "seed" in self.parts:
            tensors["seed"] = torch.tensor(self._generator("seed", index).integers(2**63))
        return tensors

    def _generator(self, part: str | RandomPart, index: int) -> np.random.Generator:
        if isinstance(part, RandomPart):
            number = crc32(part.name.encode()) if part.number is None else part.number
        else:
            number = _PARTS[part]
        return np.random.default_rng((self.seed, number, index))

    def _entry(self, rng: np.random.Generator) -> int:
        """The number of the source that a sample is of; where there is one, nothing is drawn."""
        if len(self.sources) == 1:
            return 0
        weights = np.array([source.weight for source in self.sources])
        return int(rng.choice(len(weights), p=weights / weights.sum()))

    def _synthetic(self, rng: np.random.Generator) -> tuple[int, np.ndarray, np.ndarray]:
        """The number of a source, a clean patch of it and its degraded twin."""
        entry = self._entry(rng)
        images, degradation, _ = self.sources[entry]
        if not callable(degradation):
            clean, degraded = self._patch(rng, images, degradation)
        else:
            (clean,) = self._patch(rng, images, margin=margin_of(degradation))
            clean, degraded = degraded_pair(degradation, clean, rng)
        return entry, clean, degraded

    def _patch(self, rng: np.random.Generator, *collections: Images, margin: int = 0) -> list[np.ndarray]:
        """The same random crop, flip and rotation of the same image in each collection, float32 in [0, 1].

        A margin adds so many pixels around the patch; those beyond the image are made by reflection.
        """
        which = int(rng.integers(len(collections[0])))
        images = [collection[which] for collection in collections]
        size = self.patch_size
        height, width = images[0].shape[:2]
        top, left = (int(rng.integers(max(side - size, 0) + 1)) for side in (height, width))
        turn = int(rng.integers(8))
        patches = []
        if any(image.shape != images[0].shape for image in images):
            raise WorkbenchError(f"{_called(collections[0], which)}: has another size than its partner")
        for image in images:
            crop = _window(image, top - margin, left - margin, size + 2 * margin)
            crop = crop.astype(np.float32) / np.iinfo(crop.dtype).max
            crop = np.rot90(crop, turn % 4)
            patches.append(crop[::-1] if turn >= 4 else crop)
        return patches


def _called(images: Images, index: int) -> str:
    """The file of an image of a collection; its number where it is of no file."""
    if isinstance(images, Subset):
        return _called(images.dataset, images.indices[index])
    if isinstance(images, ConcatDataset):
        which = bisect_right(images.cumulative_sizes, index)
        return _called(images.datasets[which], index - (images.cumulative_sizes[which - 1] if which else 0))
    return str(images.paths[index]) if isinstance(images, PhotographFiles) else f"training image {index + 1}"


def _window(image: np.ndarray, top: int, left: int, size: int) -> np.ndarray:
    """The square of an image that starts at (top, left), which may lie outside; continued by reflection."""
    starts = (top, left)
    inside = tuple(slice(max(start, 0), start + size) for start in starts)
    missing = [
        (max(-start, 0), max(start + size - side, 0)) for start, side in zip(starts, image.shape[:2], strict=True)
    ]
    crop = image[inside]
    return np.pad(crop, [*missing, (0, 0)], mode="symmetric") if np.any(missing) else crop


class _Steps(Sampler):
    """Indices of each step's batch from ``first_step`` on, without end; a process takes its share of every batch."""

    def __init__(self, batch_size: int, first_step: int, rank: int, processes: int):
        self.batch_size, self.first_step, self.rank, self.processes = batch_size, first_step, rank, processes

    def __iter__(self):
        share = self.batch_size // self.processes
        step = self.first_step
        while True:
            start = step * self.batch_size + self.rank * share
            yield list(range(start, start + share))
            step += 1


class _Told(Dataset):
    """A stream that hands an error over as a sample: a loading process would wrap one that it raises into a text."""

    def __init__(self, stream: PatchStream):
        self.stream = stream

    def __getitem__(self, index: int) -> dict[str, Tensor] | WorkbenchError:
        try:
            return self.stream[index]
        except WorkbenchError as error:
            return error


def _collate(samples: list[dict[str, Tensor] | WorkbenchError]) -> dict[str, Tensor] | WorkbenchError:
    return next((sample for sample in samples if isinstance(sample, WorkbenchError)), None) or default_collate(samples)


class _Batches(DataLoader):
    """Raises, in the process that asks, what went wrong in a loading one."""

    def __iter__(self):
        for batch in super().__iter__():
            if isinstance(batch, WorkbenchError):
                raise batch
            yield batch


def step_batches(
    stream: PatchStream, batch_size: int, *, first_step: int = 0, rank: int = 0, processes: int = 1, workers: int = 0
) -> DataLoader:
    """Batches of a stream, step after step without end.

    Parameters
    ----------
    stream : PatchStream
    batch_size : int
        Samples a step over all processes; process ``rank`` gets its ``batch_size / processes`` of them.
    first_step : int
        The step to begin with; step n holds samples ``n * batch_size`` to ``(n + 1) * batch_size - 1``.
    workers : int
        Loading processes.
    """
    return _Batches(
        _Told(stream),
        batch_sampler=_Steps(batch_size, first_step, rank, processes),
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
        collate_fn=_collate,
    )
