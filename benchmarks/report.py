"""Write the studies' tables and figures into docs/ from their CSVs: `python benchmarks/report.py`.

A block of a page between ``<!-- STUDY: TEST -->`` and ``<!-- end -->`` is replaced by that test set's table.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from drdd_report import ladder_table, levels_table
from rivals_report import gains_figure, ranking_table, settings_table, times_table

from workbench import nets
from workbench.colours import OTHER, colour
from workbench.comparison.tables import LEAST_ROOM, read_csv, spread
from workbench.comparison.tables import table as comparison_table
from workbench.diagnostics import probe_images
from workbench.diagnostics.microscope_recording import load_microscope
from workbench.figures import blur_curve
from workbench.probes.stages import IGNORED
from workbench.recipes import load_recipe
from workbench.studies import load_study, study_names
from workbench.studies.recording import pictures_path
from workbench.tabular import as_markdown

RESULTS = Path(__file__).parent / "results"
DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "results.md"
STUDY = DOCS / "study.md"
DESK = DOCS / "desk.md"
DRDD = DOCS / "drdd.md"
BLOCK = re.compile(r"<!-- ([\w-]+): ([^>]+?) -->\n.*?<!-- end -->", re.DOTALL)


APP_FILE = Path(__file__).parents[1] / "apps" / "assets" / "measured.json"
APP_TABLES = {
    "Real photographs: PolyU, other scenes": ("real-photographs", "PolyU"),
    "Real photographs: CC, never trained on": ("real-photographs", "CC"),
    "Real photographs: Nam, never trained on": ("real-photographs", "Nam"),
    "Simulated camera": ("embedded", "simulated camera"),
    "Simulated camera, strong noise": ("embedded-strong", "simulated camera"),
    "Simulated rain": ("rivals-rain", "simulated rain"),
    "Simulated camera shake": ("rivals-shake", "simulated shake"),
}
APP_ROWS = [
    "input",
    "vanilla",
    "vanilla + best blur",
    "vanilla-early",
    "vanilla-early-1000",
    "adapted",
    "adapted-c5",
    "guarded-c5",
    "oracle",
]
APP_COLUMNS = ("PSNR / dB", "gain over vanilla / dB", "SSIM", "LPIPS", "seeds")
PROTOCOLS = "real-protocols"
FILES = {"rivals-photographs": "real-photographs"}
"""Of the studies whose CSV has another name."""
UNDER_LOAD = ("training / s", "time a step / ms")
"""Columns that are left out of the rivals' tables: other trainings ran beside these; see the table of times."""
BESIDE_RIVALS = ("input", "vanilla", "vanilla-early-1000", "adapted-c5", "guarded-c5", "oracle")


PHOTOGRAPHS = load_study("real-photographs")
RIVALS = [name for name, cell in PHOTOGRAPHS.cells.items() if cell.method == name not in ("vanilla", "oracle")]
"""Cells of the photographs' study."""
FACTORS = (
    "ramp over the whole training, not 30 % of it",
    "margin 0.5, not 0.1",
    "learning rate of the critic 0.0003, not 0.001",
    "learning rate of the restorer 0.0001, not 0.0003",
    "timesteps 1 to 300, not to 1000",
    "8 patches of 48, not 16 of 32",
    "no residual swap",
)
"""What the digits in the names of the study ``screening`` stand for."""


ORDER = ("input", "vanilla", "vanilla + best blur", "vanilla-", "awgn-as-target", "", "adapted", "guarded", "oracle")
"""Beginnings of the names of rows, in the order in which every table has them; the empty one stands for all others."""


def place_of(cell: str) -> int:
    """Where a row stands in a table, by `ORDER`."""
    if cell in ORDER:
        return ORDER.index(cell)
    fitting = [place for place, start in enumerate(ORDER) if start and place > 2 and cell.startswith(start)]
    return fitting[0] if fitting else ORDER.index("")


def read(study: str) -> pd.DataFrame:
    """A study's rows, those of a domain's rivals in the order of their study.

    Those of photographs are told twice: ``rivals-photographs`` has the rivals and main controls.
    """
    rows = read_csv(RESULTS / f"{FILES.get(study, study)}.csv")
    of_rivals = rows.cell.isin(RIVALS)
    if study == "rivals-photographs":
        rows = rows[of_rivals | rows.cell.isin(BESIDE_RIVALS)]
        return pd.concat([rows[rows.cell != "oracle"], rows[rows.cell == "oracle"]])
    if study.startswith("rivals-") and study in study_names():
        order = ["input", *load_study(study).cells]
        return rows.sort_values("cell", key=lambda names: names.map(order.index), kind="stable")
    return rows[~of_rivals] if study == "real-photographs" else rows


