"""What the rivals' recorded runs say, beside the paper's numbers: tables and the figure for `pages`."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from recorded import file_of, read
from scipy.stats import spearmanr

from workbench.colours import colour
from workbench.comparison.tables import spread
from workbench.figures import save_figure
from workbench.methods import METHODS
from workbench.papers import published
from workbench.papers.noise_space_adaptation import METHODS as NAMES
from workbench.papers.noise_space_adaptation import NOT_COMPARED, RANKINGS
from workbench.recipes import load_recipe
from workbench.studies import load_study
from workbench.tabular import as_markdown

CAMERA = ("controls-camera", "simulated camera")
PHOTOGRAPHS = {name: ("controls-photographs", name) for name in ("PolyU", "CC", "Nam")}
RAIN, SHAKE = ("rivals-rain-photographs", "simulated rain"), ("rivals-shake-photographs", "simulated shake")
PANELS = {"simulated camera": CAMERA, **PHOTOGRAPHS, "simulated rain": RAIN, "simulated shake": SHAKE}
RANKED = {
    "denoising": {"simulated camera": CAMERA, "PolyU": PHOTOGRAPHS["PolyU"]},
    "deraining": {"simulated rain": RAIN},
    "deblurring": {"simulated shake": SHAKE},
}
"""By task: the tests here that stand beside the paper's ranking."""
APART = NOT_COMPARED | {"SelfDeblur", "VDIP"}
"""Rows that do not count in the rank correlation."""
SAME = {"guarded-c5": "guarded", "guarded-c1": "guarded"}
"""Cells of some studies by what they are called in the others; the ceiling is 5 in all but rain's."""
FIRST = ("adapted", "guarded", "vanilla-early", "vanilla-from-scratch", "dann-from-scratch")
"""What stands above the rivals in the figure."""
TASKS = {"simulated rain": "deraining", "simulated shake": "deblurring"}
"""Of the panels that are not for denoising."""


def gains(study: str, test: str) -> dict[str, pd.Series]:
    """Gain over vanilla in PSNR by cell, a series over seeds; cells have the names of `SAME`."""
    rows = read(study)
    rows = rows[(rows.test == test) & (rows.cell != "input")]
    psnr = {cell: group.set_index("seed").psnr for cell, group in rows.groupby("cell", sort=False)}
    vanilla = psnr.pop("vanilla")
    return {SAME.get(cell, cell): (each - vanilla).dropna() for cell, each in psnr.items()}


def ranking_table(task: str) -> str:
    """The markdown table of gains over vanilla: in the paper, and here on each test; with their rank correlation.

    It is over the methods that have the network and the training of the other rows, in the paper and here.
    """
    table, tests = RANKINGS[task], RANKED[task]
    theirs = {number.row: number for number in published("noise-da", table) if number.metric == "PSNR"}
    vanilla = theirs.pop("Vanilla")
    theirs.pop("Restormer", None)  # vanilla with another network
    paper = {row: number.value - vanilla.value for row, number in theirs.items()}
    cells = {row: NAMES[row].replace("noise-space", "adapted") for row in theirs}
    found = {name: gains(*place) for name, place in tests.items()}
    lines = [["", f"the paper, {vanilla.data}", *(f"here, {name}" for name in tests)]]
    for row, gain in sorted(paper.items(), key=lambda item: -item[1]):
        mark = "\\*" if row in APART else ""
        lines.append([f"{cells[row]}{mark}", f"{gain:+.2f}", *(_gained(found[name], cells[row]) for name in tests)])
    alike = [row for row in paper if row not in APART]
    agreement = [
        spearmanr([paper[row] for row in alike], [found[name][cells[row]].mean() for row in alike]).statistic
        for name in tests
    ]
    lines.append([f"rank correlation, {len(alike)} methods", "", *(f"{value:+.2f}" for value in agreement)])
    facts = (
        "Gain over vanilla in PSNR / dB. The paper's numbers are differences of those it prints in its Table"
        f" {table}; the rank correlation is Spearman's, over the unstarred methods."
    )
    if APART & paper.keys():
        facts += " \\* Another network than the other rows', in the paper or here, or the paper does not tell."
    return f"{as_markdown(lines)}\n\n*{facts}*"


