"""Whether a canonical folder is whole: numbers, partners, sizes, readable files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from data_tools.catalogue import CATALOGUE
from data_tools.outcome import Outcome, PartOutcome
from data_tools.threads import in_threads
from workbench.data.folders import is_canonical, is_paired, list_pairs, list_parts, list_pictures, prepared_part
from workbench.errors import WorkbenchError
from workbench.images import list_images, read_image


def check(folder: str | os.PathLike, progress: bool = True) -> Outcome:
    """Read every image of a folder and compare partners.

    The published number is compared where a note of `data_tools.prepare` tells which data set it is.

    Parameters
    ----------
    folder : path-like
        A canonical folder (``input/`` and ``target/``, or ``images/``), a folder of such folders, or any folder of
        images.
    progress : bool
        Show a bar on a terminal.

    Returns
    -------
    Outcome

    Raises
    ------
    WorkbenchError
        The folder is missing or holds no images.
    """
    folder = Path(folder)
    names = _parts(folder)
    outcome = Outcome(folder)
    for name in names:
        place = folder / name
        if is_paired(place):
            part = _check_pairs(place, name, progress)
        else:
            part = _check_images(place, name, progress)
        part.expected = _published(place)
        part.compare()
        outcome.parts.append(part)
    return outcome


def _parts(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise WorkbenchError(f"{folder}: no such folder")
    parts = list_parts(folder)
    if not parts and not is_canonical(folder) and not list_images(folder):
        raise WorkbenchError(f"{folder}: holds no images; a paired folder has input/ and target/")
    return parts or [""]


def _published(place: Path) -> int | None:
    """The published number of a canonical folder that `prepare` made."""
    found = prepared_part(place)
    if found is None or found[0] not in CATALOGUE:
        return None
    return next((part.count for part in CATALOGUE[found[0]].parts if part.name == found[1]), None)


def _check_images(place: Path, name: str, progress: bool) -> PartOutcome:
    outcome = PartOutcome(name, "images", 0)
    try:
        paths = list_pictures(place)
    except WorkbenchError as error:
        outcome.problems.append(str(error))
        return outcome
    outcome.count = len(paths)
    for shape in _read_all([[path] for path in paths], place, progress):
        if isinstance(shape, str):
            outcome.problems.append(shape)
    return outcome


def _check_pairs(place: Path, name: str, progress: bool) -> PartOutcome:
    outcome = PartOutcome(name, "pairs", 0)
    try:
        pairs, alone = list_pairs(place)
    except WorkbenchError as error:
        outcome.problems.append(str(error))
        return outcome
    outcome.problems += [f"{each.path}: has no partner in {each.missing}/" for each in alone]
    outcome.count = len(pairs)
    if not pairs:
        outcome.problems.append(f"{place}: holds no pairs")
    read = _read_all([[pair.degraded, pair.clean] for pair in pairs], place, progress)
    for pair, result in zip(pairs, read, strict=True):
        if isinstance(result, str):
            outcome.problems.append(result)
        elif result[0] != result[1]:
            (height, width), (other_height, other_width) = result
            outcome.problems.append(f"{pair.degraded}: is {width}x{height}, its target is {other_width}x{other_height}")
    return outcome


def _read_all(groups: list[list[Path]], place: Path, progress: bool) -> Iterator[list[tuple[int, int]] | str]:
    """Read groups of files, in order: the (height, width) of each file, or what is wrong with one."""
    with tqdm(total=len(groups), desc=str(place), unit=" read", disable=None if progress else True) as bar:
        for _, result in in_threads(_sizes, groups):
            bar.update()
            yield result


def _sizes(group: list[Path]) -> list[tuple[int, int]] | str:
    try:
        return [read_image(path).pixels.shape[:2] for path in group]
    except WorkbenchError as error:
        return str(error)
