"""Restoring by sampling, step by step: every picture on the way, the same without its noise, and another seed's."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
import numpy as np

from apps import restorers
from apps.comparison import INPUT, REFERENCE, Job
from apps.degrading import Degradation
from apps.messages import toasts
from apps.pictures import Crop, data_url, difference, to_8_bits
from apps.reading import read_photo
from apps.restorers import Choice
from apps.samples import samples, thumbnails
from workbench.errors import WorkbenchError
from workbench.images import to_float
from workbench.restorers import names

if TYPE_CHECKING:
    from workbench.probes.sampling import Stop
    from workbench.restorers import Restorer

GAIN = 5
MOST_STOPS = 8
"""More pictures than these do not fit the page: evenly spaced ones are shown."""
SIDE = 144
_DEGRADATIONS = {"Noise of sigma 25": "awgn", "Rain streaks": "rain-streaks"}
_CAPTION = (
    "First row: the picture as the networks see it. Second: the same with its noise subtracted, the noise that was"
    " added or, in the noise stage, the predicted one: what has been restored so far. Third: that of seed {seed} less"
    f" that of seed {{next}}, times {GAIN}; grey is no difference."
)


def choices(known: list[Choice]) -> list[Choice]:
    """Those that sample."""
    return [each for each in known if names.samples(each.card["kind"])]


def film(restorer: Restorer, degraded: np.ndarray, reference: np.ndarray | None = None) -> str:
    """What a restorer that samples goes through, for its seed and the next one, as HTML.

    Parameters
    ----------
    restorer : Restorer
        One that samples.
    degraded, reference : ndarray, shape (H, W, 3), uint8, uint16 or floating point in [0, 1]
        With a reference the pictures without noise are measured.
    """
    from workbench.probes.sampling import stops

    seed = restorer.options.seed
    here, there = (stops(restorer.with_options({"seed": each}), degraded) for each in (seed, seed + 1))
    shown = sorted({round(place) for place in np.linspace(0, len(here) - 1, min(len(here), MOST_STOPS))})
    columns = "".join(_column(here[place], there[place], reference) for place in shown)
    left_out = f" {len(here) - len(shown)} pictures between are left out." if len(shown) < len(here) else ""
    caption = _CAPTION.format(seed=seed, next=seed + 1) + left_out
    return (
        f'<div class="wb-film" style="--stops:{len(shown)}" tabindex="0" role="group"'
        f' aria-label="Pictures along the sampling">{columns}</div><p class="wb-hint">{caption}</p>'
    )


def _column(stop: Stop, other: Stop, reference: np.ndarray | None) -> str:
    from workbench.evaluation.metrics import psnr

    plain, others = (each.state if each.without_noise is None else each.without_noise for each in (stop, other))
    stage, _, step = stop.name.partition(" ")
    title = stage if not step else f"{stage}, down to step {step}" if step != "0" else f"{stage}, done"
    closeness = "" if reference is None else f"{psnr(plain.clip(0, 1), to_float(reference), 1.0):.2f} dB"
    pictures = (
        (to_8_bits(stop.state), title),
        (to_8_bits(plain), "noise subtracted"),
        (difference(plain, others, GAIN), "difference of two seeds"),
    )
    images = [f'<img src="{data_url(pixels)}" alt="{html.escape(title)}: {what}">' for pixels, what in pictures]
    return (
        f"<div><b>{html.escape(title)}</b>{images[0]}{images[1]}<small>{closeness or '&nbsp;'}</small>{images[2]}</div>"
    )


class CropFilm:
    """In the Compare tab: the crop once more through those of its restorers that sample.

    Parameters
    ----------
    inputs : list of components
        The job, the photograph's name, and the crop's place and zoom.
    """

    def __init__(self, inputs: list):
        with gr.Accordion("Along the sampling", open=False, elem_id="sampling-box"):
            gr.Markdown(
                "What restorers that sample, such as DRDD, make of the crop step by step, and with another seed."
                " The crop is restored by itself, so that its noise is not that of the whole photo."
            )
            again = gr.Button("Show the steps of this crop", size="sm", elem_id="show-sampling")
            page = gr.HTML(elem_id="sampling")
        again.click(self.show, inputs, page, api_visibility="private", concurrency_limit=1, concurrency_id="restore")

    @toasts
    def show(self, job: Job | None, photo, x, y, zoom) -> str:
        """The films of the crop."""
        if job is None:
            raise WorkbenchError("compare something first")
        comparison = job[photo]
        views, crop = comparison.views, Crop(x / 100, y / 100, int(zoom)).window(*comparison.size)
        reference = views[REFERENCE].pixels[crop] if REFERENCE in views else None
        sampling = choices([view.choice for view in comparison.restored])
        films = [
            f"<h4>{html.escape(view.title)}</h4>"
            + film(restorers.load(view.choice), views[INPUT].pixels[crop], reference)
            for view in comparison.restored
            if view.choice in sampling
        ]
        return "".join(films) or '<p class="wb-hint">None of these restorers samples: there are no steps to show.</p>'


class SamplingPanel:
    """In the Explain tab: restorers that sample on a held-out photograph, with all that can be set.

    Parameters
    ----------
    runs : Path
        Folder of run folders; looked at whenever the page is opened.
    """

    def __init__(self, runs: Path):
        self.runs = runs
        self.photos = list(thumbnails(False))
        gr.Markdown(
            "### Residual diffusion, step by step\nDecoupled residual diffusion (DRDD) puts noise on the degraded"
            " picture; a first network takes off the *residual* (degraded less clean), a second one the noise. Others"
            " take both off together. Set steps, noise and seed, and watch the picture on its way."
        )
        with gr.Row(elem_classes="wb-choices"):
            self.restorer = gr.Dropdown(label="Restorer", min_width=180, elem_id="film-restorer")
            self.photo = gr.Dropdown(self.photos, label="Photograph", min_width=180)
            self.kind = gr.Radio(
                list(_DEGRADATIONS), value=next(iter(_DEGRADATIONS)), label="Degraded by", min_width=240
            )
        with gr.Row(elem_classes="wb-choices"):
            self.steps = gr.Slider(1, 10, 2, step=1, label="Steps a stage", min_width=220, elem_id="film-steps")
            self.seed = gr.Number(0, label="Seed", precision=0, minimum=0, min_width=90)
            self.eta = gr.Slider(0, 1, 0, step=0.1, label="Eta: noise drawn in the noise stage", min_width=220)
            self.level = gr.Number(0, label="Level of the noise; 0: as trained", minimum=0, min_width=140)
        again = gr.Button("Restore step by step", variant="primary", elem_id="film-show")
        page = gr.HTML(elem_id="film")
        private = {"api_visibility": "private", "show_progress": "hidden"}
        gr.context.Context.root_block.load(self.find, self.restorer, self.restorer, **private)
        again.click(
            self.show, [self.restorer, self.photo, self.kind, self.steps, self.seed, self.eta, self.level], page,
            api_visibility="private", concurrency_limit=1, concurrency_id="restore",
        )  # fmt: skip

    def find(self, chosen: str | None):
        """Look for restorers that sample."""
        known = [each.name for each in choices(restorers.find_restorers(self.runs)[0])]
        return gr.update(choices=known, value=chosen if chosen in known else next(iter(known), None))

    @toasts
    def show(
        self, name: str | None, photo: str, kind: str, steps: int, seed: int, eta: float, level: float | None
    ) -> str:
        """The film of a photograph's middle."""
        if name is None:
            raise WorkbenchError("choose a restorer; there are those that come with the package, and finished runs")
        (choice,) = restorers.chosen([name], restorers.find_restorers(self.runs)[0])
        restorer = restorers.load(choice)
        wanted = {"residual_steps": steps, "noise_steps": steps, "steps": steps, "seed": seed or 0, "eta": eta}
        wanted |= {"level": level} if level else {}
        there = {key: value for key, value in wanted.items() if key in type(restorer.options).model_fields}
        (whole,) = [read_photo(sample.photo).pixels for sample in samples(False) if sample.name == photo]
        height, width = whole.shape[:2]
        top, left = (height - SIDE) // 2, (width - SIDE) // 2
        clean = whole[top : top + SIDE, left : left + SIDE]
        degraded, reference = Degradation(_DEGRADATIONS[kind])(clean)
        return film(restorer.with_options(there), degraded, reference)
