"""Large pictures cut into overlapping patches, so that training need not decode a whole picture for one crop."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path

from tqdm import tqdm

from data_tools.catalogue import CATALOGUE
from data_tools.entries import Cut
from data_tools.locking import locked
from data_tools.outcome import Outcome, PartOutcome
from data_tools.placing import link_or_copy
from data_tools.threads import in_threads
from workbench.data.folders import (
    IMAGES,
    INPUT,
    TARGET,
    is_paired,
    list_pairs,
    list_parts,
    list_pictures,
    read_prepared,
)
from workbench.data.root import PATCHES
from workbench.errors import WorkbenchError
from workbench.files import cannot_write, distinct, write_text
from workbench.images import read_image, write_png

MANIFEST = "patches.jsonl"
"""First line: the settings; then one line a picture: its file, what identified it, and the patches made of it."""


@dataclass(frozen=True)
class _Picture:
    """A picture or pair: by side (``input``, ``target``, ``images``) its file."""

    label: str
    sides: dict[str, Path]

    def identity(self) -> dict[str, list]:
        """What changes when a file changes: size and time of each side."""
        return {side: [path.name, path.stat().st_size, path.stat().st_mtime_ns] for side, path in self.sides.items()}


def choose_cut(
    folder: str | os.PathLike, size: int | None = None, overlap: int | None = None, larger_than: int | None = None
) -> Cut:
    """The settings given, completed by those of the papers for a folder that `data_tools.prepare` made.

    Raises
    ------
    WorkbenchError
        There is no such folder, or a setting is missing and nothing is known of it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise WorkbenchError(f"{folder}: no such folder")
    name = read_prepared(folder)["set"] or read_prepared(folder.resolve().parent)["set"]
    usual = CATALOGUE[name].cut if name in CATALOGUE else None
    if usual is None and (size is None or overlap is None):
        raise WorkbenchError(f"{folder}: no patches are usual for it; give --size and --overlap")
    return Cut(
        usual.size if size is None else size,
        usual.overlap if overlap is None else overlap,
        larger_than if larger_than is not None else usual.larger_than if usual else 0,
    )


def patches_folder(source: str | os.PathLike) -> Path:
    """Where the patches of a folder go if nothing else is said, and where recipes look for them: beside it."""
    source = Path(source)
    source = source if source.name not in ("", "..") else source.resolve()
    return source.with_name(source.name + PATCHES)


def positions(length: int, size: int, overlap: int) -> list[int]:
    """Where patches begin along a side: a regular grid, and a last one flush with the end.

    Parameters
    ----------
    length : int
        Of the side, at least ``size``.
    size, overlap : int
    """
    return [*range(0, length - size, size - overlap), length - size]


def cut_patches(
    source: str | os.PathLike,
    destination: str | os.PathLike,
    cut: Cut,
    workers: int | None = None,
    progress: bool = True,
) -> Outcome:
    """Cut the pictures of a canonical folder into PNG patches, in the canonical layout again.

    Both sides of a pair are cut alike. Pictures that are not larger than ``cut.larger_than`` in both directions, or
    smaller than a patch, are taken whole, as they are. The work is done in a hidden folder beside ``destination``,
    which is renamed at the end; called again after an interruption, it goes on with the pictures not yet done.

    Parameters
    ----------
    source : path-like
        Canonical folder, or any folder of images.
    destination : path-like
        Must not exist, unless an earlier call made it of the same pictures with the same settings: then it is left as
        it is.
    cut : Cut
    workers : int, optional
        Pictures worked on at a time, one a core by default; in threads, for decoding leaves the interpreter free.
    progress : bool
        Show a bar on a terminal.

    Returns
    -------
    Outcome
        Number of patches, and pictures that could not be cut.

    Raises
    ------
    WorkbenchError
        Nothing to cut, impossible settings, or ``destination`` exists and is something else.
    """
    source, destination = Path(source), Path(destination)
    if cut.size < 1 or not 0 <= cut.overlap < cut.size or cut.larger_than < 0:
        raise WorkbenchError(f"patches of {cut.size} pixels cannot overlap by {cut.overlap}; take 0 <= overlap < size")
    problems: list[str] = []
    pictures = _pictures(source, problems)
    kind = "pairs" if any("target" in picture.sides for picture in pictures) else "images"
    if not pictures:
        raise WorkbenchError((problems or [f"{source}: holds no images"])[0])
    if destination.exists():
        count = _count_finished(destination, cut, pictures)
        if count is None:
            raise WorkbenchError(
                f"{destination}: exists, but not made of all of these pictures with these settings; delete it or choose"
                " another folder"
            )
        return Outcome(destination, [PartOutcome("", kind, count, None, problems, "already there")])
    work = destination.with_name(f".{destination.name}.partial")
    try:
        for side in pictures[0].sides:
            (work / side).mkdir(parents=True, exist_ok=True)
        with locked(destination, f"{destination}: another process is cutting into it; wait for its end"):
            count = _cut_all(pictures, work, cut, workers, progress, problems)
            work.rename(destination)
    except OSError as error:
        raise cannot_write(error.filename or work, error) from error
    return Outcome(destination, [PartOutcome("", kind, count, None, problems)])


