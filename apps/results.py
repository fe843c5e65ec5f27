"""The Results tab: the papers' tables beside what was measured here; a click shows the runs behind a number."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from apps import curves, runs
from apps.assets import asset
from apps.messages import told
from data_tools.catalogue import tasks
from workbench.errors import WorkbenchError
from workbench.papers import PAPERS
from workbench.papers.formats import COLUMNS, DIFFERENCE, NUMERIC, shown, table_notes
from workbench.papers.tables import Line, table_lines
from workbench.runs.events import EventReader
from workbench.runs.folder import Run
from workbench.runs.measurements import find_measurements
from workbench.tabular import as_html

ALL, RECORDED = "all", "recorded"
_SHOWN_UNMEASURED, _SHOWN_NOTES = 5, 4
_ABOUT = ("scale", "data", "protocol", "settings", "commit")
"""What tells experiments of one row apart."""


class ResultsTab:
    """The tab; to be made inside of `gradio.Blocks`.

    Parameters
    ----------
    folder : Path
        Folder of run folders, at any depth.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self._lay_out()
        self._wire()

    def _lay_out(self) -> None:
        self.lines = gr.State([])
        self.opened = gr.State(False)
        self.width = gr.Number(1280, visible=False)
        with gr.Row(elem_classes="wb-choices"):
            self.paper = gr.Dropdown(
                [("Measured in this project", RECORDED), *((paper.title, key) for key, paper in PAPERS.items())],
                value=RECORDED, label="Paper", min_width=160, elem_id="paper",
            )  # fmt: skip
            self.table = gr.Dropdown(
                [ALL], value=ALL, label="Table", scale=2, min_width=220, visible=False, elem_id="table"
            )
            self.ours = gr.Checkbox(
                label="Only what was measured here", min_width=180, visible=False, elem_id="only-ours"
            )
            self.again = gr.Button("Look again", size="sm", min_width=120, elem_id="results-again")
        self.tables = gr.HTML(js_on_load=asset("cells.js"), elem_id="results")
        with gr.Column(visible=False, elem_id="behind") as self.behind:
            self.title = gr.HTML()
            self.run = gr.Dropdown([], label="Run", elem_id="result-run")
            self.states = gr.HTML(elem_id="result-numbers")
            with gr.Accordion("Curves", open=True):
                self.figure = gr.Plot(label="Curves", show_label=False, container=False, elem_id="result-curves")
            with gr.Accordion("Sample pictures at the end", open=True):
                self.pictures = gr.HTML()
            with gr.Accordion("Recipe", open=True):
                self.recipe = gr.HTML(elem_id="result-recipe")

    def _wire(self) -> None:
        options = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": 4}
        self.options = options
        filters = [self.paper, self.table, self.ours]
        self.filled = {"fn": self.fill, "inputs": filters, "outputs": [self.tables, self.lines, self.behind], **options}
        self.paper.input(self.choose_paper, self.paper, [self.table, self.ours], **options).success(**self.filled)
        for trigger in (self.table.input, self.ours.input, self.again.click):
            trigger(**self.filled)
        details = {
            "fn": self.show_run, "inputs": [self.run, self.width],
            "outputs": [self.states, self.figure, self.pictures, self.recipe], **options,
        }  # fmt: skip
        self.tables.click(
            self.choose_line, [self.lines, self.width], [self.behind, self.title, self.run, self.width],
            js="(lines, width) => [lines, window.innerWidth]", **options,
        ).success(**details).success(
            None, js="() => document.getElementById('behind')?.scrollIntoView({behavior: 'smooth'})", **options
        )  # fmt: skip
        self.run.input(**details)

    def watch(self, tab: gr.Tab) -> None:
        """Make the tables whenever the tab is opened."""
        choices = [self.paper, self.table]
        tab.select(
            self.enter, [self.opened, *choices], [self.opened, *choices, self.ours], **self.options
        ).success(**self.filled)  # fmt: skip

    def choose_paper(self, paper: str):
        """The tables of a paper; what was recorded has none to choose from."""
        if paper == RECORDED:
            return gr.update(choices=[ALL], value=ALL, visible=False), gr.update(visible=False)
        titles = [(f"{table}: {title}", table) for table, title in PAPERS[paper].tables.items()]
        return gr.update(choices=[("All tables", ALL), *titles], value=ALL, visible=True), gr.update(visible=True)

    def enter(self, opened: bool, paper: str, table: str):
        """Begin with the papers' tables if a run here was measured, else with what the project recorded."""
        if not opened and find_measurements(self.folder).measurements:
            paper = next(iter(PAPERS))
        tables, ours = self.choose_paper(paper)
        return True, paper, tables | {"value": table}, ours

    def fill(self, paper: str, table: str, only_ours: bool):
        """The tables as HTML, and which runs are behind their lines."""
        if paper == RECORDED:
            return _recorded(), [], gr.update(visible=False)
        found = find_measurements(self.folder)
        for failure in found.failed:
            gr.Warning(told(f"{failure['name']}: {failure['reason']}"))
        lines = table_lines(paper, None if table == ALL else table, found.measurements, tasks())
        if only_ours:
            lines = [line for line in lines if line.n]
        page = _page(paper, lines, [self._name(run) for run in found.unmeasured])
        behind = [[_describe(line), [self._name(run) for run in line.runs]] for line in lines]
        return page, behind, gr.update(visible=False)

    def choose_line(self, lines: list, width: float, event: gr.EventData):
        """Show what is behind a number."""
        text, names = lines[int(event.index)]
        return (
            gr.update(visible=True),
            f"<h3>{html.escape(text)}</h3>",
            gr.update(choices=names, value=names[0], visible=len(names) > 1),
            width,
        )

    def show_run(self, name: str | None, width: float):
        """Numbers, curves, last pictures and recipe of a run."""
        run = self._find(name)
        if run is None:
            raise gr.Error(told(f"run {name!r} is not there (any more); look again"), print_exception=False)
        reader = EventReader(run.events)
        reader.refresh()
        chosen = curves.first_curves(curves.curve_names([reader]))
        columns = 1 if width < 900 else 3
        figure = curves.figure(
            {name: reader}, chosen, smoothing=0, log=False, axis=curves.STEPS, columns=columns
        )  # fmt: skip
        steps = runs.picture_steps(reader)
        pictures = runs.picture_block(reader, steps[-1] if steps else None)
        return _numbers(name, run), figure if chosen else None, pictures, runs.recipe_block(run)

    def _name(self, run: Path) -> str:
        return run.relative_to(self.folder).as_posix()

    def _find(self, name: str | None) -> Run | None:
        """The run of a name, which never leads out of the folder."""
        if not name:
            return None
        folder = (self.folder / name).resolve()
        if not folder.is_relative_to(self.folder.resolve()) or not (folder / "recipe.yaml").is_file():
            return None
        return Run(folder)