def _gained(gains: dict[str, pd.Series], cell: str) -> str:
    return spread(gains[cell], signed=True) if cell in gains else "not run"


def times_table(rows: pd.DataFrame, domain: str) -> str:
    """The markdown table of what the study ``rivals-times`` measured on a domain."""
    vanilla = rows[rows.cell == "vanilla"].seconds_per_step.item()
    lines = [["", "time a step / ms", "of vanilla's", "head start: time a step / ms", "peak memory / MiB"]]
    for row in rows[rows.domain == domain].itertuples():
        step, before = row.seconds_per_step, row.head_start_seconds_per_step
        early = "" if pd.isna(before) else f"{1000 * before:.0f}"
        lines.append([row.cell, f"{1000 * step:.0f}", f"{step / vanilla:.1f}", early, str(row.peak_mib)])
    return (
        f"{as_markdown(lines)}\n\n*Medians of trainings of 100 steps and their head starts, on one thread, one after"
        " the other.*"
    )


def settings_table(study: str, domain: str) -> str:
    """The markdown table of what a study of settings tried on a domain, one seed."""
    rows = pd.read_csv(file_of(study)).query("domain == @domain")
    declared = load_study(f"{study}-{domain}")
    counts = [setting for setting in declared.settings if setting.startswith("data.validation_images=")]
    pictures = load_recipe(declared.recipe, counts).data.validation_images
    vanilla = rows[rows.cell == "vanilla"].iloc[0]
    lines = [["", "target / dB", "over vanilla", "source / dB", "over vanilla"]]
    for row in rows.itertuples():
        target, source = row.target_psnr, row.source_psnr
        over = [f"{target - vanilla.target_psnr:+.2f}", f"{source - vanilla.source_psnr:+.2f}"]
        lines.append([row.cell, f"{target:.2f}", over[0], f"{source:.2f}", over[1]])
    return f"{as_markdown(lines)}\n\n*PSNR of {pictures} pictures, seed 0.*"


def gains_figure(path: Path) -> None:
    """Gain over vanilla, method by method: a panel a test set, a dot a seed."""
    found = {name: gains(*place) for name, place in PANELS.items()}
    rivals = {cell for panel in found.values() for cell in panel} & METHODS.keys() - {"oracle"}
    cells = [*FIRST, *sorted(rivals), "oracle"]
    figure, axes = plt.subplots(2, 3, figsize=(12, 7.5), layout="constrained", sharey=True)
    for axis, (name, panel) in zip(axes.flat, found.items(), strict=True):
        lowest = max(-1.0 if name in TASKS else -3.0, min(values.min() for values in panel.values()) - 0.2)
        for place, cell in enumerate(cells):
            if cell not in panel:
                known = cell in METHODS and TASKS.get(name, "denoising") not in METHODS[cell].tasks
                why = " not for this task" if known else " not run"
                left = axis.get_yaxis_transform()
                axis.text(0.01, place, why, va="center", fontsize=7, color="0.6", transform=left)
                continue
            values = panel[cell]
            ink = colour(cell)
            inside = values[values > lowest]
            axis.plot(inside, [place] * len(inside), "o", color=ink, alpha=0.7, markersize=5)
            axis.plot([max(values.mean(), lowest)], [place], "|", color=ink, markersize=16, markeredgewidth=2)
            if len(inside) < len(values):
                mean = f" mean {values.mean():+.1f} dB"
                axis.plot(lowest, place, "<", color=ink)
                axis.text(lowest, place + 0.32, mean, fontsize=7, color=ink, va="center")
        axis.axvline(0, color="grey", linewidth=0.8)
        axis.set(yticks=range(len(cells)), yticklabels=cells, title=name)
        axis.grid(axis="x", alpha=0.3)
        axis.margins(x=0.08)
        axis.locator_params(axis="x", nbins=6)
    axes[0, 0].invert_yaxis()
    for axis in axes[-1]:
        axis.set_xlabel("gain over vanilla / dB (PSNR)")
    figure.suptitle("Pocket scale: a dot a seed, a stroke the mean; camera, rain, shake are simulated", fontsize=11)
    save_figure(figure, path)
