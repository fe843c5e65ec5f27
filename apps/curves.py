"""Curves of several runs as one figure, small enough to be sent while they grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
import numpy as np

from workbench.runs.events import EventReader, smoothed, thinned

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SCRIPT = Path(find_spec("plotly").origin).parent / "package_data" / "plotly.min.js"
"""Draws figures in the browser; the one file outside of uploads and results that the app serves."""
STEPS, HOURS = "steps", "hours"
THROUGHPUT = "time/steps_per_second"
"""Made of what is logged, ``time/seconds_per_step``."""
MOST_POINTS = 24_000
"""Points of all curves of a figure together, and at least 100 of each."""
# Okabe and Ito's palette, which the colour-blind can tell apart, on light and dark alike
LIBRARY = f"""<script>
setTimeout(() => requestIdleCallback(() => {{
    document.head.append(Object.assign(document.createElement('script'), {{src: 'gradio_api/file={SCRIPT}'}}));
}}, {{timeout: 2000}}), 1000);
</script>"""
"""Head of the page, which gradio fills in once it has loaded. The script takes a second to run; so it is spent while
somebody looks at the first tab."""
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999")
_DASHES = ("solid", "dash", "dot", "dashdot")
_FIRST = ("loss/", "dial/", "validation/", "reliance/")
_UNITS = {"psnr": "dB", "seconds_per_step": "s", "seconds_per_validation": "s", "steps_per_second": "1/s"}


def plot_box(elem_id: str, label: str) -> gr.HTML:
    """The place of a figure, which the browser draws by ``draw.js``: gr.Plot would draw every update anew, and lose the
    zoom with it."""
    return gr.HTML(f'<div class="wb-plot" role="group" aria-label="{label}"></div>', elem_id=elem_id)


def curve_names(readers: Sequence[EventReader]) -> list[str]:
    """The curves that any of the runs has: losses, dials, validation and reliance before the rest."""
    names = {tag for reader in readers for tag in reader.tags}
    if "time/seconds_per_step" in names:
        names.add(THROUGHPUT)
    order = {prefix: place for place, prefix in enumerate(_FIRST)}
    return sorted(names, key=lambda name: (order.get(name.partition("/")[0] + "/", len(_FIRST)), name))


def first_curves(names: Sequence[str]) -> list[str]:
    """What to begin with: losses, dials such as the diffusion weight, validation, reliance, throughput."""
    return [name for name in names if name.startswith(_FIRST) or name == THROUGHPUT]


def curve_title(name: str) -> str:
    """What a curve is called in the figure, with its unit."""
    unit = next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")
    text = name.partition("/")[2] if name.startswith(("validation/", "time/", "dial/")) else name.replace("/", ": ")
    return text.replace("_", " ").replace("psnr", "PSNR") + (f" / {unit}" if unit else "")


def figure(
    runs: dict[str, EventReader], names: Sequence[str], *, smoothing: float, log: bool, axis: str, columns: int,
    slots: Mapping[str, int] | None = None,
) -> Figure:  # fmt: skip
    """Draw curves, a small diagram for each.

    Parameters
    ----------
    runs : dict of str to EventReader
        By the runs' names.
    names : sequence of str
        Of `curve_names`.
    smoothing : float
        Weight of the moving average, in [0, 1).
    log : bool
        Logarithmic values.
    axis : {"steps", "hours"}
        Hours count from a run's first event.
    columns : int
    slots : mapping of str to int, optional
        Which colour and dash a run has; by the order of ``runs`` if not given.
    """
    from plotly.subplots import make_subplots

    rows = max(1, -(-len(names) // columns))
    drawn = make_subplots(
        rows, columns, subplot_titles=[curve_title(name) for name in names], horizontal_spacing=0.08,
        vertical_spacing=min(0.3, 55 / (250 * rows)),
    )  # fmt: skip
    points = max(100, MOST_POINTS // max(1, len(runs) * len(names)))
    few = len(runs) * len(names) <= 24
    slots = slots or {run: number for number, run in enumerate(runs)}
    told = set()
    for place, name in enumerate(names):
        where = {"row": place // columns + 1, "col": place % columns + 1}
        for run, reader in runs.items():
            x, y = _curve(reader, name, axis)
            if not len(x):
                continue
            style = {
                "color": COLOURS[slots[run] % len(COLOURS)], "width": 1.8,
                "dash": _DASHES[slots[run] // len(COLOURS) % len(_DASHES)],
            }  # fmt: skip
            smooth = smoothed(y, smoothing)
            if smoothing and few:
                kept = thinned(x, y, points)
                drawn.add_scatter(
                    x=_lean(x[kept]), y=_lean(y[kept]), mode="lines", line=style | {"width": 1}, opacity=0.25,
                    showlegend=False, legendgroup=run, hoverinfo="skip", **where,
                )  # fmt: skip
            kept = thinned(x, smooth, points)
            drawn.add_scatter(
                x=_lean(x[kept]), y=_lean(smooth[kept]), name=run, legendgroup=run, showlegend=run not in told,
                mode="lines" if len(kept) > 1 else "markers", line=style, **where,
            )  # fmt: skip
            told.add(run)
        # A zoom stays through updates, until another curve has the place or other units.
        drawn.update_xaxes(uirevision=f"{name} {axis}", **where)
        drawn.update_yaxes(uirevision=f"{name} {log}", **where)
    grid = {"gridcolor": "rgba(128,128,128,0.25)", "zeroline": False}
    drawn.update_xaxes(**grid, hoverformat="d" if axis == STEPS else ".3f", title_text=None)
    drawn.update_yaxes(**grid, hoverformat=".5g", type="log" if log else "linear")
    if not told:
        drawn.update_xaxes(visible=False)
        drawn.update_yaxes(visible=False)
    drawn.update_layout(
        height=60 + 250 * rows, margin={"l": 50, "r": 10, "t": 60, "b": 30}, showlegend=len(runs) > 1,
        hovermode="x unified" if len(runs) <= 8 else "closest", hoverlabel={"font": {"color": "#333"}},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", font={"family": "sans-serif"},
        # A list at the side scrolls; above, it would cover the diagrams.
        legend={"orientation": "h", "y": 1 + 30 / (60 + 250 * rows), "yanchor": "bottom"} if len(runs) <= 12 else {},
        uirevision="runs that are hidden in the legend stay so",
    )  # fmt: skip
    return drawn


def _curve(reader: EventReader, name: str, axis: str) -> tuple[np.ndarray, np.ndarray]:
    logged = "time/seconds_per_step" if name == THROUGHPUT else name
    steps, values, times = reader.series(logged)
    if name == THROUGHPUT:
        values = 1 / np.maximum(values, 1e-9)
    if axis == STEPS or not len(times):
        return steps, values
    begin = min(reader.series(tag)[2][0] for tag in reader.tags)
    return (times - begin) / 3600, values


def _lean(numbers: np.ndarray) -> np.ndarray:
    """Numbers in half the bytes, exact enough for a screen."""
    return numbers.astype(np.int32 if numbers.dtype.kind == "i" else np.float32)
