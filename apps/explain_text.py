"""What the Explain tab says: its markup and captions; every number in them is taken from the recordings."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd

from apps.assets import filled
from apps.pictures import data_url
from workbench.colours import COLOURS
from workbench.diagnostics.condition_recording import CHOICES, CORRUPTION, ConditionRecording
from workbench.diagnostics.microscope_recording import TIMESTEP, MicroscopeRecording
from workbench.probes.stages import IGNORED, NAMES, READ

NOTEBOOKS = {
    "01_condition_quality.ipynb": "why a diffusion network can be a critic",
    "02_the_shortcut.ipynb": "train and probe the shortcut yourself",
    "03_ablations.ipynb": "what shuffle, swap and the conditions are worth",
    "07_training_dynamics.ipynb": "what the curves of a training look like",
    "09_failure_cases.ipynb": "where it goes wrong",
    "10_drdd.ipynb": "residual diffusion, rung by rung",
    "11_two_systems.ipynb": "both systems on one task",
}
METERS = {
    "error": "<b>Noise-prediction error</b>; 1 is knowing nothing",
    "source_other_rise": "<b>Reads the synthetic condition</b>: the error rises by this when it is another image's",
    "target_other_rise": "<b>Is helped by the real condition</b>: the same for the real one",
    "target_noise_rise": "<b>Is upset by the real condition</b>: the error rises by this when it is uniform noise",
    "positional_rise": "<b>Goes by the order</b>: the error rises by this when the two change places",
    "detail": "<b>Detail kept</b> in restored real photographs: share of the reference's fine detail",
    "noise": "<b>Noise left</b> in them: fine structure that is not in the reference; less is better",
    "gradient_share": "<b>Say of the diffusion loss</b>: its part in what moves the restorer",
}
_CHOICES = dict(zip(CHOICES, ("as it is", f"corrupted (AWGN {CORRUPTION:g})", "another image's", "blank"), strict=True))


def head_start(recording: MicroscopeRecording) -> int:
    """Steps that the diffusion network trains alone before the restorer moves."""
    return int(next(iter(recording.provenance["variants"].values()))["noise_space"]["head_start"])


def page(microscope: MicroscopeRecording, conditions: ConditionRecording, notebooks: Sequence[str] = ()) -> str:
    """The tab as HTML, without the pictures and numbers that move.

    Parameters
    ----------
    microscope : MicroscopeRecording
    conditions : ConditionRecording
    notebooks : sequence of str
        Those of `NOTEBOOKS` that can be downloaded.
    """
    variants = microscope.variants
    return filled(
        "explain.html",
        steps=_steps(microscope),
        time=_time(microscope),
        given=_given(microscope),
        restored=_variants(variants),
        patches=microscope.provenance["measured"]["patches"],
        stages=_stages(microscope),
        charts=_charts(variants),
        meters=_meters(variants),
        account=_account(microscope),
        switches=_switches(microscope, conditions),
        quality=_quality(conditions),
        more=_more(microscope, conditions, notebooks),
    )


def _steps(microscope: MicroscopeRecording) -> str:
    """Cause the shortcut, see it, cure it: a picture and a sentence each, from the end of the recording."""
    last = {name: table.iloc[-1] for name, table in microscope.meters.items()}
    ignored, cured = last["nothing"], last["cs-rs"]
    return filled(
        "explain-steps.html",
        ignored=_side_by_side(microscope, "target", "nothing"),
        cured=_side_by_side(microscope, "cs-rs", "reference"),
        bars=_bars(ignored, cured),
        steps=int(ignored.step),
        noise_nothing=f"{ignored.noise:.0f}",
        noise_cured=f"{cured.noise:.1f}",
        factor=f"{1 + ignored.source_other_rise / ignored.error:.0f}",
        factor_order=f"{1 + ignored.positional_rise / ignored.error:.0f}",
        share_cured=_percent(cured.target_share),
        share_nothing=f"{100 * ignored.target_share:.1f} %",
        detail_nothing=_percent(ignored.detail),
        detail_cured=_percent(cured.detail),
    )


def _side_by_side(microscope: MicroscopeRecording, *names: str) -> str:
    """Pictures of one real patch, twice as bright so that noise in the dark is seen."""
    titles = {"target": "real photograph", "reference": "its reference", "nothing": "restored", "cs-rs": "restored"}
    figures = []
    for name in names:
        held = microscope.images[name]["target"][-1] if name in microscope.images else microscope.shared[name]
        figures.append(_still(np.clip(2 * held.astype(int), 0, 255).astype(np.uint8), titles[name]))
    return f'<div class="ex-pair">{"".join(figures)}</div><small>brightness doubled</small>'


def _bars(ignored: pd.Series, cured: pd.Series) -> str:
    """How much the error rises for another hint and another order, without and with the two means."""
    rises = [
        ("nothing", "without: another synthetic hint", ignored.source_other_rise),
        ("nothing", "without: the other order", ignored.positional_rise),
        ("cs-rs", "with both: another synthetic hint", cured.source_other_rise),
        ("cs-rs", "with both: the other order", cured.positional_rise),
    ]
    most = max(rise for *_, rise in rises)
    rows = "".join(
        f'<span>{title}</span><div class="ex-meter" style="--line: {COLOURS[name]}"><i style="width:'
        f' {100 * max(rise, 0) / most:.0f}%"></i><span>{rise:+.2f}</span></div>'
        for name, title, rise in rises
    )
    return f'<div class="ex-bars">{rows}</div><small>rise of the noise-prediction error</small>'


def _time(microscope: MicroscopeRecording) -> str:
    last = len(microscope.steps) - 1
    return filled("explain-time.html", last=last)


def _given(microscope: MicroscopeRecording) -> str:
    figures = [
        _still(microscope.shared[name], title)
        for name, title in (
            ("degraded", "synthetic input"), ("clean", "its truth"), ("target", "real input, simulated"),
            ("reference", "its reference"),
        )
    ]  # fmt: skip
    return f'<div class="ex-given"><h4>Given</h4><div class="ex-pairs">{"".join(figures)}</div></div>'


def _variants(variants: dict[str, str]) -> str:
    heads = _heads(variants)
    rows = "".join(
        f'<figure><div class="ex-picture" role="img" aria-label="restored {kind} picture, {html.escape(title)}"'
        f' data-picture="{name} {key}"></div><figcaption>restored {kind} <span data-text="{name} {key}"></span>'
        "</figcaption></figure>"
        for key, kind in (("source", "synthetic"), ("target", "real"))
        for name, title in variants.items()
    )
    return f'<div class="ex-grid">{heads}{rows}</div>'


def _stages(microscope: MicroscopeRecording) -> str:
    cells = []
    for name, title in microscope.variants.items():
        numbers = microscope.meters[name].stage.astype(int)
        strip = "".join(f'<span data-is="{each}">{NAMES[each]}</span>' for each in numbers)
        boxes = "".join(f"<span>{each}</span>" for each in NAMES.values())
        cells.append(
            f'<div style="--line: {COLOURS[name]}"><small>{html.escape(title)}</small><div class="ex-stage" role="img"'
            f' data-stage="{name}">{boxes}</div>'
            f'<div class="ex-strip" aria-hidden="true" data-strip="{name}">{strip}</div></div>'
        )
    return filled("explain-stages.html", read=f"{READ:.0%}", ignored=f"{IGNORED:.0%}", cells="".join(cells))


def _charts(variants: dict[str, str]) -> str:
    keys = "".join(
        f'<span><i style="--line: {COLOURS[name]}"></i>{html.escape(title)}</span>' for name, title in variants.items()
    )
    return filled("explain-charts.html", keys=keys)


def _meters(variants: dict[str, str]) -> str:
    rows = [
        '<h4 class="ex-name">Meters at this step</h4>',
        _heads(variants),
    ]
    for meter, text in METERS.items():
        rows.append(f'<span class="ex-name">{text}</span>')
        rows += [
            f'<div class="ex-meter" style="--line: {COLOURS[name]}" data-meter="{name} {meter}"><i></i>'
            f"<span></span></div>"
            for name in variants
        ]
    return f'<h3>What the diffusion network reads</h3><div class="ex-meters">{"".join(rows)}</div>'


def _account(microscope: MicroscopeRecording) -> str:
    lines = "".join(
        f"<li><b>{html.escape(title)}</b>: {_course(microscope, name)}</li>"
        for name, title in microscope.variants.items()
    )
    return filled("explain-account.html", lines=lines, reading=_reading(microscope))


def _course(microscope: MicroscopeRecording, variant: str) -> str:
    """What the meters of a variant did, in words and numbers."""
    table = microscope.meters[variant]
    first, last, best = table.iloc[0], table.iloc[-1], table.loc[table.target_psnr.idxmax()]
    third = table.step[table.stage == 3]
    stage = f"stage III from step {third.iloc[0]:.0f}" if len(third) else "never in stage III"
    return (
        f"{stage}; at the end another image in place of the synthetic condition multiplies the error by"
        f" {1 + last.source_rise:.1f}. Restored real photographs: {first.target_psnr:.1f} dB at the start,"
        f" {best.target_psnr:.1f} at best (step {best.step:.0f}), {last.target_psnr:.1f} at the end; of the fine"
        f" detail {_percent(first.detail)} is kept at the start, {_percent(last.detail)} at the end."
    )


def _reading(microscope: MicroscopeRecording) -> str:
    """What follows from the recording that ships; its test holds these sentences against the numbers."""
    ceiling = next(iter(microscope.provenance["variants"].values()))["noise_space"]["ceiling"]
    return filled("explain-reading.html", ceiling=f"{ceiling:g}")


def _switches(microscope: MicroscopeRecording, conditions: ConditionRecording) -> str:
    variants = microscope.variants
    networks = _radios("variant", {name: html.escape(title) for name, title in variants.items()}, list(variants)[-1])
    orders = _radios("order", {"0": "synthetic first", "1": "real first (swapped)"}, "0")
    patches = conditions.provenance["measured"]["patches"]
    return filled(
        "explain-switches.html",
        networks=networks,
        orders=orders,
        source=_radios("source", _CHOICES, CHOICES[0]),
        target=_radios("target", _CHOICES, CHOICES[0]),
        noised=_still(conditions.shared["noised"], "noised clean picture"),
        predicted=_canvas("predicted", "predicted noise"),
        noise=_still(conditions.shared["noise"], "true noise", "rest"),
        error=_canvas("error", "error of the prediction"),
        timestep=TIMESTEP,
        patches=patches,
    )


def _quality(conditions: ConditionRecording) -> str:
    table = conditions.quality
    levels, total = sorted(set(table.level)), table[table.band == "all"].set_index("level")["mean"]
    first, last = (total.loc[level] for level in (levels[0], levels[-1]))
    return filled(
        "explain-quality.html",
        last_level=len(levels) - 1,
        first=f"{first:.4f}",
        last=f"{last:.4f}",
        strongest=f"{levels[-1]:g}",
        images=int(table.images.iloc[0]),
        clean=_still(conditions.shared["clean"], "clean picture"),
        predicted=_canvas("quality predicted", "predicted noise"),
        error=_canvas("quality error", "error of the prediction"),
        timestep=TIMESTEP,
    )


def _more(microscope: MicroscopeRecording, conditions: ConditionRecording, notebooks: Sequence[str]) -> str:
    links = "".join(
        f'<li><a href="#" data-notebook="{name}" aria-label="Download the notebook {name}">{name}</a>: {text}</li>'
        if name in notebooks
        else f"<li><code>notebooks/{name}</code>: {text}</li>"
        for name, text in NOTEBOOKS.items()
    )
    runs = "; ".join(
        f"{html.escape(facts['title'])}: recipe {html.escape(facts['recipe'])}, seed {facts['seed']}, commit"
        f" {html.escape(str((facts['provenance'] or {}).get('commit')))}"
        for facts in microscope.provenance["variants"].values()
    )
    critic = conditions.provenance["critic"]
    commit, measured = (critic["provenance"] or {}).get("commit"), microscope.provenance["measured"]
    return filled(
        "explain-more.html",
        links=links,
        runs=runs,
        recipe=html.escape(critic["recipe"]),
        seed=critic["seed"],
        commit=html.escape(str(commit)),
        patches=measured["patches"],
    )


def _heads(variants: dict[str, str]) -> str:
    return "".join(f'<h4 style="--line: {COLOURS[name]}">{html.escape(title)}</h4>' for name, title in variants.items())


def _radios(name: str, choices: dict[str, str], chosen: str) -> str:
    return "".join(
        f'<label><input type="radio" name="ex-{name}" data-control="{name}" value="{value}"'
        f"{' checked' if value == chosen else ''}>{text}</label>"
        for value, text in choices.items()
    )


def _still(pixels: np.ndarray, title: str, place: str = "first") -> str:
    return (
        f'<figure data-place="{place}"><img class="ex-picture" src="{data_url(pixels)}" alt="{title}">'
        f"<figcaption>{title}</figcaption></figure>"
    )


def _canvas(name: str, title: str) -> str:
    return f'<canvas role="img" aria-label="{title}" data-canvas="{name}" width="1" height="1"></canvas>'


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
