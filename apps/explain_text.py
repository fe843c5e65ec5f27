"""What the Explain tab says: its markup and captions; every number in them is taken from the recordings."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from apps.pictures import data_url
from workbench.diagnostics.condition_recording import CHOICES, CORRUPTION, ConditionRecording
from workbench.diagnostics.microscope import TIMESTEP
from workbench.diagnostics.recording import Recording
from workbench.probes.stages import IGNORED, NAMES, READ

NOTEBOOKS = {
    "01_condition_quality.ipynb": "why a diffusion network can be a critic",
    "02_the_shortcut.ipynb": "train and probe the shortcut yourself",
    "03_ablations.ipynb": "what shuffle, swap and the conditions are worth",
    "07_training_dynamics.ipynb": "what the curves of a training look like",
    "09_failure_cases.ipynb": "where it goes wrong",
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
_COLOURS = {"nothing": "#d55e00", "cs": "#0072b2", "cs-rs": "#009e73"}
_CHOICES = dict(zip(CHOICES, ("as it is", f"corrupted (AWGN {CORRUPTION:g})", "another image's", "blank"), strict=True))


def head_start(recording: Recording) -> int:
    """Steps that the diffusion network trains alone before the restorer moves."""
    return int(next(iter(recording.provenance["variants"].values()))["noise_space"]["head_start"])


def page(microscope: Recording, conditions: ConditionRecording, notebooks: Sequence[str] = ()) -> str:
    """The tab as HTML, without the pictures and numbers that move.

    Parameters
    ----------
    microscope : Recording
    conditions : ConditionRecording
    notebooks : sequence of str
        Those of `NOTEBOOKS` that can be downloaded.
    """
    variants = microscope.variants
    return f"""<div class="ex">
<h3>The shortcut, under the microscope</h3>
<p>A restorer learns from <b>synthetic</b> pairs: clean pictures with noise added. It is to work on <b>real</b>
photographs, here those of a <i>simulated camera</i>. A small diffusion network helps: it is shown a noised clean
picture and must guess that noise, with two hints, its <b>conditions</b>: the restored synthetic picture and a restored
real one. The better the hints, the better its guess; so its error tells the restorer what to improve, on real
photographs too.
The trap is a <b>shortcut</b>: only the synthetic hint shows the very picture that was noised. A network that finds out
which one that is can disregard the other.</p>
<p>Two means against it: <b>channel shuffle</b> (CS) gives the hints in random order; <b>residual swap</b> (RS) also
shows hints whose residuals (what the restorer changed) are exchanged, and wants the guess to be worse with those. Move
the slider and watch a training without them, with CS, and with both.</p>
<p class="ex-waiting" role="status" data-text="waiting">Fetching the recording …</p>
<div class="ex-body">
{_time(microscope)}
<div class="ex-scene">{_given(microscope)}{_variants(variants)}</div>
<p class="ex-quiet">PSNR is the mean over {microscope.provenance["measured"]["patches"]} held-out patches; the pictures
are one more, of a place with much texture.</p>
{_stages(microscope)}
{_charts(variants)}
{_meters(variants)}
{_account(microscope)}
{_switches(microscope, conditions)}
{_quality(conditions)}
{_more(microscope, conditions, notebooks)}
</div></div>"""


def _time(microscope: Recording) -> str:
    last = len(microscope.steps) - 1
    return f"""<div class="ex-bar"><button type="button" class="ex-play" data-control="play">Play</button>
<b data-text="step"></b><input type="range" min="0" max="{last}" value="{last}" step="1" data-control="step"
aria-label="Training step"><span class="ex-quiet" data-text="phase"></span></div>"""


def _given(microscope: Recording) -> str:
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


def _stages(microscope: Recording) -> str:
    cells = []
    for name, title in microscope.variants.items():
        numbers = microscope.meters[name].stage.astype(int)
        strip = "".join(f'<span data-is="{each}">{NAMES[each]}</span>' for each in numbers)
        boxes = "".join(f"<span>{each}</span>" for each in NAMES.values())
        cells.append(
            f'<div style="--line: {_COLOURS[name]}"><small>{html.escape(title)}</small><div class="ex-stage" role="img"'
            f' data-stage="{name}">{boxes}</div>'
            f'<div class="ex-strip" aria-hidden="true" data-strip="{name}">{strip}</div></div>'
        )
    return f"""<h3>Stage of the shortcut</h3>