def _pictures(source: Path, problems: list[str]) -> list[_Picture]:
    if not source.is_dir():
        raise WorkbenchError(f"{source}: no such folder")
    if parts := list_parts(source):
        raise WorkbenchError(f"{source}: has several parts ({', '.join(parts)}); cut one of them, {source / parts[0]}")
    if not is_paired(source):
        paths = list_pictures(source)
        folder = source / IMAGES if (source / IMAGES).is_dir() else source
        labels = _labels([path.relative_to(folder) for path in paths])
        return [_Picture(label, {IMAGES: path}) for label, path in zip(labels, paths, strict=True)]
    pairs, alone = list_pairs(source)
    problems.extend(f"{source}: {each.name} has no partner in {each.missing}/" for each in alone)
    labels = _labels([Path(pair.name) for pair in pairs])
    return [
        _Picture(label, {INPUT: pair.degraded, TARGET: pair.clean}) for label, pair in zip(labels, pairs, strict=True)
    ]


def _labels(paths: list[Path]) -> list[str]:
    """File stems for patches: the picture's with its folders, and numbered where that is taken."""
    files = distinct(f"{'-'.join(path.with_suffix('').parts)}.png" for path in paths)
    return [file.removesuffix(".png") for file in files]


def _cut_all(
    pictures: list[_Picture], work: Path, cut: Cut, workers: int | None, progress: bool, problems: list[str]
) -> int:
    """Cut what is not done yet; returns the number of patches of all pictures."""
    done = _done(work, cut, {picture.label: picture for picture in pictures})
    count = sum(map(len, done.values()))
    todo = [picture for picture in pictures if picture.label not in done]
    with (
        (work / MANIFEST).open("a", encoding="utf-8") as manifest,
        tqdm(total=len(pictures), initial=len(done), desc="cutting", disable=None if progress else True) as bar,
    ):
        for picture, outcome in in_threads(partial(_cut_one, work=work, cut=cut), todo, workers):
            bar.update()
            if isinstance(outcome, str):
                problems.append(f"left out: {outcome}")
                continue
            line = {"picture": picture.label, "files": picture.identity(), "patches": outcome}
            manifest.write(json.dumps(line) + "\n")
            manifest.flush()
            count += len(outcome)
    if not count:
        shutil.rmtree(work)
        raise WorkbenchError(problems[0])
    return count


def _count_finished(folder: Path, cut: Cut, pictures: list[_Picture]) -> int | None:
    """The number of patches in a finished folder; None if it was not made of just these pictures in this way."""
    settings, *entries = _entries(folder / MANIFEST) or [None]
    if settings != asdict(cut):
        return None
    made_of = {entry["picture"]: entry["files"] for entry in entries}
    if made_of != {picture.label: picture.identity() for picture in pictures}:
        return None
    return sum(len(entry["patches"]) for entry in entries)


def _done(work: Path, cut: Cut, pictures: dict[str, _Picture]) -> dict[str, list[str]]:
    """The patches of pictures that an interrupted call finished; the manifest is left with just these."""
    manifest, settings, done = work / MANIFEST, asdict(cut), {}
    entries = _entries(manifest)
    if entries and entries[0] != settings:
        raise WorkbenchError(f"{work}: was begun with other settings, {entries[0]}; take those or delete the folder")
    kept = [settings]
    for entry in entries[1:]:
        picture = pictures.get(entry["picture"])
        if picture is not None and picture.identity() == entry["files"]:
            done[entry["picture"]] = entry["patches"]
            kept.append(entry)
        else:  # the picture was changed or removed since
            for side, patch in product(entry["files"], entry["patches"]):
                (work / side / Path(patch).name).unlink(missing_ok=True)
    write_text(manifest, "".join(json.dumps(entry) + "\n" for entry in kept))
    return done


def _entries(manifest: Path) -> list[dict]:
    lines = manifest.read_text(encoding="utf-8").splitlines() if manifest.is_file() else []
    return [entry for line in lines if (entry := _parse(line)) is not None]


def _parse(line: str) -> dict | None:
    try:
        return json.loads(line)
    except ValueError:  # an interruption in the middle of a line
        return None


def _cut_one(picture: _Picture, work: Path, cut: Cut) -> list[str] | str:
    """Cut a picture or pair; the file names of its patches, the same on both sides, or what is wrong."""
    try:
        images = {side: read_image(path) for side, path in picture.sides.items()}
        shapes = {side: image.pixels.shape[:2] for side, image in images.items()}
        height, width = next(iter(shapes.values()))
        if len(set(shapes.values())) > 1:
            first, second = picture.sides.values()
            return f"{first}: differs in size from {second}"
        if min(height, width) <= max(cut.larger_than, cut.size - 1):
            name = picture.label + next(iter(picture.sides.values())).suffix
            for side, path in picture.sides.items():
                (work / side / name).unlink(missing_ok=True)
                link_or_copy(path, work / side / name)
            return [name]
        names = []
        rows, columns = (positions(length, cut.size, cut.overlap) for length in (height, width))
        for top, left in product(rows, columns):
            names.append(f"{picture.label}_{top}_{left}.png")
            for side, image in images.items():
                patch = image.pixels[top : top + cut.size, left : left + cut.size]
                write_png(work / side / names[-1], patch, icc_profile=image.icc_profile)
        return names
    except WorkbenchError as error:
        return str(error)
