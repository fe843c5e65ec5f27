"""The radially averaged spectrum of a picture, for looking at; nothing is judged by it."""

from __future__ import annotations

from plotly.graph_objects import Figure

from apps.comparison import REFERENCE, Comparison
from workbench.probes.spectra import radial_spectrum

# Okabe and Ito's palette, which the colour-blind can tell apart, on light and dark alike
_COLOURS = ("#999999", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00")


def plot(comparison: Comparison) -> Figure | None:
    """The spectra of all views of a comparison as a figure; None for very small pictures."""
    figure = Figure()
    for (title, view), colour in zip(comparison.views.items(), _COLOURS, strict=False):
        if (spectrum := radial_spectrum(view.pixels)) is None:
            return None
        frequency, power = spectrum
        line = {"color": colour, "width": 2, "dash": "dot" if title == REFERENCE else "solid"}
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