def table(study: str, test: str) -> str:
    """The markdown table of a study's test set (`workbench.comparison.table`)."""
    rows = read(study)
    rows = rows[rows.test == test]
    for column in ("seconds_per_step", "peak_mib", "seconds_per_megapixel"):  # older runs did not record them
        if rows[rows.steps > 0][column].isna().any():
            rows = rows.assign(**{column: float("nan")})
    source = f"*{rows.images.iloc[0]} pictures; protocol rgb.*"
    if study == "desk":  # its page has no appendix
        commits = ", ".join(sorted({str(commit) for commit in rows.commit.dropna()}))
        source = f"{source[:-2]}; code {commits}; data: `benchmarks/results/desk.csv`.*"
    pictures = pictures_path(RESULTS / f"{FILES.get(study, study)}.csv")  # older studies have none
    scores = pd.read_csv(pictures, dtype={"picture": str}) if pictures.exists() else None
    rows = rows.sort_values("cell", key=lambda names: names.map(place_of), kind="stable")
    head, *lines = comparison_table(rows, test, scores)
    hidden = {head.index(name) for name in UNDER_LOAD if study.startswith("rivals-") and name in head}
    shown = [[cell for place, cell in enumerate(line) if place not in hidden] for line in (head, *lines)]
    return f"{as_markdown(shown)}\n\n{source}"


def pilot_table() -> str:
    """The markdown table of the study ``desk-pilot``: a line a candidate."""
    rows = pd.read_csv(RESULTS / "desk-pilot.csv").sort_values("target_psnr", ascending=False)
    study = load_study("desk-pilot")
    lines = [["restorer", "million parameters", "a pixel sees", "steps", "PolyU / dB", "AWGN 25 / dB"]]
    for row in rows.itertuples():
        chosen = load_recipe(study.recipe, study.cells[row.cell].settings).restorer
        network = nets.build(chosen.name, **chosen.overrides)
        millions = sum(each.numel() for each in network.parameters()) / 1e6
        psnr = f"{row.target_psnr:.2f}", f"{row.source_psnr:.2f}"
        lines.append([row.cell, f"{millions:.2f}", str(network.halo), str(row.steps), *psnr])
    commits = ", ".join(sorted(set(rows.commit)))
    return f"{as_markdown(lines)}\n\n*One seed; code {commits}; data: `benchmarks/results/desk-pilot.csv`.*"


def strength_table(column: str) -> str:
    """The markdown table of the study ``strength``: cells by domains, a column of its CSV file and the gain."""
    rows = pd.read_csv(RESULTS / "strength.csv")
    domains = list(dict.fromkeys(rows.domain))
    values = rows.pivot(index="cell", columns="domain", values=column)
    lines = [["", *domains]]
    for cell in (name for name in load_study("strength").cells if name in values.index):
        found, base = values.loc[cell, domains], values.loc["vanilla", domains]
        shown = ["" if pd.isna(value) else f"{value:.2f} ({value - zero:+.2f})" for value, zero in zip(found, base)]  # noqa: B905
        lines.append([cell, *shown])
    commits = ", ".join(sorted(set(rows.commit)))
    facts = f"PSNR in dB (gain over vanilla); one seed, 8 pictures a domain; code {commits}"
    return f"{as_markdown(lines)}\n\n*{facts}; data: `benchmarks/results/strength.csv`.*"


DOMAIN_COLOURS = ("#56b4e9", "#0072b2", "#009e73", "#d55e00", "#cc79a7", "#e69f00", "#000000")
"""Of the domains of the study ``strength``, told apart by the colour-blind; methods have the colours of `colour`."""


