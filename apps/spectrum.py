"""The radially averaged spectrum of a picture, for looking at; nothing is judged by it."""

from __future__ import annotations

from plotly.graph_objects import Figure

from apps.comparison import INPUT, REFERENCE, Comparison
from workbench import colours
from workbench.probes.spectra import radial_spectrum

_GREYS = {INPUT: "#999999", REFERENCE: "#888888"}
"""Seen on light and on dark alike."""
_SPARE = ("#cc79a7", "#56b4e9", "#d55e00", "#009e73")
"""Of restorers that have no colour of their own, or one that is not seen on dark."""


def plot(comparison: Comparison) -> Figure | None:
    """The spectra of all views of a comparison as a figure; None for very small pictures."""
    figure, spare = Figure(), iter(_SPARE)
    for title, view in comparison.views.items():
        if (spectrum := radial_spectrum(view.pixels)) is None:
            return None
        frequency, power = spectrum
        ink = _GREYS.get(title, colours.colour(title))
        if ink in (colours.OTHER, colours.REFERENCE):
            ink = next(spare)
        line = {"color": ink, "width": 2, "dash": "dot" if title == REFERENCE else "solid"}
        figure.add_scatter(x=frequency, y=power, name=title, mode="lines", line=line)
    axis = {"gridcolor": "rgba(128,128,128,0.25)", "zeroline": False}
    figure.update_layout(
        height=340, margin={"l": 60, "r": 10, "t": 40, "b": 50}, hovermode="x unified", showlegend=True,
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", font={"family": "sans-serif"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"}, hoverlabel={"font": {"color": "#333"}},
        xaxis={**axis, "title": "frequency / cycles per pixel", "range": [0, 0.5], "hoverformat": ".3f"},
        yaxis={**axis, "title": "power / dB", "hoverformat": ".1f"},
    )  # fmt: skip
    return figure
