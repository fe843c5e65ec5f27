"""Pieces of the Compare tab's page: texts, scripts, the list of samples."""

from __future__ import annotations

import html
import io
import json
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image as PillowImage

from apps.assets import asset, filled, picture
from apps.pictures import data_url
from apps.restorers import Choice
from apps.samples import SIGMA, thumbnails
from workbench.tabular import as_html

EXAMPLE = "example.json", "example.webp"
"""What the first screen shows before any click; made by `workbench package example`."""
STOPPED = '<p role="status">Stopped. What is shown below is of the time before.</p>'


def welcome() -> str:
    """The first screen: what vanilla and adapted are, and a recorded comparison."""
    facts, strip = json.loads(asset(EXAMPLE[0])), PillowImage.open(io.BytesIO(picture(EXAMPLE[1])))
    side, figures = strip.height, []
    for number, title in enumerate(facts["titles"]):
        pixels = np.asarray(strip.crop((number * side, 0, (number + 1) * side, side)).convert("RGB"))
        psnr = f" {facts['psnr'][title]:.2f} dB" if title in facts["psnr"] else ""
        figures.append(
            f'<figure><div class="wb-window"><img src="{data_url(pixels)}" alt="{html.escape(title)}"></div>'
            f"<figcaption><b>{html.escape(title)}</b>{psnr}</figcaption></figure>"
        )
    untrained = facts["psnr"]["non-local means"]
    ahead = untrained > max(facts["psnr"][title] for title in ("vanilla", "guarded"))
    place = "ahead of both" if ahead else "behind the guarded one"
    classical = (
        f"Non-local means, of 2005 and without any training, is {place} here ({untrained:.2f} dB); it is among the"
        " restorers to choose from."
    )
    return filled(
        "welcome.html", views=len(figures), figures="".join(figures), photo=html.escape(facts["photo"]),
        classical=classical,
    )  # fmt: skip


def sample_list() -> str:
    """The samples as two rows of buttons."""
    rows = []
    for simulated, heading in (
        (True, "Samples: simulated camera, at night"),
        (False, f"Samples: clean, AWGN {SIGMA} is added"),
    ):
        buttons = "".join(
            f'<button type="button" data-simulated="{"yes" if simulated else "no"}" data-index="{index}"'
            f' aria-label="Compare the sample {html.escape(name)}" title="{html.escape(name)}">'
            f'<img src="{address}" alt=""></button>'
            for index, (name, address) in enumerate(thumbnails(simulated).items())
        )
        rows.append(f'<p>{heading}</p><div class="wb-row">{buttons}</div>')
    return f'<div class="wb-samples">{"".join(rows)}</div>'


def failures(reasons: Mapping[str, str]) -> str:
    """The files that could not be restored, and why."""
    told = [(html.escape(name), html.escape(reason.removeprefix(f"{name}: "))) for name, reason in reasons.items()]
    table = as_html([(), *told], f"{len(reasons)} could not be restored", {1: "wb-text"})
    return f'<div class="wb-table wb-failed" role="status">{table}</div>'


def cards(choices: Sequence[Choice]) -> str:
    """What restorers were trained on, as their cards tell."""
    if not choices:
        return '<p class="wb-hint">No restorer is chosen.</p>'
    return "".join(
        f"<h4>{html.escape(choice.label)}</h4><dl class='wb-facts'>"
        + "".join(f"<dt>{html.escape(key)}</dt><dd>{html.escape(text)}</dd>" for key, text in choice.facts.items())
        + "</dl>"
        for choice in choices
    )
