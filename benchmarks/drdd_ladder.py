"""What the study ``drdd-ladder`` recorded, as the tables of docs/drdd.md: for `pages`."""

from __future__ import annotations

import re
from functools import cache

import pandas as pd
import torch
from recorded import RESULTS
from torch.utils.flop_counter import FlopCounterMode

from workbench import nets
from workbench.comparison.tables import read_csv, spread
from workbench.studies import load_study
from workbench.tabular import as_markdown

STUDY = "drdd-ladder"
RUNGS = {
    "direct": "`direct`", "known": "residual stage, the known noise subtracted",
    "targets": "second stage on targets alone", "input": "second stage that sees the input",
    "entangled": "`entangled`", "rddm": "`rddm`",
}  # fmt: skip
SIDE = 256
_WIDE = ("direct-wide", "entangled")


def read(domain: str) -> pd.DataFrame:
    """The recorded rows of a domain of the study, in the study's order, those of other steps after their cell."""
    rows, order = read_csv(RESULTS / f"{STUDY}-{domain}.csv"), ["input", *load_study(f"{STUDY}-{domain}").cells]
    place = rows.cell.map(lambda cell: order.index(cell.partition(" ")[0]))
    steps = rows.cell.map(lambda cell: int((re.findall(r" (\d+)", cell) or [0])[0]))
    placed = rows.assign(place=place, of_sampling=steps)
    return placed.sort_values(["place", "of_sampling", "seed"], kind="stable")[rows.columns]


@cache
def _gmacs(widths: tuple[int, ...], channels: int) -> float:
    network = nets.build("drdd-pocket", widths=widths, in_channels=channels, out_channels=3).eval()
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, channels, SIDE, SIDE), time=500.0)
    return counter.get_total_flops() / 2e9


def passes(cell: str, settings: str) -> int:
    """How many passes of a network a restoration takes."""
    steps = {key: int(count) for key, count in re.findall(r"(?:^|[ .])((?:residual_|noise_)?steps)=(\d+)", settings)}
    stage, both = steps.get("residual_steps", 2), steps.get("noise_steps", 2)
    rung = cell.partition("-")[0].partition(" ")[0]
    of_rung = {"direct": 1, "known": stage, "entangled": steps.get("steps", 4), "rddm": 2 * steps.get("steps", 5)}
    return of_rung.get(rung, stage + both)


def cost(cell: str, settings: str) -> float:
    """Milliards of multiplications with addition that a picture of 256 x 256 takes."""
    widths = (48, 96) if cell.partition(" ")[0].startswith(_WIDE) else (32, 64)
    return passes(cell, settings) * _gmacs(widths, 3 if cell.startswith("direct") else 6)


def _said(cell: str, settings: str) -> list[str]:
    """Rung, level and steps of a cell, in words."""
    name, _, sampled = cell.partition(" ")
    rung, *more = name.split("-")
    pruned = f", {more[-1]} photographs" if "pruned" in more else ""
    level = more[0] if more and re.fullmatch(r"\d\.\d", more[0]) else ""
    kind = {"2x": ", twice the steps of training", "wide": ", 1.5 times as wide"}.get(more[0] if more else "", "")
    default = {"known": "2", "targets": "2+2", "input": "2+2", "entangled": "4", "rddm": "5"}.get(rung, "")
    return [RUNGS[rung] + kind + pruned, level, sampled.partition(" ")[0] or default]


def ladder_table(of: str) -> str:
    """The markdown table of a domain, or of one test of it (``DOMAIN, TEST``): a line a rung and number of steps."""
    domain, _, test = of.partition(", ")
    rows = read(domain)
    rows = rows[rows.test == (test or domain)]
    direct = rows[rows.cell == "direct"].set_index("seed").psnr
    lines = [["rung", "level", "steps", "GMAC", "PSNR / dB", "over `direct`", "SSIM", "LPIPS", "seeds"]]
    for cell, group in rows.groupby("cell", sort=False):
        quality = [spread(group[name], 3) if group[name].notna().all() else "" for name in ("ssim", "lpips")]
        if cell == "input":
            lines.append(["input", "", "", "", spread(group.psnr), "", *quality, ""])
            continue
        settings = group.settings.fillna("").iloc[0]
        over = (group.set_index("seed").psnr - direct).dropna()
        gain = "" if cell == "direct" else spread(over, signed=True)
        seeds = str(len(group))
        lines.append([*_said(cell, settings), f"{cost(cell, settings):.1f}", spread(group.psnr), gain, *quality, seeds])
    commits = ", ".join(sorted(set(rows.commit.dropna())))
    source = f"code {commits}; data: `benchmarks/results/{STUDY}-{domain}.csv`"
    return f"{as_markdown(lines)}\n\n*{int(rows.images.iloc[0])} pictures; protocol rgb; {source}.*"


def levels_table(of: str) -> str:
    """The markdown table of what each rung has over ``direct`` by level of the noise, a line a rung, 2 + 2 steps."""
    domain, _, test = of.partition(", ")
    rows = read(domain)
    rows = rows[rows.test == (test or domain)]
    psnr = {cell: group.set_index("seed").psnr for cell, group in rows.groupby("cell")}
    levels = sorted({level for cell in psnr if (level := _said(cell, "")[1] if cell != "input" else "")})
    lines = [["rung", *levels]]
    for rung in ("known", "targets", "input", "entangled", "rddm"):
        over = [(psnr[cell] - psnr["direct"]).dropna() if (cell := f"{rung}-{each}") in psnr else [] for each in levels]
        lines.append(
            [RUNGS[rung], *(f"{spread(each, signed=True)} ({len(each)})" if len(each) else "" for each in over)]
        )
    note = f"input {psnr['input'].mean():.2f}, `direct` {spread(psnr['direct'])}"
    said = "PSNR in dB less that of `direct` of the same seeds; in brackets how many seeds"
    return f"{as_markdown(lines)}\n\n*{said}; {note}; data: `benchmarks/results/{STUDY}-{domain}.csv`.*"
