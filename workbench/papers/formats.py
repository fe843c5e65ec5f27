"""Result tables as text, Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import fields

from workbench.errors import WorkbenchError
from workbench.papers import PAPERS
from workbench.papers.tables import DIGITS, Line

FORMATS = ("text", "md", "latex", "csv")
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
    write = {"text": _text, "md": _markdown, "latex": _latex}[form]
    separator = {"text": "\n", "md": "\n\n", "latex": "\n\n"}[form]

    def joined(notes: list[str]) -> str:
        return separator.join(_escaped(note) if form == "latex" else note for note in notes)

    parts = []
    for table in dict.fromkeys(line.table for line in lines):
        chosen = [line for line in lines if line.table == table]
        paper = PAPERS[chosen[0].paper]
        title = f"{paper.title}, Table {table}: {paper.tables[table]}"
        columns = [key for key in COLUMNS if key in ALWAYS or any(shown(line, key) for line in chosen)]
        headings = [f"{paper.title} (paper)" if key == "published" else COLUMNS[key] for key in columns]
        parts.append(write(title, columns, headings, [[shown(line, key) for key in columns] for line in chosen]))
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


def _csv(lines: list[Line]) -> str:
    file = io.StringIO()
    names = [each.name for each in fields(Line) if each.name != "runs"]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    for line in lines:
        values = (getattr(line, name) for name in names)
        writer.writerow(["" if value is None or value == 0 and isinstance(value, int) else value for value in values])
    return file.getvalue().removesuffix("\n")


def _text(title: str, columns: list[str], headings: list[str], rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]

    def joined(cells: list[str]) -> str:
        aligned = [
            f"{cell:>{width}}" if column in NUMERIC else f"{cell:<{width}}"
            for cell, width, column in zip(cells, widths, columns, strict=True)
        ]
        return "  ".join(aligned).rstrip()

    return "\n".join([title, joined(headings), "-" * (sum(widths) + 2 * len(widths) - 2), *map(joined, rows)])


def _markdown(title: str, columns: list[str], headings: list[str], rows: list[list[str]]) -> str:
    escapes = str.maketrans({character: f"\\{character}" for character in "\\|*_<"})

    def joined(cells: list[str]) -> str:
        return f"| {' | '.join(cell.translate(escapes) for cell in cells)} |"

    rule = "|".join("---:" if column in NUMERIC else "---" for column in columns)
    return "\n".join([f"### {title}", "", joined(headings), f"|{rule}|", *map(joined, rows)])


def _latex(title: str, columns: list[str], headings: list[str], rows: list[list[str]]) -> str:
    def joined(cells: list[str]) -> str:
        return f"{' & '.join(map(_escaped, cells))} \\\\"

    alignment = "".join("r" if column in NUMERIC else "l" for column in columns)
    begin = [
        "\\begingroup\\scriptsize",
        f"\\begin{{longtable}}{{{alignment}}}",
        f"\\caption{{{_escaped(title)}}} \\\\",
        "\\toprule",
    ]
    head = [joined(headings), "\\midrule", "\\endhead"]
    return "\n".join([*begin, *head, *map(joined, rows), "\\bottomrule", "\\end{longtable}", "\\endgroup"])


_LATEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}  # fmt: skip


def _escaped(text: str) -> str:
    escaped = "".join(_LATEX.get(character, character) for character in text)
    # These would be taken for arguments of the \\ before them.
    return f"{{}}{escaped}" if escaped.startswith(("[", "*")) else escaped
