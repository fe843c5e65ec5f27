"""The tables of the pages, in Markdown, from the recorded numbers; those of the rivals and of DRDD are beside."""

from __future__ import annotations

import pandas as pd
from recorded import RESULTS, file_of, place_of, read

from workbench import nets
from workbench.comparison.tables import LEAST_ROOM, read_csv, spread
from workbench.comparison.tables import table as comparison_table
from workbench.recipes import load_recipe
from workbench.studies import load_study
from workbench.studies.rows import pictures_path
from workbench.tabular import as_markdown

PROTOCOLS = "real-protocols"
MEANS = {
    "restoration": "restoration alone, a critic that watches", "neither": "neither shuffle nor swap",
    "shuffle": "channel shuffle", "both": "shuffle and swap",
}  # fmt: skip
"""What the cells of ``initialisation`` are called on the page."""
UNDER_LOAD = ("training / s", "time a step / ms")
"""Columns left out of rivals' and controls' tables: other trainings ran beside these (see the table of times)."""
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


def table(study: str, test: str) -> str:
    """The markdown table of a study's test set (`workbench.comparison.table`)."""
    rows = read(study)
    rows = rows[rows.test == test]
    rows = rows[rows.images == rows.images.iloc[0]]  # of the source domain other rows may have other pictures
    for column in ("seconds_per_step", "peak_mib", "seconds_per_megapixel"):  # older runs did not record them
        if rows[rows.steps > 0][column].isna().any():
            rows = rows.assign(**{column: float("nan")})
    source = f"*{rows.images.iloc[0]} pictures; protocol rgb.*"
    if study.startswith("desk"):  # their page has no appendix
        commits = ", ".join(sorted({str(commit) for commit in rows.commit.dropna()}))
        source = f"{source[:-2]}; code {commits}; data: `benchmarks/results/{study}.csv`.*"
    pictures = pictures_path(file_of(study))  # older studies have none
    scores = pd.read_csv(pictures, dtype={"picture": str}) if pictures.exists() else None
    rows = rows.sort_values("cell", key=lambda names: names.map(place_of), kind="stable")
    head, *lines = comparison_table(rows, test, scores)
    loaded = study.startswith(("rivals-", "controls-"))
    hidden = {head.index(name) for name in UNDER_LOAD if loaded and name in head}
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


def initialisation_table() -> str:
    """The markdown table of the study ``initialisation``: a line a run, its stages and its last snapshot."""
    rows = pd.read_csv(RESULTS / "initialisation.csv", dtype={"commit": str})
    lines = [
        [
            "start of the weights", "trained with", "stages", "rise by another synthetic hint", "by the other order",
            "by another real hint", "hinge open", "source / dB", "target / dB",
        ]
    ]  # fmt: skip
    for cell, run in rows.groupby("cell", sort=False):
        start, _, means = cell.partition("-")
        last = run.iloc[-1]
        rises = (last.source_other_rise, last.positional_rise, last.target_other_rise)
        lines.append(
            [
                start, MEANS[means], " ".join(f"{stage:.0f}" for stage in run.stage),
                *(f"{rise:+.3f}" for rise in rises),
                "" if run.contrast_active.isna().all() else f"{run.contrast_active.mean():.0%}",
                f"{last.source_psnr:.2f}", f"{last.target_psnr:.2f}",
            ]
        )  # fmt: skip
    steps = rows.step.drop_duplicates()
    facts = f"Stages at step {steps.iloc[0]}, {steps.iloc[1]}, … {steps.iloc[-1]:,}; the rest at the end; seed 0"
    commits = ", ".join(sorted(set(rows.commit)))
    return f"{as_markdown(lines)}\n\n*{facts}; code {commits}; data: `benchmarks/results/initialisation.csv`.*"


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


def colour_noise_table() -> str:
    """The markdown table of what `colour_noise.py` recorded: a line a restorer, and the references."""
    rows = pd.read_csv(RESULTS / "colour-noise.csv", dtype={"commit": str})
    noise = rows.pivot(index="restorer", columns="set", values="colour_noise")[list(dict.fromkeys(rows.set))]
    lines = [["", *(f"{name} / levels" for name in noise), *(f"{name}, reference 1" for name in noise)]]
    for name in dict.fromkeys(rows.restorer):
        times = noise.loc[name] / noise.loc["reference"]
        lines.append([name, *(f"{value:.2f}" for value in noise.loc[name]), *(f"{value:.1f}" for value in times)])
    commits = ", ".join(sorted(set(rows.commit)))
    return f"{as_markdown(lines)}\n\n*Code {commits}; data: `benchmarks/results/colour-noise.csv`.*"


def rain_table(cells: str) -> str:
    """The markdown table of what `where_it_rains.py` recorded of some cells, in their order."""
    rows = pd.read_csv(RESULTS / "where-it-rains.csv", dtype={"commit": str}).set_index("cell")
    lines = [["", "where it rains / dB", "over vanilla", "elsewhere / dB", "over vanilla"]]
    for row in rows.loc[cells.split(", ")].itertuples():
        over = [f"{getattr(row, side) - rows.loc['vanilla', side]:+.1f}" for side in ("rainy", "elsewhere")]
        lines.append([row.Index, f"{row.rainy:.1f}", over[0], f"{row.elsewhere:.1f}", over[1]])
    said = f"*PSNR over the places of {row.images} pictures, seed 0; it rains on {row.share:.0%}.*"
    return f"{as_markdown(lines)}\n\n{said}"


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
