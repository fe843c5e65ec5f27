"""Tables as text, Markdown, LaTeX, HTML and CSV: how all that prints a table here does it.

A table is its lines, each a sequence of cells; the first line holds the headings.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence

Lines = Sequence[Sequence[str]]

FORMATS = ("text", "md", "latex", "csv")
_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\|*_<"})
_LATEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}  # fmt: skip


def as_text(lines: Lines, right: Collection[int] | None = None) -> str:
    """A table for a terminal, a rule below its headings.

    Parameters
    ----------
    lines : sequence of sequence of str
    right : collection of int, optional
        Columns that are aligned right; by default all but the first.
    """
    right = range(1, len(lines[0])) if right is None else right
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]

    def joined(cells: Sequence[str]) -> str:
        aligned = [
            f"{cell:>{width}}" if place in right else f"{cell:<{width}}"
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(aligned).rstrip()

    head, *body = map(joined, lines)
    return "\n".join([head, "-" * (sum(widths) + 2 * len(widths) - 2), *body])


def as_markdown(lines: Lines, right: Collection[int] = ()) -> str:
    """A table in GitHub's Markdown; cells are Markdown already (`markdown_escaped`).

    Parameters
    ----------
    lines : sequence of sequence of str
    right : collection of int
        Columns that are aligned right.
    """
    head, *body = (f"| {' | '.join(line)} |" if line[0] else f"| | {' | '.join(line[1:])} |" for line in lines)
    rule = "|".join("---:" if place in right else "---" for place in range(len(lines[0])))
    return "\n".join([head, f"|{rule}|", *body])


def markdown_escaped(text: str) -> str:
    """Text that Markdown leaves as it is."""
    return text.translate(_MARKDOWN)


def as_latex(lines: Lines, title: str, right: Collection[int] = ()) -> str:
    """A table in LaTeX, for the packages booktabs and longtable; titles and cells are plain text.

    Parameters
    ----------
    lines : sequence of sequence of str
    title : str
        Its caption.
    right : collection of int
        Columns that are aligned right.
    """

    def joined(cells: Sequence[str]) -> str:
        return f"{' & '.join(map(latex_escaped, cells))} \\\\"

    alignment = "".join("r" if place in right else "l" for place in range(len(lines[0])))
    begin = [
        "\\begingroup\\scriptsize",
        f"\\begin{{longtable}}{{{alignment}}}",
        f"\\caption{{{latex_escaped(title)}}} \\\\",
        "\\toprule",
    ]
    head = [joined(lines[0]), "\\midrule", "\\endhead"]
    return "\n".join([*begin, *head, *map(joined, lines[1:]), "\\bottomrule", "\\end{longtable}", "\\endgroup"])


def latex_escaped(text: str) -> str:
    """Text that LaTeX leaves as it is, also after the end of a table's row."""
    escaped = "".join(_LATEX.get(character, character) for character in text)
    # These would be taken for arguments of the \\ before them.
    return f"{{}}{escaped}" if escaped.startswith(("[", "*")) else escaped


def as_html(lines: Lines, caption: str = "", classes: Mapping[int, str] | None = None) -> str:
    """A table in HTML; caption and cells are HTML already (`html.escape`).

    The first cell of a line is its heading; the others have the heading of their column as ``data-label``, which a
    style for narrow screens can show.

    Parameters
    ----------
    lines : sequence of sequence of str
        The first may be empty: a table without headings.
    caption : str
    classes : mapping of int to str, optional
        Of the cells, by column.
    """
    kinds = {place: f' class="{kind}"' for place, kind in (classes or {}).items()}
    heads, *body = lines
    labels = [f' data-label="{head}"' if head else "" for head in heads]
    rows = []
    for name, *cells in body:
        told = "".join(
            f"<td{kinds.get(place, '')}{labels[place] if heads else ''}>{cell}</td>"
            for place, cell in enumerate(cells, 1)
        )
        rows.append(f'<tr><th scope="row">{name}</th>{told}</tr>')
    head = "".join(f'<th scope="col"{kinds.get(place, "")}>{text}</th>' for place, text in enumerate(heads))
    return (
        "<table>"
        + (f"<caption>{caption}</caption>" if caption else "")
        + (f"<thead><tr>{head}</tr></thead>" if heads else "")
        + f"<tbody>{''.join(rows)}</tbody></table>"
    )


def as_csv(lines: Iterable[Sequence[object]]) -> str:
    """A table as comma-separated values, without a line break at its end."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(lines)
    return file.getvalue().removesuffix("\n")