def strength_figure(path: Path) -> None:
    """Gain over vanilla against the diffusion weight's ceiling, domain by domain."""
    rows = pd.read_csv(RESULTS / "strength.csv")
    figure, axes = plt.subplots(figsize=(7, 4.6), layout="constrained")
    inks = dict(zip(dict.fromkeys(rows.domain), DOMAIN_COLOURS, strict=True))
    for domain, group in rows.groupby("domain", sort=False):
        psnr = group.set_index("cell").target_psnr
        room = psnr["oracle"] - psnr["vanilla"]
        ink = inks[domain]
        for suffix, style in (("", "o-"), ("-h1200", "s:")):
            cells = [(ceiling, f"adapted-c{ceiling}{suffix}") for ceiling in (1, 2, 5)]
            shares = [(ceiling, (psnr[cell] - psnr["vanilla"]) / room) for ceiling, cell in cells if cell in psnr]
            if not shares:
                continue
            label = f"{domain}{', head start 1200' if suffix else ''}"
            axes.plot(*zip(*shares), style, color=ink, label=label)  # noqa: B905
        if "guarded-c5" in psnr:
            share = (psnr["guarded-c5"] - psnr["vanilla"]) / room
            axes.plot(5, share, "*", markersize=13, color=ink, label=f"{domain}, guarded")
    axes.axhline(0, color="grey", linewidth=0.8)
    axes.axhline(1, color="grey", linewidth=0.8, linestyle="--")
    axes.set(xscale="log", xticks=[1, 2, 5], xticklabels=["1", "2", "5"], xlabel="ceiling of the diffusion weight",
             ylabel="share of the gap vanilla (0) to oracle (1)")  # fmt: skip
    axes.minorticks_off()
    axes.set_title("Pocket scale, seed 0; cameras are simulated, polyu: real photographs", fontsize=10)
    axes.legend(fontsize=7, ncols=2)
    figure.savefig(path, dpi=120)


GUARD_ROWS = {
    "PolyU, other scenes": ("real-photographs", "PolyU"), "CC, unseen": ("real-photographs", "CC"),
    "Nam, unseen": ("real-photographs", "Nam"), "camera, standard": ("embedded", "simulated camera"),
    "camera, strong": ("embedded-strong", "simulated camera"),
    "camera, textured": ("embedded-textured", "simulated camera"),
    "AWGN 25, trained with PolyU": ("real-photographs", "AWGN 25"),
    "AWGN 25, trained with standard": ("embedded", "AWGN 25"),
    "AWGN 25, trained with strong": ("embedded-strong", "AWGN 25"),
    "AWGN 25, trained with textured": ("embedded-textured", "AWGN 25"),
}  # fmt: skip
GUARD_CELLS = {
    "vanilla": "vanilla", "ceiling 1": "adapted", "ceiling 5": "adapted-c5", "ceiling 5, guarded": "guarded-c5",
    "oracle": "oracle",
}  # fmt: skip


def guard_table(metric: str) -> str:
    """The markdown table of the guard: ``psnr`` (gains over vanilla) or ``lpips``, a line a test set."""
    lines, commits, seeds = [["", *GUARD_CELLS, *(["gap closed, guarded"] if metric == "psnr" else [])]], set(), set()
    for name, (study, test) in GUARD_ROWS.items():
        rows = read_csv(RESULTS / f"{study}.csv")
        rows = rows[(rows.test == test) & rows.cell.isin(GUARD_CELLS.values())]
        commits |= set(rows.commit)
        values = {cell: group.set_index("seed")[metric] for cell, group in rows.groupby("cell")}
        seeds |= {len(each) for each in values.values()}
        base = values["vanilla"]
        gains = {cell: (each - base).dropna() for cell, each in values.items()}
        line = [name]
        for cell in GUARD_CELLS.values():
            if metric == "lpips" or cell == "vanilla":
                line.append(spread(values[cell], 4 if metric == "lpips" else 2) if cell in values else "")
            else:
                line.append(spread(gains[cell], signed=True) if cell in values else "")
        if metric == "psnr":
            room = gains["oracle"].mean() > LEAST_ROOM
            line.append(f"{spread(100 * gains['guarded-c5'] / gains['oracle'], 0)} %" if room else "")
        lines.append(line)
    what = "PSNR of vanilla and gains over it in dB" if metric == "psnr" else "LPIPS, lower is better"
    over = "three seeds" if seeds == {3} else f"{min(seeds)} to {max(seeds)} seeds"
    source = "`benchmarks/results/real-photographs.csv` and `embedded*.csv`"
    what += f", mean ± sample standard deviation over {over}; code {', '.join(sorted(commits))}; data: {source}"
    return f"{as_markdown(lines)}\n\n*{what}.*"


def screening_table(domain: str) -> str:
    """The markdown table of the effects that the study ``screening`` measured on a domain."""
    rows = pd.read_csv(RESULTS / "screening.csv").query("domain == @domain")
    lines = [["setting", "effect on the target / dB", "effect on the source / dB"]]
    for number, name in enumerate(FACTORS):
        on = rows.cell.str[len("screen-") + number] == "1"
        effects = [rows[on][column].mean() - rows[~on][column].mean() for column in ("target_psnr", "source_psnr")]
        lines.append([name, *(f"{effect:+.2f}" for effect in effects)])
    low, high = rows.target_psnr.min(), rows.target_psnr.max()
    facts = f"{len(rows)} runs at ceiling 2, seed 0, target domain {domain}, {low:.2f} to {high:.2f} dB there"
    commits = ", ".join(sorted(set(rows.commit)))
    return f"{as_markdown(lines)}\n\n*{facts}; code {commits}; data: `benchmarks/results/screening.csv`.*"