def _recorded() -> str:
    """The tables of the project's own runs as HTML."""
    parts = []
    for table in json.loads(asset("measured.json")):
        lines = [[html.escape(cell) for cell in line] for line in table["lines"]]
        caption = f"<b>{html.escape(table['title'])}</b> {html.escape(table['note'])}"
        parts.append(f'<div class="wb-table">{as_html(lines, caption)}</div>')
    return asset("measured.html") + "".join(parts)


def _page(paper: str, lines: Sequence[Line], unmeasured: Sequence[str]) -> str:
    """Tables as HTML; a number measured here is a button."""
    parts = []
    for table in dict.fromkeys(line.table for line in lines):
        chosen = [(index, line) for index, line in enumerate(lines) if line.table == table]
        title = f"{PAPERS[paper].title}, Table {table}: {PAPERS[paper].tables[table]}"
        told, words = _wide(chosen)
        parts.append(f'<div class="wb-table">{as_html(told, html.escape(title), words)}</div>')
        parts.append(_notes(table_notes([line for _, line in chosen])))
    if not parts:
        parts.append(
            '<div class="wb-empty" role="status"><h3>Nothing measured yet</h3><p>Measure a finished run with'
            " <code>workbench evaluate RUN --data DIR</code>, then look again.</p></div>"
        )
    notes = [
        f"In brackets: the difference. {DIFFERENCE}",
        f"Paper: {PAPERS[paper].reference}. Its numbers are printed as published.",
    ]
    if unmeasured:
        more = f" and {len(unmeasured) - _SHOWN_UNMEASURED} more" if len(unmeasured) > _SHOWN_UNMEASURED else ""
        notes.append(f"Finished but not measured: {', '.join(unmeasured[:_SHOWN_UNMEASURED])}{more}.")
    return "".join(parts) + _notes(notes)


