"""The catalogue as text, with what is on disk. Reads notes only and looks into no data folder, so it is quick."""

from __future__ import annotations

import os
from collections.abc import Iterator

from data_tools.catalogue import CATALOGUE, DOWNLOADS, find, is_present
from data_tools.entries import Entry, Part
from workbench.data.folders import read_prepared
from workbench.data.root import data_root
from workbench.tabular import as_text


def overview(root: str | os.PathLike | None = None) -> Iterator[str]:
    """A line a part: what to call it, its number of pairs or images, what is on disk, how to get it, what for."""
    yield f"Data sets in {data_root(root)}; more on one: workbench data list NAME; on all and the papers: docs/data.md"
    lines, task = [["", "published", "on disk", "get", "for"]], None
    for entry in sorted(CATALOGUE.values(), key=lambda entry: _TASKS.index(entry.task)):
        if entry.task != task:
            task = entry.task
            lines.append([task.upper(), "", "", "", ""])
        for part in entry.parts:
            role = entry.role if part is entry.parts[0] else ""
            published = "" if part.count is None else f"{part.count:,} {part.kind}"
            lines.append([entry.full_name(part), published, _on_disk(entry, part, root), _get(entry, part), role])
    yield as_text(lines, right=())


def details(name: str, root: str | os.PathLike | None = None) -> Iterator[str]:
    """All that the catalogue knows of a data set.

    Raises
    ------
    WorkbenchError
        There is none of that name.
    """
    entry, parts = find(name)
    yield f"{entry.name}: {entry.title}"
    yield f"  for        {entry.role}"
    yield f"  home page  {entry.home}"
    yield f"  licence    {entry.licence}"
    for part in parts:
        count = "number not published" if part.count is None else f"{part.count:,}"
        layout = "input/ and target/" if part.kind == "pairs" else "images/"
        yield f"  holds      {data_root(root) / entry.full_name(part)}: {count} {part.kind} in {layout}"
        yield f"             on disk: {_on_disk(entry, part, root)}"
    for file in entry.files_of(parts):
        size = "" if file.size is None else f", {file.size:,} bytes"
        checksum = "" if file.checksum is None else f", {file.checksum}"
        yield f"  download   {file.url}{size}{checksum}"
    yield f"  by hand    {entry.by_hand}, then `workbench data prepare {name} --from PATH`"
    if entry.cut is not None:
        only = f" --larger-than {entry.cut.larger_than}" if entry.cut.larger_than else ""
        yield f"  patches    `workbench data cut`: --size {entry.cut.size} --overlap {entry.cut.overlap}{only}"
    if entry.note:
        yield f"  note       {entry.note}"


def kept_downloads(root: str | os.PathLike | None = None) -> str | None:
    """A line about the archives that downloads left behind; None when there are none."""
    folder = data_root(root) / DOWNLOADS
    size = sum(path.stat().st_size for path in folder.iterdir()) if folder.is_dir() else 0
    return f"{folder}: {_bytes(size)} of downloads are kept, delete them when you need them no more" if size else None


_TASKS = tuple(dict.fromkeys(entry.task for entry in CATALOGUE.values()))


def _on_disk(entry: Entry, part: Part, root: str | os.PathLike | None) -> str:
    folder = data_root(root) / entry.name
    if not is_present(folder / part.name):
        return "-"
    noted = read_prepared(folder)["parts"].get(part.name)
    if noted is None:
        return "not checked"
    wanting = "" if part.count in (None, noted["count"]) else f" ({noted['count']:,})"
    return f"{_bytes(noted['bytes'])}{wanting}"


def _get(entry: Entry, part: Part) -> str:
    files = entry.files_of((part,))
    if not files:
        return "by hand"
    sizes = [file.size for file in files]
    return "download" if None in sizes else f"download {_bytes(sum(sizes))}"


def _bytes(number: int) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if number >= 10 or unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"
