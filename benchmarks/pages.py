"""Write the studies' tables and figures into docs/, and the app's tables: `python benchmarks/pages.py`.

A block of a page between ``<!-- STUDY: TEST -->`` and ``<!-- end -->`` is replaced by that test set's table.
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import pandas as pd
from drdd_ladder import ladder_table, levels_table
from recorded import RESULTS, read
from rivals import gains_figure, ranking_table, settings_table, times_table
from study_figures import diagnostics_figure, mechanism_figure, strength_figure, summary_figure
from study_tables import (
    PROTOCOLS,
    colour_noise_table,
    guard_table,
    initialisation_table,
    pilot_table,
    protocols_table,
    provenance_table,
    rain_table,
    screening_table,
    strength_table,
    table,
)

from workbench.comparison.tables import table as comparison_table
from workbench.files import write_text

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "results.md"
STUDY = DOCS / "study.md"
DESK = DOCS / "desk.md"
DRDD = DOCS / "drdd.md"
BLOCK = re.compile(r"<!-- ([\w-]+): ([^>]+?) -->\n.*?<!-- end -->", re.DOTALL)
APP_FILE = Path(__file__).parents[1] / "apps" / "assets" / "measured.json"
APP_TABLES = {
    "Real photographs at desk scale (the default restorers): PolyU, other scenes": ("desk-non-local", "PolyU"),
    "Real photographs at desk scale: CC, never trained on": ("desk-non-local", "CC"),
    "Real photographs at desk scale: Nam, never trained on": ("desk-non-local", "Nam"),
    "Simulated night camera at desk scale, other scenes": ("desk-night", "night"),
    "Real photographs: PolyU, other scenes": ("real-photographs", "PolyU"),
    "Real photographs: CC, never trained on": ("real-photographs", "CC"),
    "Real photographs: Nam, never trained on": ("real-photographs", "Nam"),
    "Simulated camera": ("embedded", "simulated camera"),
    "Simulated camera, strong noise": ("embedded-strong", "simulated camera"),
    "Simulated rain": ("rivals-rain-photographs", "simulated rain"),
    "Simulated camera shake": ("rivals-shake-photographs", "simulated shake"),
}
APP_ROWS = [
    "input",
    "nlm",
    "vanilla",
    "vanilla + best blur",
    "vanilla-early",
    "vanilla-early-1000",
    "adapted",
    "adapted-c5",
    "guarded-c5",
    "synthesis",
    "synthesis+adapted",
    "synthesis+guard-alone",
    "synthesis+guarded",
    "oracle",
]
APP_COLUMNS = ("PSNR / dB", "gain over vanilla / dB", "SSIM", "LPIPS", "seeds")


def app_tables() -> str:
    """The main rows of the main test sets as JSON, for the app's Results tab."""
    tables = []
    for title, (study, test) in APP_TABLES.items():
        rows = read(study)
        rows = rows[(rows.test == test) & rows.cell.isin(APP_ROWS)]
        head, *lines = comparison_table(rows, test)
        kept = [head.index(name) for name in head if name in APP_COLUMNS or not name]
        commits = ", ".join(sorted({str(commit) for commit in rows.commit.dropna()}))
        note = f"{rows.images.iloc[0]} pictures; protocol rgb; code {commits}; benchmarks/results/{study}.csv"
        ordered = sorted(lines, key=lambda line: APP_ROWS.index(line[0]))
        shown = [[line[place] for place in kept] for line in (head, *ordered)]
        tables.append({"title": title, "note": note, "lines": shown})
    return json.dumps(tables, indent=1, ensure_ascii=False) + "\n"


def render(page: str) -> str:
    """The page with every table made anew."""

    special = {
        PROTOCOLS: protocols_table,
        "provenance": provenance_table,
        "strength": strength_table,
        "screening": screening_table,
        "guard": guard_table,
        "initialisation": lambda _: initialisation_table(),
        "drdd-ladder": ladder_table,
        "drdd-levels": levels_table,
        "desk-pilot": lambda _: pilot_table(),
        "colour-noise": lambda _: colour_noise_table(),
        "ranking": ranking_table,
        "where-it-rains": rain_table,
        "rivals-times": lambda domain: times_table(pd.read_csv(RESULTS / "rivals-times.csv"), domain),
        **{
            name: partial(settings_table, name) for name in ("rivals-settings", "rivals-mended", "photographs-settings")
        },
    }

    def made(block: re.Match) -> str:
        rows = special[block[1]](block[2]) if block[1] in special else table(block[1], block[2])
        return f"<!-- {block[1]}: {block[2]} -->\n{rows}\n<!-- end -->"

    return BLOCK.sub(made, page)


if __name__ == "__main__":
    write_text(APP_FILE, app_tables())
    for page in (PAGE, STUDY, DESK, DRDD):
        write_text(page, render(page.read_text(encoding="utf-8")))
    summary_figure(DOCS / "figures" / "summary.png")
    diagnostics_figure(DOCS / "figures" / "diagnostics.png")
    strength_figure(DOCS / "figures" / "strength.png")
    gains_figure(DOCS / "figures" / "rivals.png")
    mechanism_figure(DOCS / "figures" / "mechanism.png")
