"""Reading TensorBoard event files: curves as frames, pictures one at a time, each byte of a growing file once.

TensorBoard's own reader verifies checksums in Python, which is slow, and holds what it keeps of the pictures in memory.
Here records are cut out by their length fields and parsed by the compiled protocol buffers of TensorBoard, checksums
are not verified, and pictures stay on disk. A record that is still being written is left for the next time.
"""

from __future__ import annotations

import struct
import threading
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from google.protobuf.message import DecodeError
from tensorboard.compat.proto.event_pb2 import Event

from workbench.errors import WorkbenchError
from workbench.files import find_files

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["tag", "step", "value", "time"]
_PATTERN = "events.out.tfevents.*"
_HEADER, _FOOTER = struct.Struct("<QI"), 4  # length and its checksum, the record, its checksum
_CHUNK = 1 << 22
_LONGEST = 1 << 28
"""A record that claims to be longer is no record: 256 MiB."""


@dataclass
class _Curve:
    """What was logged under one tag, in the order of writing."""

    steps: array = field(default_factory=lambda: array("q"))
    values: array = field(default_factory=lambda: array("d"))
    times: array = field(default_factory=lambda: array("d"))


@dataclass
class _File:
    """How far a file was read."""

    identity: tuple[int, int]
    offset: int = 0
    problem: str | None = None


class EventReader:
    """The event files of one run; `refresh` reads what is new.

    Several threads may use one reader.

    Parameters
    ----------
    folder : Path
        Folder of event files, such as `workbench.runs.Run.events`; it may be missing.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self._lock = threading.RLock()
        self._forget()

    def _forget(self) -> None:
        self._files: dict[str, _File] = {}
        self._curves: dict[str, _Curve] = {}
        self._pictures: dict[tuple[str, int], tuple[Path, int, int]] = {}
        self._series: dict[str, tuple[int, tuple[np.ndarray, np.ndarray, np.ndarray]]] = {}
        self.version = 0
        """Grows with every change, so that it tells whether a picture of the curves is still true."""

    def refresh(self) -> bool:
        """Read what was written since the last time.

        Returns
        -------
        bool
            Whether there was anything new. Files that were replaced or deleted make the reader start again.
        """
        with self._lock:
            before = self.version
            found = {path.name: path for path in event_files(self.folder)}
            states = {}
            for name, path in found.items():
                try:
                    states[name] = path.stat()
                except OSError:
                    continue  # deleted just now
            if any(not _same(file, states.get(name)) for name, file in self._files.items()):
                self._forget()
                self.version = before + 1
            for name, state in states.items():
                file = self._files.setdefault(name, _File((state.st_dev, state.st_ino)))
                if file.problem is None and state.st_size > file.offset:
                    self._read(found[name], file)
            return self.version != before

    @property
    def problems(self) -> list[str]:
        """One line for each file with a damaged record; what comes before it is read."""
        with self._lock:
            return [file.problem for file in self._files.values() if file.problem]

    @property
    def tags(self) -> list[str]:
        """Names of the curves, sorted."""
        with self._lock:
            return sorted(self._curves)

    def series(self, tag: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One curve by rising step.

        A step that was logged twice, by an interrupted training and its continuation, keeps the later value.

        Returns
        -------
        steps : ndarray of int64
        values : ndarray of float64
        times : ndarray of float64
            Seconds since the epoch. All three are empty for a tag that there is not.
        """
        with self._lock:
            curve = self._curves.get(tag, _Curve())
            length, arrays = self._series.get(tag, (-1, None))
            if length != len(curve.steps):
                steps, values, times = (np.array(part) for part in (curve.steps, curve.values, curve.times))
                if np.any(np.diff(steps) <= 0):
                    order = np.lexsort((times, steps))
                    last = np.append(np.diff(steps[order]) > 0, True)
                    steps, values, times = (part[order][last] for part in (steps, values, times))
                arrays = steps, values, times
                self._series[tag] = len(curve.steps), arrays
            return arrays

    def scalars(self) -> pd.DataFrame:
        """All curves.

        Returns
        -------
        DataFrame
            Columns ``tag``, ``step``, ``value``, ``time`` (seconds since the epoch), by tag and step. A step that was
            logged twice keeps the later value.
        """
        import pandas as pd

        with self._lock:
            parts = [pd.DataFrame(dict(zip(COLUMNS, (tag, *self.series(tag)), strict=True))) for tag in self.tags]
        if not parts:
            return pd.DataFrame(columns=COLUMNS)
        return pd.concat(parts, ignore_index=True)

    @property
    def pictures(self) -> dict[str, list[int]]:
        """The steps of the pictures of each tag, tags and steps sorted."""
        with self._lock:
            found: dict[str, list[int]] = {}
            for tag, step in sorted(self._pictures):
                found.setdefault(tag, []).append(step)
            return found

    def picture(self, tag: str, step: int) -> bytes:
        """A picture as the file (PNG) that was logged.

        Raises
        ------
        WorkbenchError
            There is no such picture (any more).
        """
        with self._lock:
            place = self._pictures.get((tag, step))
        try:
            if place is None:
                raise ValueError
            path, offset, length = place
            with path.open("rb") as file:
                file.seek(offset)
                event = Event.FromString(file.read(length))
            return next(value.image.encoded_image_string for value in event.summary.value if value.tag == tag)
        except (OSError, ValueError, DecodeError, StopIteration) as error:
            raise WorkbenchError(f"{self.folder}: no picture {tag!r} of step {step}") from error

    def _read(self, path: Path, file: _File) -> None:
        """Take in all complete records after the last one that was read."""
        try:
            stream = path.open("rb")
        except FileNotFoundError:
            return  # deleted just now
        with stream:
            buffer = b""
            while True:
                stream.seek(file.offset + len(buffer))
                more = stream.read(max(_CHUNK, self._missing(buffer)))
                buffer += more
                used = self._take(path, file, buffer)
                file.offset += used
                buffer = buffer[used:]
                if not more or file.problem:
                    return

    @staticmethod
    def _missing(buffer: bytes) -> int:
        """How many bytes of the first record are not in the buffer."""
        if len(buffer) < _HEADER.size:
            return _HEADER.size
        return _HEADER.unpack_from(buffer)[0] + _HEADER.size + _FOOTER - len(buffer)

    def _take(self, path: Path, file: _File, buffer: bytes) -> int:
        """Take in the records of a buffer; returns how many bytes they have."""
        position, size = 0, len(buffer)
        while position + _HEADER.size <= size:
            length, _ = _HEADER.unpack_from(buffer, position)
            begin = position + _HEADER.size
            if length > _LONGEST:
                return self._damaged(path, file, position)
            if begin + length + _FOOTER > size:
                break
            try:
                event = Event.FromString(buffer[begin : begin + length])
            except DecodeError:
                return self._damaged(path, file, position)
            for value in event.summary.value:
                kind = value.WhichOneof("value")
                if kind == "simple_value":
                    curve = self._curves.setdefault(value.tag, _Curve())
                    curve.steps.append(event.step)
                    curve.values.append(value.simple_value)
                    curve.times.append(event.wall_time)
                    self.version += 1
                elif kind == "image":
                    self._pictures[value.tag, event.step] = path, file.offset + begin, length
                    self.version += 1
            position = begin + length + _FOOTER
        return position

    def _damaged(self, path: Path, file: _File, position: int) -> int:
        file.problem = f"{path}: damaged at byte {file.offset + position}; what follows is not read"
        self.version += 1
        return position