def _notes(notes: Sequence[str]) -> str:
    """Notes as a list, which is folded where it is longer than many a table."""
    items = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    listed = f'<ul class="wb-notes">{items}</ul>' if items else ""
    if len(notes) <= _SHOWN_NOTES:
        return listed
    return f'<details><summary class="wb-notes">{len(notes)} notes</summary>{listed}</details>'


def _wide(lines: Sequence[tuple[int, Line]]) -> tuple[list[list[str]], dict[int, str]]:
    """Lines with a column a metric, the paper's own and below it those of runs here; and the columns of words."""
    metrics = list(dict.fromkeys(line.metric for _, line in lines))
    rows: dict[tuple, tuple[Line, dict[str, str]]] = {}
    for index, line in lines:
        paper = f"{PAPERS[line.paper].title} (paper)"
        for whose, cell in ((paper, html.escape(line.published)), (_experiment(line), _button(index, line))):
            place = 0  # a paper may have one metric several times in a row
            while cell and line.metric in rows.setdefault((line.row, line.column, whose, place), (line, {}))[1]:
                place += 1
            if cell:
                rows[line.row, line.column, whose, place][1][line.metric] = cell
    keys = [key for key in ("n", *_ABOUT) if any(shown(line, key) for _, line in lines)]
    several = len({line.column for _, line in lines}) > 1  # else the table's title says it
    names = [COLUMNS["row"], *([COLUMNS["column"]] if several else []), "by"]
    told = [[*names, *map(html.escape, metrics), *(COLUMNS[key] for key in keys)]]
    for (_, _, whose, _), (line, cells) in rows.items():
        recorded = isinstance(whose, str)
        words = [_row(line), *([line.column] if several else []), whose if recorded else "here"]
        numbers = [cells.get(metric, "") for metric in metrics]
        about = ["" if recorded else _told(line, key) for key in keys]
        told.append([*map(html.escape, words), *numbers, *about])
    first = len(names) + len(metrics)
    places = (*range(1, len(names)), *(first + place for place, key in enumerate(keys) if key not in NUMERIC))
    return told, dict.fromkeys(places, "wb-text")


def _told(line: Line, key: str) -> str:
    """What a column says of a line, as HTML; several changed settings are folded, for they make a row tall."""
    text = html.escape(shown(line, key))
    if key != "settings" or (changed := text.count("=")) < 2:
        return text
    return f"<details><summary>{changed} settings</summary>{text}</details>"


def _experiment(line: Line) -> tuple[str, ...]:
    return tuple(shown(line, key) for key in _ABOUT)


def _button(index: int, line: Line) -> str:
    """A number measured here, which shows its runs; empty where there is none."""
    if not line.runs:
        return ""
    label = html.escape(f"{_describe(line)}: show the runs behind it")
    text = shown(line, "ours") + (f" ± {shown(line, 'spread')}" if line.spread is not None else "")
    button = (
        f'<button type="button" class="wb-cell" data-line="{index}" aria-label="{label}">{html.escape(text)}</button>'
    )
    return button + (f" ({shown(line, 'difference')})" if line.difference is not None else "")


def _row(line: Line) -> str:
    """A row's name; what a paper calls "Ours" by the paper's name for it, for here ours is what was measured here."""
    return re.sub(r"\bOurs\b", PAPERS[line.paper].title, shown(line, "row").replace("(Ours)", ""))


def _describe(line: Line) -> str:
    """A line in words."""
    where = " ".join(part for part in (_row(line), line.column) if part)
    ours = f", {shown(line, 'ours')}, {line.scale} scale on {line.data}" if line.n else ""
    return f"Table {line.table}, {where}, {line.metric}{ours}"


def _numbers(name: str, run: Run) -> str:
    """Where a run's numbers come from."""
    try:
        summary = run.summary
    except WorkbenchError:
        summary = {}
    provenance = summary.get("provenance") or {}
    facts = {
        "run": name, "seed": summary.get("seed"), "steps": summary.get("steps"), "seconds": summary.get("seconds"),
        "commit": provenance.get("commit"), "torch": provenance.get("torch"), "device": provenance.get("device"),
    }  # fmt: skip
    cells = "".join(
        f"<dt>{key}</dt><dd>{html.escape(str(value))}</dd>" for key, value in facts.items() if value is not None
    )
    return f'<dl class="wb-facts">{cells}</dl>'