<p>I: the network cannot yet use the synthetic condition. II: it can, and still looks at the real one too. III: the
synthetic condition is all that it looks at. The words are the paper's, the measure is ours: I while another image in
place of the synthetic condition raises the error by less than {READ:.0%}; III when replacing the real one changes the
prediction less than {IGNORED:.0%} as much as replacing the synthetic one does. Below each: all steps in a row.</p>
<div class="ex-thirds">{"".join(cells)}</div>"""


def _charts(variants: dict[str, str]) -> str:
    keys = "".join(
        f'<span><i style="--line: {_COLOURS[name]}"></i>{html.escape(title)}</span>' for name, title in variants.items()
    )
    return f"""<div class="ex-charts"><figure><h4>Spectrum of restored real photographs</h4>
<svg role="img" aria-label="Power by spatial frequency of restored real photographs at this step"
data-chart="spectrum"></svg><figcaption>Fine structure is at the right. Above the reference: noise is left; below:
detail is lost.</figcaption></figure>
<figure><h4>Restored real photographs against their references</h4>
<svg role="img" aria-label="PSNR of restored real photographs by training step" data-chart="history"></svg>
<figcaption>PSNR; more is better. Known here because the camera is simulated; training never sees the
references.</figcaption></figure></div>
<div class="ex-key">{keys}<span><i class="dotted" style="--line: #888"></i>the photographs themselves</span>
<span><i class="dashed" style="--line: currentColor"></i>their references</span></div>"""


def _meters(variants: dict[str, str]) -> str:
    rows = [
        '<h4 class="ex-name">Meters at this step</h4>',
        _heads(variants),
    ]
    for meter, text in METERS.items():
        rows.append(f'<span class="ex-name">{text}</span>')
        rows += [
            f'<div class="ex-meter" style="--line: {_COLOURS[name]}" data-meter="{name} {meter}"><i></i>'
            f"<span></span></div>"
            for name in variants
        ]
    return f'<h3>What the diffusion network reads</h3><div class="ex-meters">{"".join(rows)}</div>'


def _account(microscope: Recording) -> str:
    lines = "".join(
        f"<li><b>{html.escape(title)}</b>: {_course(microscope, name)}</li>"
        for name, title in microscope.variants.items()
    )
    return f"""<h3>What the paper tells, and what happens here</h3>
<div class="ex-told"><b>The paper's account</b> (Liao et al., ICLR 2025, Sec. 3.1): without the two means the
diffusion network ends by looking at the synthetic condition alone, and the restorer learns to corrupt the fine detail
of real photographs; CS and RS prevent this.</div>
<div class="ex-told"><b>This recording</b>, small networks and minutes of training:<ul>{lines}</ul>
{_reading(microscope)}</div>"""


def _course(microscope: Recording, variant: str) -> str:
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


def _reading(microscope: Recording) -> str:
    """What follows from the recording that ships; its test holds these sentences against the numbers."""
    ceiling = next(iter(microscope.provenance["variants"].values()))["noise_space"]["ceiling"]
    return f"""<p>So the shortcut is there: without shuffle and swap the network soon goes by order and by the synthetic
condition. But it does <b>not</b> destroy real photographs here; they keep the most detail and the most noise, as the
network hardly looks at them. It is with <b>shuffle alone</b> that they are smoothed until they are worse than at the
start. Residual swap slows that, and does not stop it: the best step lies well before the end. Part of the reason is
the strength: the diffusion loss has a ceiling of {ceiling:g} here, to make its effect visible. How long and how
strongly to adapt decides as much as the two means do.</p>"""


def _switches(microscope: Recording, conditions: ConditionRecording) -> str:
    variants = microscope.variants
    networks = _radios("variant", {name: html.escape(title) for name, title in variants.items()}, list(variants)[-1])
    orders = _radios("order", {"0": "synthetic first", "1": "real first (swapped)"}, "0")
    patches = conditions.provenance["measured"]["patches"]
    return f"""<h3>Switch the conditions</h3>
