"""Write the studies' tables into docs/results.md from their CSVs: `python benchmarks/report.py`.

A block of the page between ``<!-- STUDY: TEST -->`` and ``<!-- end -->`` is replaced by that test set's table.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
from study import RESULTS, spread

PAGE = Path(__file__).parents[1] / "docs" / "results.md"
BLOCK = re.compile(r"<!-- ([\w-]+): ([^>]+?) -->\n.*?<!-- end -->", re.DOTALL)


def table(study: str, test: str) -> str:
    """The markdown table of a study's test set: a row a cell, mean ± sample standard deviation over its seeds.

    ``gap closed`` is the share of the distance from vanilla to the oracle, in PSNR, computed seed by seed.
    """
    rows = pd.read_csv(RESULTS / f"{study}.csv")
    rows = rows[rows.test == test]
    psnr = {cell: group.set_index("seed").psnr for cell, group in rows[rows.cell != "input"].groupby("cell")}
    room = psnr["oracle"] - psnr["vanilla"] if {"oracle", "vanilla"} <= psnr.keys() else None
    lines = [
        "| | PSNR / dB | gain over vanilla / dB | gap closed | SSIM | LPIPS | seeds | training / s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for cell, group in rows.groupby("cell", sort=False):
        gain = (psnr[cell] - psnr["vanilla"]).dropna() if cell in psnr and cell != "vanilla" else []
        closed = (gain / room).dropna() if len(gain) and room is not None and room.mean() > 0.2 else []
        columns = [
            cell,
            spread(group.psnr),
            f"{'+' if gain.mean() >= 0 else ''}{spread(gain)}" if len(gain) else "",
            f"{spread(100 * closed, 0)} %" if len(closed) and cell != "oracle" else "",
            spread(group.ssim, 4),
            spread(group.lpips, 4) if group.lpips.notna().all() else "",
            str(group.seed.count() or ""),
            f"{(group.seconds + group.warm_seconds).mean():.0f}" if group.seconds.notna().all() else "",
        ]
        lines.append(f"| {' | '.join(columns)} |")
    images = rows.images.iloc[0]
    commits = ", ".join(sorted({str(commit) for commit in rows.commit.dropna()}))
    lines.append(f"\n*{images} pictures; protocol rgb; code {commits}; data: `benchmarks/results/{study}.csv`.*")
    return "\n".join(lines)


def render(page: str) -> str:
    """The page with every table made anew."""
    return BLOCK.sub(lambda block: f"<!-- {block[1]}: {block[2]} -->\n{table(block[1], block[2])}\n<!-- end -->", page)


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text()))
