"""Numbers of a comparison as table, JSON, Markdown, and everything in one zip."""

from __future__ import annotations

import html
import json
import re
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from apps.comparison import INPUT, REFERENCE, Comparison, Job, View
from apps.verdict import means, words
from workbench import __version__, tabular
from workbench.evaluation.measures import METRICS
from workbench.files import replacing
from workbench.images import write_png

_BEST = {"higher": max, "lower": min, None: None}
_COLUMNS = tuple(
    (name, metric.heading(), f".{metric.digits}f", _BEST[metric.better]) for name, metric in METRICS.items()
)


def table(comparison: Comparison) -> str:
    """The numbers of a comparison as an HTML table; the best of each column is set in bold."""
    scored = [view for view in comparison.views.values() if view.scores]
    columns = _columns(scored)
    best = {
        key: choose(view.scores[key] for view in scored if view.scores[key] is not None)
        for key, _, _, choose in columns
        if choose is not None
    }
    heads = ["picture", *(title for _, title, _, _ in columns), "seconds", "MP / s"]
    lines = [heads]
    for view in comparison.views.values():
        if view.title == REFERENCE:
            continue
        name = "" if view.choice is None or view.choice.name == view.title else html.escape(view.choice.name)
        cells = [f"{html.escape(view.title)} <small>{name}</small>"]
        for key, _, form, _ in columns:
            value = view.scores.get(key)
            text = _number(value, form)
            cells.append(f"<b>{text}</b>" if value is not None and value == best.get(key) else text)
        lines.append([*cells, _number(view.seconds, ".2f"), _number(view.megapixels_per_second, ".2f")])
    width, height = comparison.size
    caption = f"{html.escape(comparison.name)}, {width} × {height} pixels; {html.escape(comparison.origin)}"
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in comparison.notes)
    return f'<div class="wb-table">{tabular.as_html(lines, caption)}</div>' + (
        f'<ul class="wb-notes">{notes}</ul>' if notes else ""
    )


def as_dict(job: Job) -> dict:
    """A job's numbers and the restorers' cards, ready for JSON."""
    return {
        "version": __version__,
        "protocol": "rgb",
        "degradation": str(job.degradation),
        "photos": [
            {
                "name": comparison.name,
                "size": list(comparison.size),
                "origin": comparison.origin,
                "views": {title: _view(view) for title, view in comparison.views.items()},
                "notes": comparison.notes,
            }
            for comparison in job.comparisons
        ],
        "mean_psnr": {title: round(psnr, 4) for title, psnr in means(job).items()},
        "failed": [{"name": name, "reason": reason} for name, reason in job.failures.items()],
        "restorers": {view.title: view.choice.card for view in job.comparisons[0].restored},
    }


def as_markdown(job: Job) -> str:
    """The same as a document to read."""
    lines = [
        "# Comparison of restorers",
        "",
        f"Degradation: {job.degradation}. Against a reference: PSNR and SSIM by protocol rgb.",
        "",
        _plain(words(job)),
        "",
    ]
    for comparison in job.comparisons:
        width, height = comparison.size
        columns = _columns(comparison.views.values())
        heads = ["picture", *(title for _, title, _, _ in columns), "seconds", "megapixels / s"]
        lines += [
            f"## {_plain(comparison.name)}",
            "",
            f"{width} x {height} pixels; {_plain(comparison.origin)}.",
            "",
        ]
        told = [heads]
        for view in comparison.views.values():
            scores = [_number(view.scores.get(key), form) for key, _, form, _ in columns]
            speed = [_number(view.seconds, ".2f"), _number(view.megapixels_per_second, ".2f")]
            told.append([_plain(view.title), *scores, *speed])
        table_lines = tabular.as_markdown(told, range(1, len(heads)))
        lines += [table_lines, "", *(f"- {_plain(note)}" for note in comparison.notes), ""]
    lines += [f"Failed: {_plain(name)} ({_plain(reason)})" for name, reason in job.failures.items()]
    lines += ["## Restorers", ""]
    for view in job.comparisons[0].restored:
        lines += [f"- **{_plain(view.title)}**: {_plain(view.choice.name)}, card in `cards/`"]
    return "\n".join(lines) + "\n"


def write_pictures(comparison: Comparison) -> list[Path]:
    """PNG files of a comparison's views, with the bits, opacity and colour profile of the photograph."""
    folder = comparison.folder / "pictures"
    folder.mkdir(exist_ok=True)
    paths = []
    for view in comparison.views.values():
        path = folder / f"{_file_name(Path(comparison.name).stem)}-{_file_name(view.title)}.png"
        if not path.is_file():
            alpha = comparison.alpha if comparison.alpha is not None and _fits(comparison, view) else None
            write_png(path, view.pixels, alpha, comparison.icc_profile)
        paths.append(path)
    return paths


def write_zip(job: Job, progress: Callable[[float, str], None] | None = None) -> Path:
    """All pictures of a job, its numbers and the restorers' cards in one file."""
    path = Path(job.folder.name, "comparison.zip")
    with replacing(path, durable=False) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("report.json", json.dumps(as_dict(job), indent=2, allow_nan=False) + "\n")
        archive.writestr("report.md", as_markdown(job))
        for view in job.comparisons[0].restored:
            archive.writestr(f"cards/{_file_name(view.title)}.json", json.dumps(view.choice.card, indent=2) + "\n")
        for number, comparison in enumerate(job.comparisons):
            if progress is not None:
                progress(number / len(job.comparisons), f"packing {comparison.name}")
            place = f"{number + 1}-{_file_name(Path(comparison.name).stem)}"
            for picture in write_pictures(comparison):
                archive.write(picture, f"{place}/{picture.name}")
    return path


def _columns(views: Iterable[View]) -> list[tuple]:
    """The scores that any of the views has."""
    views = list(views)
    return [column for column in _COLUMNS if any(view.scores.get(column[0]) is not None for view in views)]


def _view(view: View) -> dict:
    speed = view.megapixels_per_second
    entry = {**view.scores} if view.scores else {}
    if view.choice is not None:
        entry |= {
            "restorer": view.choice.name,
            "seconds": round(view.seconds, 4),
            "megapixels_per_second": round(speed, 4) if speed else None,
        }
    return entry


def _fits(comparison: Comparison, view: View) -> bool:
    """Whether a view takes the photograph's opacity: of the same type, and no reference from elsewhere."""
    return view.pixels.dtype == comparison.alpha.dtype and (view.title == INPUT or view.choice is not None)


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _plain(text: str) -> str:
    """Text that Markdown leaves alone, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(text.split()))


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text).strip("._") or "picture"
