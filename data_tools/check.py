"""Whether a canonical folder is whole: numbers, partners, sizes, readable files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from data_tools.catalogue import CATALOGUE
from data_tools.record import read_record
from data_tools.report import PartReport, Report
from data_tools.threads import in_threads
from workbench.errors import WorkbenchError
from workbench.images import list_images, read_image


def check(folder: str | os.PathLike, progress: bool = True) -> Report:
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
    Report

    Raises
    ------
    WorkbenchError
        The folder is missing or holds no images.
    """
    folder = Path(folder)
    names = _parts(folder)
    report = Report(folder)
    for name in names:
        place = folder / name
        if (place / "input").is_dir() or (place / "target").is_dir():
            part = _check_pairs(place, name, progress)
        else:
            part = _check_images(place, name, progress)
        part.expected = _published(place)
        part.compare()
        report.parts.append(part)
    return report


def is_canonical(folder: Path) -> bool:
    """Whether a folder has ``images/``, or a side of a paired folder."""
    return any((folder / side).is_dir() for side in ("input", "target", "images"))


def _parts(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise WorkbenchError(f"{folder}: no such folder")
    if is_canonical(folder):
        return [""]
    parts = [child.name for child in sorted(folder.iterdir()) if child.is_dir() and is_canonical(child)]
    if parts:
        return parts
    if not list_images(folder):
        raise WorkbenchError(f"{folder}: holds no images; a paired folder has input/ and target/")
    return [""]


def _published(place: Path) -> int | None:
    """The published number of a canonical folder that `prepare` made."""
    place = place.resolve()
    for folder, name in ((place, ""), (place.parent, place.name)):
        record = read_record(folder)
        if name in record["parts"] and record["set"] in CATALOGUE:
            return next((part.count for part in CATALOGUE[record["set"]].parts if part.name == name), None)
    return None


def _check_images(place: Path, name: str, progress: bool) -> PartReport:
    source = place / "images" if (place / "images").is_dir() else place
    paths = list_images(source)
    report = PartReport(name, "images", len(paths))
    if not paths:
        report.problems.append(f"{source}: holds no images")
    for shape in _read_all([[path] for path in paths], place, progress):
        if isinstance(shape, str):
            report.problems.append(shape)
    return report


def _check_pairs(place: Path, name: str, progress: bool) -> PartReport:
    report = PartReport(name, "pairs", 0)
    sides: list[dict[str, Path]] = []
    for side in ("input", "target"):
        by_name: dict[str, Path] = {}
        for path in list_images(place / side) if (place / side).is_dir() else ():
            if by_name.setdefault(path.name, path) != path:
                report.problems.append(f"{path}: has the same name as {by_name[path.name]}")
        sides.append(by_name)
    inputs, targets = sides
    alone = [inputs[key] for key in sorted(inputs.keys() - targets)]
    alone += [targets[key] for key in sorted(targets.keys() - inputs)]
    report.problems += [f"{path}: has no partner of the same name" for path in alone]
    pairs = [[inputs[key], targets[key]] for key in sorted(inputs.keys() & targets.keys())]
    report.count = len(pairs)
    if not pairs:
        report.problems.append(f"{place}: holds no pairs")
    for pair, result in zip(pairs, _read_all(pairs, place, progress), strict=True):
        if isinstance(result, str):
            report.problems.append(result)
        elif result[0] != result[1]:
            (height, width), (other_height, other_width) = result
            report.problems.append(f"{pair[0]}: is {width}x{height}, its target is {other_width}x{other_height}")
    return report


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
