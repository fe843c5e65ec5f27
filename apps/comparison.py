"""The job behind the Compare tab: photographs and restorers in, restored pictures and numbers out.

Pixels lie in files and are mapped into memory where they are looked at: a session with several large photographs must
not fill the memory.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from apps import restorers
from apps.degrading import Degradation
from apps.reading import read_photo
from workbench.errors import WorkbenchError
from workbench.files import distinct
from workbench.images import Image, to_uint

MOST_PHOTOS = 12

INPUT, REFERENCE = "input", "reference"

Progress = Callable[[float, str], None]


@dataclass
class View:
    """One picture of a comparison.

    Attributes
    ----------
    title : str
        "input", "reference", or what the restorer goes by.
    pixels : ndarray, shape (H, W, 3), uint8 or uint16
        Mapped from a file, read-only.
    choice : Choice or None
        The restorer that made it.
    seconds : float or None
        How long that took.
    scores : dict
        ``psnr``, ``ssim``, ``lpips`` against the reference, ``noise`` and ``blur`` without one; None where there is no
        value.
    """

    title: str
    pixels: np.ndarray
    choice: restorers.Choice | None = None
    seconds: float | None = None
    scores: dict[str, float | None] = field(default_factory=dict)

    @property
    def megapixels_per_second(self) -> float | None:
        """Speed of the restoration."""
        return self.pixels.shape[0] * self.pixels.shape[1] / 1e6 / self.seconds if self.seconds else None


@dataclass(eq=False)
class Comparison:
    """Input, results and reference of one photograph.

    Attributes
    ----------
    name : str
        Of the photograph; no two of a job have the same.
    views : dict of str to View
        By title: the input, the restorers' results, then the reference if there is one.
    alpha : ndarray or None
        Opacity of the photograph, to be put into the results.
    icc_profile : bytes or None
        Its colour profile.
    owner : TemporaryDirectory or None
        Deletes ``folder`` once no comparison of the job is held any more.
    origin : str
        Where input and reference come from, in words.
    notes : list of str
        What could not be measured and why.
    """

    name: str
    folder: Path
    views: dict[str, View]
    origin: str
    alpha: np.ndarray | None = None
    icc_profile: bytes | None = None
    owner: TemporaryDirectory | None = field(default=None, repr=False)
    notes: list[str] = field(default_factory=list)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.views[INPUT].pixels.shape[:2]
        return width, height

    @property
    def restored(self) -> list[View]:
        """The restorers' views."""
        return [view for view in self.views.values() if view.choice is not None]


@dataclass(eq=False)
class Job:
    """The comparisons of one press of the button; their files are deleted with it."""

    comparisons: list[Comparison]
    failures: dict[str, str]
    degradation: Degradation
    folder: TemporaryDirectory = field(repr=False)

    def __getitem__(self, name: str) -> Comparison:
        for comparison in self.comparisons:
            if comparison.name == name:
                return comparison
        return self.comparisons[0]


class CancelledError(Exception):
    """The person asked to stop."""


def compare(
    photos: Sequence[str | Path],
    choices: Sequence[restorers.Choice],
    degradation: Degradation | None = None,
    references: Sequence[str | Path] = (),
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    opened: Mapping[str | Path, Image] | None = None,
) -> Job:
    """Restore every photograph with every restorer and measure what can be measured.

    Parameters
    ----------
    photos : sequence of path-like
        Image files.
    choices : sequence of Choice
        One to four restorers.
    degradation : Degradation, optional
        Done to the photographs first, which then are the references.
    references : sequence of path-like
        Clean images; only without a degradation. One photograph takes the one reference whatever its name, several take
        those of the same file name.
    progress : callable, optional
        Called with the share of the work that is done and a line of text.
    stop : threading.Event, optional
        Set it to stop after the current tile.
    opened : mapping, optional
        Those of the photographs that are read already.

    Returns
    -------
    Job
        A photograph that fails is listed in ``failures`` and does not stop the others.

    Raises
    ------
    WorkbenchError
        Nothing to do, too much to do, or no photograph could be compared.
    CancelledError
        ``stop`` was set.
    """
    degradation = degradation or Degradation()
    if not photos:
        raise WorkbenchError("no photo yet: drop one, paste one or pick a sample")
    if not 1 <= len(choices) <= restorers.MOST:
        raise WorkbenchError(f"choose two to {restorers.MOST} restorers to compare (one is possible, too)")
    if len(photos) > MOST_PHOTOS:
        raise WorkbenchError(f"{len(photos)} photos at once are too many; choose up to {MOST_PHOTOS}")
    partners = _partners(photos, references) if degradation.kind == "none" else {}
    networks = [restorers.load(choice) for choice in choices]
    folder = TemporaryDirectory(prefix="workbench-compare-")
    job = Job([], {}, degradation, folder)
    for index, (path, name) in enumerate(zip(photos, distinct(Path(photo).name for photo in photos), strict=True)):

        def tell(share: float, text: str, index: int = index, name: str = name) -> None:
            if stop is not None and stop.is_set():
                raise CancelledError
            if progress is not None:
                several = f"{name} ({index + 1} of {len(photos)}): " if len(photos) > 1 else ""
                progress((index + share) / len(photos), several + text)

        place = Path(folder.name, str(index))
        place.mkdir()
        try:
            tell(0, "reading")
            original = (opened or {}).get(path) or read_photo(Path(path))
            found = _compare_one(name, original, choices, networks, degradation, partners.get(path), place, tell)
            found.owner = folder
            job.comparisons.append(found)
        except WorkbenchError as error:
            job.failures[name] = str(error).replace(str(path), name)
    if not job.comparisons:
        raise WorkbenchError("; ".join(_with_name(name, reason) for name, reason in job.failures.items()))
    return job