def event_files(folder: Path) -> list[Path]:
    """The event files in a folder by name; none where it is missing, or deleted at this moment."""
    return find_files(folder, _PATTERN)


def read_scalars(folder: Path) -> pd.DataFrame:
    """All curves in a folder of event files, as of `EventReader.scalars`."""
    reader = EventReader(folder)
    reader.refresh()
    return reader.scalars()


def smoothed(values: np.ndarray, weight: float) -> np.ndarray:
    """Exponential moving average without the bias of its start, as TensorBoard smooths.

    Parameters
    ----------
    values : ndarray, shape (N,)
        Values that are not finite are passed over.
    weight : float
        In [0, 1): what of the average so far is kept at each value; 0 changes nothing.
    """
    if not 0 <= weight < 1:
        raise WorkbenchError(f"smoothing {weight:g}: choose a weight from 0 to below 1")
    if weight == 0:
        return values
    import pandas as pd

    series = pd.Series(np.where(np.isfinite(values), values, np.nan))
    return series.ewm(alpha=1 - weight, ignore_na=True).mean().to_numpy()


def thinned(steps: np.ndarray, values: np.ndarray, points: int) -> np.ndarray:
    """Which of a curve's points to draw: the first and the last, and of each equal span the lowest and the highest.

    So a spike stays however long the curve is.

    Parameters
    ----------
    steps, values : ndarray, shape (N,)
        By rising step.
    points : int
        How many points there may be, at least 4.

    Returns
    -------
    ndarray of int
        Rising indices; all of them where there are not too many.
    """
    count = len(steps)
    if count <= points:
        return np.arange(count)
    edges = np.linspace(0, count, (points - 2) // 2 + 1).astype(int)
    filled = np.where(np.isfinite(values), values, 0.0)
    starts = edges[:-1]
    spans = np.repeat(np.arange(len(starts)), np.diff(edges))
    order = np.lexsort((filled, spans))
    return np.unique(np.concatenate([[0], order[starts], order[edges[1:] - 1], [count - 1]]))


def _same(file: _File, state) -> bool:
    """Whether a file is the one that was read before, perhaps with more in it."""
    return state is not None and file.identity == (state.st_dev, state.st_ino) and state.st_size >= file.offset
