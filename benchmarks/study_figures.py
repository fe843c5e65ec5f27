"""The figures of the pages, from the recorded numbers; that of the rivals is in `rivals`."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from recorded import RESULTS, read

from workbench.colours import OTHER, colour
from workbench.diagnostics import probe_images
from workbench.diagnostics.microscope_recording import load_microscope
from workbench.figures import blur_curve, save_figure
from workbench.probes.stages import IGNORED
from workbench.recipes import load_recipe

DOMAIN_COLOURS = ("#56b4e9", "#0072b2", "#009e73", "#d55e00", "#cc79a7", "#e69f00", "#000000")
"""Of the domains of the study ``strength``, told apart by the colour-blind; methods have the colours of `colour`."""


def strength_figure(path: Path) -> None:
    """Gain over vanilla against the diffusion weight's ceiling, domain by domain; the guarded ones side by side."""
    rows = pd.read_csv(RESULTS / "strength.csv")
    figure, (noise, other) = plt.subplots(1, 2, figsize=(9.6, 4.6), width_ratios=(2.6, 1), layout="constrained")
    inks = dict(zip(dict.fromkeys(rows.domain), DOMAIN_COLOURS, strict=True))
    guarded = 5.0
    for domain, group in rows.groupby("domain", sort=False):
        axes = other if domain in ("rain", "shake") else noise
        psnr = group.set_index("cell").target_psnr
        shares = (psnr - psnr["vanilla"]) / (psnr["oracle"] - psnr["vanilla"])
        for suffix, style in (("", "o-"), ("-h1200", "s:")):
            cells = [(ceiling, f"adapted-c{ceiling}{suffix}") for ceiling in (0.2, 1, 2, 5)]
            points = [(ceiling, shares[cell]) for ceiling, cell in cells if cell in shares]
            if points:
                label = f"{domain}{', head start 1200' if suffix else ''}"
                axes.plot(*zip(*points), style, color=inks[domain], label=label)  # noqa: B905
        if "guarded-c5" in shares:
            guarded *= 1.2
            axes.plot(guarded, shares["guarded-c5"], "*", markersize=13, color=inks[domain], label=f"{domain}, guarded")
    for axes, ticks in ((noise, (1, 2, 5)), (other, (0.2, 1))):
        axes.axhline(0, color="grey", linewidth=0.8)
        axes.axhline(1, color="grey", linewidth=0.8, linestyle="--")
        axes.set(xscale="log", xticks=ticks, xticklabels=[f"{tick:g}" for tick in ticks], xlabel="ceiling")
        axes.minorticks_off()
    noise.set(xticks=[1, 2, 5, 5 * 1.2**2.5], xticklabels=["1", "2", "5", "5, guarded"], title="denoising",
              ylabel="share of the gap vanilla (0) to oracle (1)")  # fmt: skip
    other.set(xlim=(0.12, 1.7), title="rain, shake (other scale)")
    noise.legend(fontsize=8, loc="lower left")
    other.legend(fontsize=8, loc="lower left")
    save_figure(figure, path, dpi=120)


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
            style = {"color": colour(cell), "linestyle": "--" if cell.endswith("c1") else "-"}
            label = cell.replace("-c", ", ceiling ")
            line.plot(joint.step - joint.step.min(), joint[quantity], marker="o", markersize=3, label=label, **style)
    titles = {"textured": "simulated camera, textured", "polyu": "PolyU"}
    for domain, column in zip(domains, axes.T, strict=True):
        column[0].set_title(titles.get(domain, domain))
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
    save_figure(figure, path, dpi=110)


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
        axes[1].plot(table.noise, table.detail, color=ink, marker=".", linewidth=0.6, alpha=0.6)
        axes[1].scatter(table.noise.iloc[-1], table.detail.iloc[-1], color=ink, marker="s", s=45, zorder=3)
        axes[1].scatter(table.noise.iloc[0], table.detail.iloc[0], color="black", marker="o", s=45, zorder=3)
        axes[2].plot(table.step, table.gradient_share, color=ink, marker=".")
    axes[0].axhline(IGNORED, color=OTHER, linestyle="--")
    axes[0].set(yscale="log", xlabel="step", title="real condition's influence", ylabel="of the synthetic one's")
    axes[0].legend(fontsize=8)
    inside = (blurs[:, 1] > 0.5) & (blurs[:, 1] < 40)
    axes[1].plot(blurs[inside, 1], blurs[inside, 0], color=OTHER, linewidth=1)
    axes[1].set(
        xscale="log",
        xlabel="noise left",
        ylabel="detail kept",
        title="detail against noise\n(circle: start, square: end; grey: blurs)",
    )
    axes[2].set(xlabel="step", ylim=(0, 1), title="diffusion loss's share of the gradient")
    save_figure(figure, path, dpi=110)


SUMMARY_TESTS = {
    "PolyU\n(photographs)": ("real-photographs", "PolyU"), "CC\n(photographs)": ("real-photographs", "CC"),
    "Nam\n(photographs)": ("real-photographs", "Nam"), "camera,\nstandard": ("embedded", "simulated camera"),
    "camera,\nstrong": ("embedded-strong", "simulated camera"), "rain": ("rivals-rain-photographs", "simulated rain"),
    "shake": ("rivals-shake-photographs", "simulated shake"),
}  # fmt: skip
SUMMARY_ROWS = {
    "vanilla + best blur": ("vanilla + best blur",), "vanilla, 1,000 steps": ("vanilla-early-1000", "vanilla-early"),
    "adapted": ("adapted", "adapted-c5"), "guarded": ("guarded-c5", "guarded-c1"), "oracle": ("oracle",),
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
    save_figure(figure, path, dpi=120)