def _compare_one(name, original, choices, networks, degradation, partner, place, tell) -> Comparison:
    from apps.measuring import measure, measure_alone
    from workbench.restore import restore_array

    degraded, reference, origin = original.pixels, None, "as uploaded, no reference"
    if degradation.kind != "none":
        tell(0.01, f"degrading ({degradation})")
        degraded, reference = degradation(original.pixels)
        origin = f"degraded here: {degradation}; the reference is {degradation.reference}"
    elif partner is not None:
        reference = read_photo(Path(partner)).pixels
        origin = f"as uploaded; the reference is {Path(partner).name}"
        if reference.shape != degraded.shape:
            raise WorkbenchError(f"{name}: the photo is {_size(degraded)}, its reference {_size(reference)} pixels")
    bits = 8 * original.pixels.itemsize
    views = {INPUT: View(INPUT, _keep(place / "input.npy", degraded, bits))}
    titles = restorers.titles(choices)
    steps = len(choices) + 0.5
    for number, (title, choice, network) in enumerate(zip(titles, choices, networks, strict=True)):

        def tiles(done: int, total: int, number: int = number, title: str = title) -> None:
            tell((number + done / total) / steps, f"{title}" + (f", tile {done} of {total}" if total > 1 else ""))

        tell(number / steps, title)
        begin = time.perf_counter()
        try:
            restored = restore_array(network, degraded, progress=tiles)
        except WorkbenchError as error:
            raise WorkbenchError(f"{name}: {title}: {error}") from error
        seconds = time.perf_counter() - begin
        if restored.dtype.kind == "f" and not np.isfinite(restored).all():
            raise WorkbenchError(f"{name}: {title}: its output is not finite; its weights may have diverged")
        views[title] = View(title, _keep(place / f"restored-{number}.npy", restored, bits), choice, seconds)
    alpha = None if degradation.kind == "camera" else original.alpha  # its pictures have another size and no 16 bits
    told = [f"{title}: {note}" for title, network in zip(titles, networks, strict=True) for note in network.notes]
    comparison = Comparison(name, place, views, origin, alpha, original.icc_profile, notes=sorted(told))

    def measuring(done: float) -> None:
        tell((len(choices) + 0.5 * done) / steps, "measuring")

    if reference is None:
        measure_alone(comparison, measuring)
    else:
        measure(comparison, reference, measuring)
        views[REFERENCE] = View(REFERENCE, _keep(place / "reference.npy", reference, bits))
    return comparison


def _keep(path: Path, pixels: np.ndarray, bits: int) -> np.ndarray:
    """Write pixels to a file and map it."""
    np.save(path, to_uint(pixels, bits) if pixels.dtype.kind == "f" else pixels)
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _partners(photos: Sequence[str | Path], references: Sequence[str | Path]) -> dict:
    """The reference of each photograph that has one."""
    if not references:
        return {}
    if len(photos) == len(references) == 1:
        return {photos[0]: references[0]}
    by_stem = {Path(reference).stem: reference for reference in references}
    found = {photo: by_stem[Path(photo).stem] for photo in photos if Path(photo).stem in by_stem}
    if unused := {Path(path).name for path in references} - {Path(path).name for path in found.values()}:
        raise WorkbenchError(
            f"reference {', '.join(sorted(unused))}: no photo of that name; name photo and reference alike"
        )
    return found


def _with_name(name: str, reason: str) -> str:
    return reason if name in reason else f"{name}: {reason}"


def _size(pixels: np.ndarray) -> str:
    return f"{pixels.shape[1]}x{pixels.shape[0]}"