MECHANISM = {
    "noise": "noise left\n(high band)",
    "error_middle": "error 2 to 8 pixels wide\n(squared, 8-bit units)",
    "pull": "noise taken / detail taken\nby the critic's gradient",
}  # fmt: skip


def mechanism_figure(path: Path) -> None:
    """What the study ``mechanism`` measured, quantity by quantity over the joint training; a column a domain."""
    rows = pd.read_csv(RESULTS / "mechanism.csv")
    rows["pull"] = rows.noise_pull / rows.detail_pull
    rows.loc[rows.weight == 0, "pull"] = float("nan")
    domains, cells = (list(dict.fromkeys(rows[name])) for name in ("domain", "cell"))
    figure, axes = plt.subplots(
        len(MECHANISM), len(domains), figsize=(4 * len(domains), 7.5), layout="constrained", squeeze=False
    )
    for (domain, cell), group in rows.groupby(["domain", "cell"]):
        for line, quantity in zip(axes[:, domains.index(domain)], MECHANISM, strict=True):
            joint = group[group.step >= group[group.weight > 0].step.min() - 50]
            line.plot(joint.step - joint.step.min(), joint[quantity], marker="o", markersize=3, color=colour(cell),
                      linestyle="--" if cell.endswith("c1") else "-", label=cell)  # fmt: skip
    for domain, column in zip(domains, axes.T, strict=True):
        column[0].set_title(domain)
        column[-1].set_xlabel("joint steps")
        for line in column:
            line.grid(alpha=0.3)
    for title, line in zip(MECHANISM.values(), axes, strict=True):
        line[0].set_ylabel(title)
    for line in axes[-1]:
        line.set(yscale="log", ylim=(0.25, 3), yticks=[0.3, 0.5, 1, 2], yticklabels=["0.3", "0.5", "1", "2"])
        line.minorticks_off()
        line.axhline(1, color="grey", linewidth=0.8)
    axes[0, 0].legend(fontsize=8)
    seeds = ", ".join(map(str, sorted(set(rows.seed))))
    figure.suptitle(f"Pocket scale, seed {seeds}; held-out patches of the target domain", fontsize=10)
    figure.savefig(path, dpi=110)


def diagnostics_figure(path: Path) -> None:
    """What the diagnostics say of the packaged recording's three trainings."""
    recording = load_microscope()
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.7), layout="constrained")
    patches = probe_images(load_recipe("denoise-pocket"), recording.provenance["measured"]["patches"])
    blurs = blur_curve(patches.target, patches.reference)
    for name, table in recording.meters.items():
        ink = colour(name)
        axes[0].plot(
            table.step, table.target_share.clip(lower=1e-3), color=ink, marker=".", label=recording.variants[name]
        )
        axes[1].plot(table.noise, table.detail, color=ink, marker=".")
        axes[2].plot(table.step, table.gradient_share, color=ink, marker=".")
    axes[0].axhline(IGNORED, color=OTHER, linestyle="--")
    axes[0].set(yscale="log", xlabel="step", title="real condition's influence", ylabel="of the synthetic one's")
    axes[0].legend(fontsize=8)
    inside = (blurs[:, 1] > 0.5) & (blurs[:, 1] < 40)
    axes[1].plot(blurs[inside, 1], blurs[inside, 0], color=OTHER, linewidth=1)
    axes[1].set(xscale="log", xlabel="noise left", ylabel="detail kept", title="detail against noise; grey: blurs")
    axes[2].set(xlabel="step", ylim=(0, 1), title="diffusion loss's share of the gradient")
    figure.savefig(path, dpi=110)


def protocols_table(restorer: str) -> str:
    """The markdown table of what `real_protocols.py` recorded of a restorer: a line a set and protocol."""
    path = RESULTS / f"{PROTOCOLS}.csv"
    rows = pd.read_csv(path, dtype={name: str for name in ("psnr", "ssim", "lpips", "commit")}, keep_default_na=False)
    rows = rows[rows.restorer == restorer]
    lines = [["kind", "set", "pictures", "protocol", "PSNR / dB", "SSIM", "LPIPS"]]
    for row in rows.itertuples():
        pictures = f"{row.images} of {row.of}" if row.images != row.of else str(row.of)
        psnr = f"{float(row.psnr):.2f}" if row.psnr else ""
        lines.append([row.kind, row.set, pictures, row.protocol, psnr, row.ssim, row.lpips])
    return as_markdown(lines)


