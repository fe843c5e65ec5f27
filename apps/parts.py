"""Pieces of the Compare tab's page: texts, scripts, the list of samples."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from apps.pictures import data_url
from apps.restorers import Choice
from apps.samples import SIGMA, samples

STOPPED = '<p role="status">Stopped. What is shown below is of the time before.</p>'


def sample_list() -> str:
    """The samples as two rows of buttons."""
    rows = []
    for simulated, heading in ((True, "Samples: simulated camera"), (False, f"Samples: clean, AWGN {SIGMA} is added")):
        buttons = "".join(
            f'<button type="button" data-simulated="{"yes" if simulated else "no"}" data-index="{index}"'
            f' aria-label="Compare the sample {html.escape(sample.name)}" title="{html.escape(sample.name)}">'
            f'<img src="{data_url(sample.thumbnail)}" alt=""></button>'
            for index, sample in enumerate(samples(simulated))
        )
        rows.append(f'<p>{heading}</p><div class="wb-row">{buttons}</div>')
    return f'<div class="wb-samples">{"".join(rows)}</div>'


def failures(reasons: Mapping[str, str]) -> str:
    """The files that could not be restored, and why."""
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        f'<td class="wb-text">{html.escape(reason.removeprefix(f"{name}: "))}</td></tr>'
        for name, reason in reasons.items()
    )
    return (
        f'<div class="wb-table wb-failed" role="status"><table><caption>{len(reasons)} could not be restored</caption>'
        f"<tbody>{rows}</tbody></table></div>"
    )


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
