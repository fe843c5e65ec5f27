"""Write the studies' tables into docs/results.md from their CSVs: `python benchmarks/report.py`.

A block of the page between ``<!-- STUDY: TEST -->`` and ``<!-- end -->`` is replaced by that test set's table.
"""

from __future__ import annotations

import re
from pathlib import Path

from study import RESULTS

from workbench.comparison.tables import markdown, read_csv
from workbench.comparison.tables import table as comparison_table

PAGE = Path(__file__).parents[1] / "docs" / "results.md"
BLOCK = re.compile(r"<!-- ([\w-]+): ([^>]+?) -->\n.*?<!-- end -->", re.DOTALL)


def table(study: str, test: str) -> str:
    """The markdown table of a study's test set (`workbench.comparison.table`)."""
    rows = read_csv(RESULTS / f"{study}.csv")
    rows = rows[rows.test == test]
    images = rows.images.iloc[0]
    commits = ", ".join(sorted({str(commit) for commit in rows.commit.dropna()}))
    source = f"*{images} pictures; protocol rgb; code {commits}; data: `benchmarks/results/{study}.csv`.*"
    return f"{markdown(comparison_table(rows, test))}\n\n{source}"


def render(page: str) -> str:
    """The page with every table made anew."""
    return BLOCK.sub(lambda block: f"<!-- {block[1]}: {block[2]} -->\n{table(block[1], block[2])}\n<!-- end -->", page)


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text()))
