"""What a comparison comes to: means over the photographs, and in words which restorer did better."""

from __future__ import annotations

import html
from statistics import fmean

from apps.comparison import INPUT, REFERENCE, Comparison, Job

SAME = 0.1
"""Differences of PSNR, in dB, that are too small to be called better."""


def means(job: Job) -> dict[str, float]:
    """Mean PSNR, in dB, of the input and of each restorer over the photographs that have a reference."""
    measured = _measured(job)
    return {
        title: fmean(comparison.views[title].scores["psnr"] for comparison in measured)
        for title in (measured[0].views if measured else ())
        if title != REFERENCE
    }


def words(job: Job) -> str:
    """The comparison of the restorers in two sentences."""
    measured, mean = _measured(job), means(job)
    if not measured:
        return (
            "Without a clean twin no number says which result is better: look for detail that is lost and noise that is"
            " left, or vote blind."
        )
    restored = sorted((title for title in mean if title != INPUT), key=mean.get, reverse=True)
    count = f"over {len(measured)} photos with a reference" if len(measured) > 1 else "on this photo"
    shares = ", ".join(f"{title} {mean[title]:.2f}" for title in [INPUT, *restored])
    text = f"{'Mean PSNR' if len(measured) > 1 else 'PSNR'} in dB {count}: {shares}."
    if len(restored) < 2:
        gain = mean[restored[0]] - mean[INPUT]
        verb = "changes hardly anything" if abs(gain) < SAME else "helps" if gain > 0 else "does harm"
        return f"{restored[0]} {verb} ({gain:+.2f} dB over the input). {text}"
    best, second = restored[:2]
    if mean[best] <= mean[INPUT]:
        return f"No restorer helps: the input is the closest to the reference. {text}"
    lead = mean[best] - mean[second]
    if lead < SAME:
        return f"{best} and {second} are level ({lead:.2f} dB apart). {text}"
    ahead = sum(one.views[best].scores["psnr"] > one.views[second].scores["psnr"] for one in measured)
    times = f", ahead on {ahead} of {len(measured)}" if len(measured) > 1 else ""
    return f"{best} is closest to the reference, {lead:.2f} dB before {second}{times}. {text}"


def as_html(job: Job) -> str:
    """The same for the page."""
    return f'<p class="wb-verdict" role="status">{html.escape(words(job))}</p>'


def _measured(job: Job) -> list[Comparison]:
    """The photographs that have a PSNR for every view."""
    return [
        comparison
        for comparison in job.comparisons
        if REFERENCE in comparison.views
        and all(view.scores["psnr"] is not None for title, view in comparison.views.items() if title != REFERENCE)
    ]
