"""Result tables as text, Markdown, LaTeX and CSV."""

from __future__ import annotations

from dataclasses import fields

from workbench.errors import WorkbenchError
from workbench.papers import PAPERS
from workbench.papers.tables import DIGITS, Line
from workbench.tabular import FORMATS, as_csv, as_latex, as_markdown, as_text, latex_escaped, markdown_escaped

COLUMNS = {
    "row": "method", "column": "setting", "metric": "metric", "published": "paper", "ours": "ours", "spread": "spread",
    "n": "n", "difference": "difference", "scale": "scale", "data": "data", "protocol": "protocol",
    "settings": "changed settings", "commit": "commit",
}  # fmt: skip
ALWAYS = ("row", "column", "metric", "published", "ours", "n", "difference")
NUMERIC = ("published", "ours", "spread", "n", "difference")

DIFFERENCE = (
    "Difference: ours minus the paper's, given only for runs of the paper's recipe at scale 'paper', measured on all of"
    " the paper's data set by its protocol. Other lines are other experiments: see their scale and data. Spread: sample"
    " standard deviation over n seeds."
)
LPIPS = "The paper does not say on which network its LPIPS rests; ours is AlexNet."


def render(lines: list[Line], form: str) -> str:
    """Tables to print.

    Parameters
    ----------
    lines : list of Line
        Of one paper.
    form : {"text", "md", "latex", "csv"}
        ``csv`` is one table with all columns. The others are a table for each of the paper's, without the columns that
        hold nothing, and say what a difference is. LaTeX needs the packages booktabs and longtable.

    Raises
    ------
    WorkbenchError
        There is no such format.
    """
    if form not in FORMATS:
        raise WorkbenchError(f"format {form!r} does not exist; choose one of {', '.join(FORMATS)}")
    if form == "csv":
        return _csv(lines)
    separator = {"text": "\n", "md": "\n\n", "latex": "\n\n"}[form]

    def joined(notes: list[str]) -> str:
        return separator.join(latex_escaped(note) if form == "latex" else note for note in notes)

    parts = []
    for table in dict.fromkeys(line.table for line in lines):
        chosen = [line for line in lines if line.table == table]
        paper = PAPERS[chosen[0].paper]
        title = f"{paper.title}, Table {table}: {paper.tables[table]}"
        columns = [key for key in COLUMNS if key in ALWAYS or any(shown(line, key) for line in chosen)]
        headings = [f"{paper.title} (paper)" if key == "published" else COLUMNS[key] for key in columns]
        parts.append(
            _table(title, [headings, *([shown(line, key) for key in columns] for line in chosen)], columns, form)
        )
        if remarks := table_notes(chosen):
            parts.append(joined(remarks))
    notes = [DIFFERENCE]
    if any(line.metric == "LPIPS" and line.difference is not None for line in lines):
        notes.append(LPIPS)
    notes.append(f"Paper: {PAPERS[lines[0].paper].reference}. Its numbers are printed as published.")
    if form == "latex":
        parts.insert(0, "% \\usepackage{booktabs,longtable}")
    return "\n\n".join([*parts, joined(notes)])


def table_notes(lines: list[Line]) -> list[str]:
    """What stands below one of a paper's tables: remarks on its numbers, and why some have none of ours beside them.

    Parameters
    ----------
    lines : list of Line
        Of one table.
    """
    paper, table = PAPERS[lines[0].paper], lines[0].table
    notes = [f"Table {table}: {paper.notes[table]}."] if table in paper.notes else []
    notes += [f"{line.row}, {line.column}, {line.metric}: {line.note}." for line in lines if line.note]
    rows: dict[str, dict[str, None]] = {}
    for line in lines:
        if line.why:
            rows.setdefault(line.why, {})[line.row] = None
    return notes + [f"Not compared: {', '.join(names)}: {why}." for why, names in rows.items()]


def shown(line: Line, key: str) -> str:
    """A cell of a result line as it is printed; empty where there is nothing."""
    value = getattr(line, key)
    if value is None or (key == "n" and not value):
        return ""
    if isinstance(value, float):
        return f"{value:{'+' if key == 'difference' else ''}.{DIGITS[line.metric]}f}"
    return str(value)


def _table(title: str, lines: list[list[str]], columns: list[str], form: str) -> str:
    right = [place for place, column in enumerate(columns) if column in NUMERIC]
    if form == "latex":
        return as_latex(lines, title, right)
    if form == "md":
        return f"### {title}\n\n{as_markdown([[markdown_escaped(cell) for cell in line] for line in lines], right)}"
    return f"{title}\n{as_text(lines, right)}"


def _csv(lines: list[Line]) -> str:
    names = [each.name for each in fields(Line) if each.name != "runs"]

    def value(line: Line, name: str) -> object:
        found = getattr(line, name)
        return "" if found is None or (name == "n" and not found) else found

    return as_csv([names, *([value(line, name) for name in names] for line in lines)])