<p>At the step of the slider: give the diffusion network another hint and see what it guesses. If the error stays, the
hint was not used. If it rises for <i>corrupted</i> or <i>blank</i>, the network at least looks at it; if it rises for
<i>another image's</i>, the network used what the picture shows.</p>
<div class="ex-switches"><fieldset><legend>Trained with</legend>{networks}</fieldset>
<fieldset><legend>Order</legend>{orders}</fieldset>
<fieldset><legend>Synthetic condition</legend>{_radios("source", _CHOICES, CHOICES[0])}</fieldset>
<fieldset><legend>Real condition</legend>{_radios("target", _CHOICES, CHOICES[0])}</fieldset></div>
<div class="ex-row" data-order>
{_still(conditions.shared["noised"], "noised clean picture")}
<figure data-place="source"><div class="ex-picture" role="img" aria-label="synthetic condition as shown"
data-picture="condition source"></div><figcaption>synthetic condition</figcaption></figure>
<figure data-place="target"><div class="ex-picture" role="img" aria-label="real condition as shown"
data-picture="condition target"></div><figcaption>real condition</figcaption></figure>
<figure data-place="rest">{_canvas("predicted", "predicted noise")}<figcaption>predicted noise</figcaption></figure>
{_still(conditions.shared["noise"], "true noise", "rest")}
<figure data-place="rest">{_canvas("error", "error of the prediction")}<figcaption>error, contrast doubled; even grey
is none</figcaption></figure></div>
<p class="ex-quiet">Shown first to the network: the <span data-text="first"></span> condition.</p>
<div class="ex-numbers"><span>Error as it was</span><div class="ex-meter"><i data-bar="base"></i></div>
<b data-text="base"></b><span>Error with these conditions</span><div class="ex-meter"><i data-bar="error"></i></div>
<b data-text="error"></b></div>
<p aria-live="polite">Change: <b data-text="rise"></b></p>
<p class="ex-quiet">Mean squared error at diffusion step {TIMESTEP} over {patches} held-out patches; the pictures show
another one. The network trained without shuffle has never met <i>real first</i>.</p>"""


def _quality(conditions: ConditionRecording) -> str:
    table = conditions.quality
    levels, total = sorted(set(table.level)), table[table.band == "all"].set_index("level")["mean"]
    first, last = (total.loc[level] for level in (levels[0], levels[-1]))
    return f"""<h3>Why it can work: a better condition, a better guess</h3>
<p>Another diffusion network, with one condition only: a copy of the very picture that was noised, made worse by noise
of the sigma below. The cleaner the copy, the better the guess. Turned around, a network that guesses well asks the
restorer for clean pictures: that is the idea behind the method.</p>
<div class="ex-bar ex-own"><b data-text="sigma"></b><input type="range" min="0" max="{len(levels) - 1}" value="0"
step="1" data-control="sigma" aria-label="Noise sigma of the condition"></div>
<div class="ex-quality"><figure><svg role="img" data-chart="quality"
aria-label="Noise-prediction error against the noise of the condition"></svg>
<figcaption>Error over all diffusion steps: {first:.4f} with a clean condition, {last:.4f} at sigma {levels[-1]:g};
band: 95 % interval of the mean over {int(table.images.iloc[0])} patches. The same experiment as Fig. 1(a) of Liao et
al., with our small network and pictures; their numbers are others.</figcaption></figure>
<div><div class="ex-row">{_still(conditions.shared["clean"], "clean picture")}
<figure><div class="ex-picture" role="img" aria-label="condition of this sigma"
data-picture="quality"></div><figcaption>condition</figcaption></figure>
<figure>{_canvas("quality predicted", "predicted noise")}<figcaption>predicted noise</figcaption></figure>
<figure>{_canvas("quality error", "error of the prediction")}<figcaption>error, contrast doubled</figcaption></figure>
</div>
<p aria-live="polite">Error: <b data-text="quality"></b>; of this picture at diffusion step {TIMESTEP}:
<span data-text="quality picture"></span></p></div></div>"""


def _more(microscope: Recording, conditions: ConditionRecording, notebooks: Sequence[str]) -> str:
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
    return f"""<h3>Go on</h3><ul>{links}</ul><p><code>make notebooks</code> opens them.</p>
<p class="ex-quiet">One training each, so no more than an example. {runs}; 1(a): recipe
{html.escape(critic["recipe"])}, seed {critic["seed"]}, commit {html.escape(str(commit))}. Measured on
{measured["patches"]} held-out patches, simulated camera. Record anew:
<code>python benchmarks/microscope.py</code>.</p>"""


def _heads(variants: dict[str, str]) -> str:
    return "".join(
        f'<h4 style="--line: {_COLOURS[name]}">{html.escape(title)}</h4>' for name, title in variants.items()
    )


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
