"""From downloads or folders to canonical data sets."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tqdm import tqdm

from data_tools.catalogue import DOWNLOADS, find, is_present
from data_tools.download import DownloadError, download
from data_tools.entries import Entry, Part
from data_tools.layouts import Files, Found, canonical_rules
from data_tools.locking import locked
from data_tools.outcome import Outcome, PartOutcome
from data_tools.placing import link_or_copy, place
from data_tools.unpack import DamagedArchiveError, archive_stem, is_archive, unpack
from workbench.data.folders import PREPARED, read_prepared, write_prepared
from workbench.data.root import data_root
from workbench.errors import WorkbenchError
from workbench.files import check_plain

ARRAYS = (".mat", ".mnc", ".mnc.gz")
"""Files that are data as they are, not archives."""


def prepare(
    name: str,
    root: str | os.PathLike | None = None,
    from_path: str | os.PathLike | None = None,
    progress: bool = True,
) -> Outcome:
    """Make a data set, or one part of it, in its canonical layout.

    Files keep their bytes: they are linked (hard links, so that large sets are not on disk twice) where the file system
    allows it and copied otherwise. Only arrays, and the two sides of a pair that come in different formats, are written
    anew, as PNG. A part appears under its name when it is complete; parts that are there already are left alone.

    Parameters
    ----------
    name : str
        ``gopro`` or ``gopro/test``.
    root : path-like, optional
        Folder of all data sets, see `workbench.data.root.data_root`.
    from_path : path-like, optional
        What was got by hand: an archive, or a folder of archives or of unpacked files. Downloaded when not given.
    progress : bool
        Show bars on a terminal.

    Returns
    -------
    Outcome
        What is there now, and what of it is missing or does not fit together.

    Raises
    ------
    WorkbenchError
        Unknown name, nothing of the data set in ``from_path``, no address to download from, a download or archive that
        is not what it should be, a disk that is too small.
    """
    entry, parts = find(name)
    at = "" if root is None else f" --root {shlex.quote(str(root))}"
    root = data_root(root)
    outcome = Outcome(root / entry.name)
    todo = [part for part in parts if not is_present(root / entry.full_name(part))]
    made: dict[str, PartOutcome] = {}
    if todo:
        _demand_room(entry, todo, root)
        by_hand = f"{entry.by_hand} ({entry.home}), then `workbench data prepare {name} --from PATH{at}`"
        if from_path is None and not entry.files_of(todo):
            raise WorkbenchError(f"{entry.name}: cannot be downloaded from here; by hand: {by_hand}")
        if from_path is not None and not Path(from_path).exists():
            raise WorkbenchError(f"{from_path}: no such file or folder")
        if from_path is not None and not Path(from_path).is_dir():
            check_plain(from_path)
        try:
            with _workplace(entry, root) as work:
                task = _Task(entry, root, work, str(from_path or "what was downloaded"), progress)
                stages = _downloaded(task, todo) if from_path is None else _handed_over(task, Path(from_path))
                made = _make(task, todo, stages, alone=len(parts) == 1)
        except DownloadError as error:
            raise DownloadError(f"{error}; by hand: {by_hand}") from error
        except OSError as error:
            where = error.filename or root
            raise WorkbenchError(f"{where}: cannot be read or written ({error.strerror or error})") from error
    noted = read_prepared(outcome.folder)["parts"]
    for part in parts:
        count = noted.get(part.name, {}).get("count")
        there = PartOutcome(part.name, part.kind, count, part.count, news="already there, delete it to make it anew")
        outcome.parts.append(made.get(part.name, there))
        outcome.parts[-1].compare()
    return outcome


@dataclass(frozen=True)
class _Task:
    entry: Entry
    root: Path
    work: Path
    source: str
    progress: bool


def _demand_room(entry: Entry, todo: Sequence[Part], root: Path) -> None:
    for part in todo:
        folder = root / entry.full_name(part)
        if folder.is_dir() and any(child.name != PREPARED for child in folder.iterdir()):
            raise WorkbenchError(
                f"{folder}: is in the way and not in the canonical layout; move it, then hand it over with --from"
            )


@contextmanager
def _workplace(entry: Entry, root: Path) -> Iterator[Path]:
    """A temporary folder beside the data sets, removed at the end; one process a data set at a time."""
    work = root / f".{entry.name}.partial"
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / entry.name, f"{entry.name}: another process is preparing it in {root}; wait for its end"):
        shutil.rmtree(work, ignore_errors=True)  # left by a call that was killed
        work.mkdir()
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _downloaded(task: _Task, todo: Sequence[Part]) -> Iterator[list[Files]]:
    for file in task.entry.files_of(todo):
        path = download(file, task.root / DOWNLOADS, task.progress)
        try:
            _open(task, path)
        except DamagedArchiveError:
            path.unlink(missing_ok=True)  # no checksum told; the next call fetches it anew
            raise
    yield _trees(task)


def _handed_over(task: _Task, path: Path) -> Iterator[list[Files]]:
    """First what lies there unpacked; then, if that was not all, what the archives hold."""
    archives = [path]
    if path.is_dir():
        yield [Files.below(path)]
        archives = sorted(filter(is_archive, path.iterdir()))
    for archive in archives:
        _open(task, archive)
    if archives:
        yield _trees(task)


def _open(task: _Task, path: Path) -> None:
    """Unpack an archive and the archives inside it; take a file of arrays as it is."""
    unpacked = task.work / "unpacked"
    if path.name.lower().endswith(ARRAYS):
        unpacked.mkdir(exist_ok=True)
        link_or_copy(path, unpacked / path.name)
        return
    folder = unpacked / archive_stem(path)
    unpack(path, folder, task.progress)
    for inner in sorted(filter(is_archive, folder.rglob("*"))):
        unpack(inner, inner.with_name(archive_stem(inner)), task.progress)
        inner.unlink()


def _trees(task: _Task) -> list[Files]:
    """All archives together, for pairs whose sides come in different ones, and each alone."""
    unpacked = task.work / "unpacked"
    return [Files.below(unpacked), *(Files.below(child) for child in sorted(unpacked.iterdir()) if child.is_dir())]


def _make(task: _Task, todo: Sequence[Part], stages: Iterator[list[Files]], alone: bool) -> dict[str, PartOutcome]:
    """Make the parts that can be found, each put in its place as soon as it is complete."""
    made: dict[str, PartOutcome] = {}
    reasons: dict[str, list[str]] = {part.name: [] for part in todo}
    for trees in stages:
        for part in todo:
            if part.name not in made:
                found = _search(part, trees, alone, reasons[part.name])
                if found is not None:
                    made[part.name] = _make_part(task, part, found)
        if len(made) == len(todo):
            break
    for part in todo:
        wanted = " or ".join(dict.fromkeys(rule.looks_for for rule in part.rules))
        reasons[part.name].append(f"not found in {task.source}; looked for {wanted}")
    if not made:
        raise WorkbenchError(f"{task.entry.full_name(todo[0])}: {reasons[todo[0].name][0]}")
    return {
        part.name: made.get(part.name) or PartOutcome(part.name, part.kind, 0, None, reasons[part.name])
        for part in todo
    }


def _search(part: Part, trees: Sequence[Files], alone: bool, reasons: list[str]) -> Found | None:
    for rule in (*part.rules, *canonical_rules(part.name, part.kind, alone)):
        for files in trees:
            found = rule.find(files)
            if found is not None and found.total:
                return found
            reasons.extend(found.problems if found is not None else ())
    return None


def _make_part(task: _Task, part: Part, found: Found) -> PartOutcome:
    full_name = task.entry.full_name(part)
    folder, final = task.work / "made", task.root / full_name
    with tqdm(total=found.total, desc=full_name, unit=f" {part.kind}", disable=None if task.progress else True) as bar:
        count, size, problems = place(found.items, folder, bar)
    if not count:
        raise WorkbenchError(f"{full_name}: {(problems + found.problems)[0]}")
    noted = {
        "count": count,
        "bytes": size,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": task.source,
    }
    write_prepared(folder if not part.name else final.parent, task.entry.name, part.name, noted)
    if final.is_dir():  # as `_demand_room` found it: empty but for the note of what was deleted since
        (final / PREPARED).unlink(missing_ok=True)
        final.rmdir()
    folder.rename(final)
    return PartOutcome(part.name, part.kind, count, part.count, [*found.problems, *problems])