def provenance_table(studies: str) -> str:
    """Where the numbers of a page come from: a line a recorded file, with what it holds and the code that made it."""
    lines = [["file in `benchmarks/results/`", "tests", "seeds", "code"]]
    for name in studies.split(", "):
        rows = pd.read_csv(RESULTS / f"{name}.csv", dtype={"commit": str})
        column = next(each for each in ("test", "domain", "set") if each in rows)
        seeds = ", ".join(f"{seed:.0f}" for seed in sorted(rows.seed.dropna().unique())) if "seed" in rows else ""
        commits = ", ".join(sorted(set(rows.commit.dropna())))
        lines.append([f"`{name}.csv`", ", ".join(dict.fromkeys(rows[column])), seeds, commits])
    return as_markdown(lines)


SUMMARY_TESTS = {
    "PolyU\n(photographs)": ("real-photographs", "PolyU"), "CC\n(photographs)": ("real-photographs", "CC"),
    "Nam\n(photographs)": ("real-photographs", "Nam"), "camera,\nstandard": ("embedded", "simulated camera"),
    "camera,\nstrong": ("embedded-strong", "simulated camera"), "rain": ("rivals-rain", "simulated rain"),
    "shake": ("rivals-shake", "simulated shake"),
}  # fmt: skip
SUMMARY_ROWS = {
    "vanilla + best blur": ("vanilla + best blur",), "vanilla, 1,000 steps": ("vanilla-early-1000", "vanilla-early"),
    "adapted": ("adapted", "adapted-c5"), "guarded": ("guarded-c5",), "oracle": ("oracle",),
}  # fmt: skip


def summary_figure(path: Path) -> None:
    """Gain over vanilla of the main rows on the main tests: a dot a seed, a stroke the mean."""
    figure, axis = plt.subplots(figsize=(9, 4), layout="constrained")
    shown = {"vanilla, 1,000 steps": "vanilla-early"}
    for place, (study, test) in enumerate(SUMMARY_TESTS.values()):
        rows = read(study)
        psnr = rows[(rows.test == test) & rows.seed.notna()].pivot(index="seed", columns="cell", values="psnr")
        for offset, (label, cells) in enumerate(SUMMARY_ROWS.items()):
            cell = next((cell for cell in cells if cell in psnr), None)
            if cell is None:
                continue
            gains, ink = (psnr[cell] - psnr.vanilla).dropna(), colour(shown.get(label, label))
            across = place + 0.16 * (offset - 2)
            axis.scatter([across] * len(gains), gains, s=16, color=ink, label=label if place == 0 else None)
            axis.plot([across - 0.06, across + 0.06], [gains.mean()] * 2, color=ink, linewidth=2)
    axis.axhline(0, color=OTHER, linewidth=1)
    axis.set(xticks=range(len(SUMMARY_TESTS)), xticklabels=list(SUMMARY_TESTS), ylabel="gain over vanilla / dB (PSNR)")
    axis.grid(axis="y", alpha=0.3)
    axis.legend(fontsize=8, ncols=len(SUMMARY_ROWS), loc="upper center", bbox_to_anchor=(0.5, 1.13))
    figure.savefig(path, dpi=120)


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
        "drdd-ladder": ladder_table,
        "drdd-levels": levels_table,
        "desk-pilot": lambda _: pilot_table(),
        "ranking": lambda task: ranking_table(read, task),
        "rivals-times": lambda domain: times_table(pd.read_csv(RESULTS / "rivals-times.csv"), domain),
        "rivals-settings": lambda domain: settings_table(pd.read_csv(RESULTS / "rivals-settings.csv"), domain),
        "rivals-mended": lambda domain: settings_table(pd.read_csv(RESULTS / "rivals-mended.csv"), domain),
    }

    def made(block: re.Match) -> str:
        rows = special[block[1]](block[2]) if block[1] in special else table(block[1], block[2])
        return f"<!-- {block[1]}: {block[2]} -->\n{rows}\n<!-- end -->"

    return BLOCK.sub(made, page)


if __name__ == "__main__":
    APP_FILE.write_text(app_tables(), encoding="utf-8")
    for page in (PAGE, STUDY, DESK, DRDD):
        page.write_text(render(page.read_text()))
    summary_figure(DOCS / "figures" / "summary.png")
    diagnostics_figure(DOCS / "figures" / "diagnostics.png")
    strength_figure(DOCS / "figures" / "strength.png")
    gains_figure(read, DOCS / "figures" / "rivals.png")
    mechanism_figure(DOCS / "figures" / "mechanism.png")
