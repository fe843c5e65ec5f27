"""In the Explain tab: a training of two minutes that takes the shortcut, or is kept from it, while one looks on."""

from __future__ import annotations

import html
import json
from functools import cache
from typing import TYPE_CHECKING

import gradio as gr

from apps import curves, starting
from apps.assets import asset, filled
from apps.messages import toasts
from apps.runs import duration
from workbench.errors import WorkbenchError
from workbench.recipes import Recipe, load_recipe
from workbench.runs import processes
from workbench.runs.events import EventReader
from workbench.runs.states import FINISHED, RUNNING, STOPPED, Progress, State, Watcher

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

TICK = 1.5
VARIANTS = {
    "nothing": ("without shuffle and swap", "cause", "+table4-d"),
    "cs-rs": ("with both", "cure", ""),
}
"""Title, purpose and change of the recipe, by the names that the recording of this tab has for them."""
SETTINGS = (
    "pretrained=denoise-simulated-camera-vanilla", "options.noise-space.head_start=0", "options.noise-space.ceiling=5",
    "options.noise-space.ramp_end=1", "training.max_steps=300", "training.validate_every=25",
)  # fmt: skip
"""In place of the warm start a packaged restorer; no head start, for nothing is measured in it; strong, so that what
happens is seen within few steps."""
READS, HEEDS, PSNR = "reliance/source_condition", "reliance/target_condition", "validation/target_psnr"
CURVES = {
    READS: "Error's rise by another synthetic hint",
    HEEDS: "Error's rise by another real hint",
    PSNR: "Restored real photographs: PSNR / dB",
}
_SLOTS = {"cs-rs": 0, "nothing": 1}
"""Of `apps.curves.COLOURS`: the colours that the tab has for them."""
_NARROW = 900


def live_recipe(variant: str, seed: int = 0) -> Recipe:
    """What is trained: `VARIANTS` of ``denoise-pocket`` with `SETTINGS`."""
    return load_recipe(f"denoise-pocket{VARIANTS[variant][2]}", SETTINGS, seed=seed)


@cache
def recorded() -> dict:
    """The same trainings with other seeds (``benchmarks/app_live_shortcut.py``).

    Returns
    -------
    dict
        ``curves``: by variant and curve ``steps`` and ``values``, a list a seed; ``seeds``, ``settings``, ``commit``.
    """
    return json.loads(asset("live-shortcut.json"))


class LiveShortcut:
    """The panel; to be made inside of `gradio.Blocks`.

    The trainings are runs like others, ``explain-nothing`` and ``explain-cs-rs`` in the folder of runs; all who look
    see the same ones.

    Parameters
    ----------
    watcher : Watcher
    controls : bool
        Whether runs may be started and stopped from the page.
    """

    def __init__(self, watcher: Watcher, controls: bool):
        self.watcher = watcher
        gr.Markdown(
            "### Now you: cause it, then cure it\nA small training on this machine, some two minutes on two quiet"
            f" cores; dotted, {len(recorded()['seeds'])} recorded ones with other seeds. **Look at the first curve**:"
            " how much worse the network guesses with another picture's synthetic hint. Without the two means it climbs"
            " (that hint alone is read); with both it stays low."
        )
        self.start = self.stop = None
        if controls:
            with gr.Row(elem_classes="wb-choices"):
                choices = [(f"{title}: {what} it", name) for name, (title, what, _) in VARIANTS.items()]
                self.variant = gr.Radio(
                    choices, value="nothing", label="Train", scale=3, min_width=280, elem_id="live-variant"
                )
                self.start = gr.Button("Train now", variant="primary", min_width=120, elem_id="live-start")
                self.stop = gr.Button("Stop", variant="stop", min_width=90, interactive=False, elem_id="live-stop")
        else:
            gr.HTML(starting.OFF)
        self.status = gr.HTML(elem_id="live-status")
        self.figure = gr.Textbox(visible=False)
        curves.plot_box("live-curves", "Curves of live and recorded trainings")
        self.found = gr.HTML(elem_id="live-found")
        self.seen, self.width, self.timer = gr.State(None), gr.Number(1280, visible=False), gr.Timer(TICK, active=False)
        self._wire()

    def _wire(self) -> None:
        self.options = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
        buttons = [self.start, self.stop] if self.start else []
        self.refresh = {
            "fn": self.update, "inputs": [self.width, self.seen],
            "outputs": [self.status, self.figure, self.found, self.timer, *buttons, self.seen], **self.options,
        }  # fmt: skip
        self._refresh_after(self.timer.tick)
        if buttons:
            acting = {**self.options, "queue": True, "concurrency_limit": 4}
            self._refresh_after(self.start.click(self.do_start, self.variant, None, **acting).success)
            self._refresh_after(self.stop.click(self.do_stop, None, None, **acting).success)

    def _refresh_after(self, trigger) -> None:
        trigger(**self.refresh).success(
            None, self.figure, None, js=filled("draw.js", box="#live-curves"), api_visibility="private", queue=False
        )

    def watch(self, tab: gr.Tab, others: list[gr.Tab]) -> None:
        """Look at the disk when this tab is opened and, while it is shown, as long as a training runs."""
        opened = tab.select(
            lambda width: (width, None),
            self.width,
            [self.width, self.seen],
            js="() => window.innerWidth",
            **self.options,
        )
        self._refresh_after(opened.success)
        for other in others:
            other.select(lambda: gr.Timer(active=False), None, self.timer, **self.options)

    @toasts
    def do_start(self, variant: str) -> None:
        """Begin a training anew."""
        if variant not in VARIANTS:
            raise WorkbenchError(f"there is no training {variant!r} here")
        there = self._look()
        if any(state.status == RUNNING for state, *_ in there.values()):
            raise WorkbenchError("one is being trained already: two at a time would take twice as long")
        if variant in there:
            processes.delete(self.watcher.run(_run_name(variant)))
        processes.start(live_recipe(variant), self.watcher.runs, _run_name(variant))

    @toasts
    def do_stop(self) -> None:
        """Stop the one that is running."""
        for state, *_ in self._look().values():
            if state.status == RUNNING:
                processes.stop(self.watcher.run(state.name))

    def update(self, width: float, seen: list | None):
        """All of the panel, or nothing where nothing is new."""
        there = self._look()
        readers = {variant: reader for variant, (_, reader, _) in there.items()}
        running = any(state.status == RUNNING for state, *_ in there.values())
        narrow = width < _NARROW
        shown = [narrow, [(name, state.status, reader.version) for name, (state, reader, _) in there.items()]]
        if seen == shown:
            return (gr.skip(),) * len(self.refresh["outputs"])
        lines = "".join(f"<li>{_line(name, state, progress)}</li>" for name, (state, _, progress) in there.items())
        ends = {name: _ends(reader) for name, (state, reader, _) in there.items() if state.status == FINISHED}
        buttons = [gr.update(interactive=not running), gr.update(interactive=running)] if self.start else []
        return (
            f'<ul class="wb-notes" role="status">{lines}</ul>' if lines else "",
            figure(readers, 1 if narrow else len(CURVES)).to_json(),
            found(ends) if ends else "",
            gr.Timer(active=running),
            *buttons,
            shown,
        )

    def _look(self) -> dict[str, tuple[State, EventReader, Progress]]:
        """The trainings that are there, by variant."""
        there = {}
        for variant in VARIANTS:
            try:
                state, reader = self.watcher.state(_run_name(variant)), self.watcher.reader(_run_name(variant))
                there[variant] = state, reader, self.watcher.progress(state)
            except WorkbenchError:
                continue  # not trained yet, or deleted just now
        return there


def _line(variant: str, state: State, progress: Progress) -> str:
    """How far a training is."""
    title = html.escape(VARIANTS[variant][0])
    if state.status == RUNNING and not progress.step:
        return f"<b>{title}</b>: is starting, which takes some seconds."
    step = f"step {progress.step}" + (f" of {state.total_steps}" if state.total_steps else "")
    if state.status == RUNNING:
        left = f", {duration(progress.seconds_left)} left" if progress.seconds_left is not None else ""
        return f"<b>{title}</b>: {step}{left}."
    return f"<b>{title}</b>: {state.status} at {step}." + (
        " The Monitor has its log." if state.status == STOPPED else ""
    )


def figure(readers: dict[str, EventReader], columns: int) -> Figure:
    """The curves of the trainings, by variant, over the recorded ones.

    Parameters
    ----------
    readers : dict of str to EventReader
        Those that are there, by variant.
    columns : int
    """
    drawn = curves.figure(
        readers, list(CURVES), smoothing=0, log=False, axis=curves.STEPS, columns=columns, slots=_SLOTS
    )
    for trace in drawn.data:
        trace.update(name=VARIANTS[trace.name][0], mode="lines+markers", line_width=3)
    for place, (curve, title) in enumerate(CURVES.items()):
        drawn.layout.annotations[place].update(text=title, font_size=13)
        for variant, known in recorded()["curves"].items():
            for number, values in enumerate(known[curve]["values"]):
                drawn.add_scatter(
                    x=known[curve]["steps"], y=values, name=f"recorded: {VARIANTS[variant][0]}", mode="lines",
                    line={"color": curves.COLOURS[_SLOTS[variant]], "dash": "dot", "width": 1.6}, opacity=0.9,
                    legendgroup=f"recorded {variant}", showlegend=place == number == 0, hoverinfo="skip",
                    row=place // columns + 1, col=place % columns + 1,
                )  # fmt: skip
    drawn.update_xaxes(visible=True)  # hidden where there is no training yet, for which the recorded ones stand
    drawn.update_yaxes(visible=True)
    drawn.layout.yaxis2.matches = "y"  # by itself the second would show nothing but noise, enlarged
    drawn.update_layout(showlegend=True)
    return drawn


def found(ends: dict[str, dict[str, float]]) -> str:
    """What finished trainings showed, beside the recorded ones, and what cannot be seen at this scale.

    Parameters
    ----------
    ends : dict of str to dict
        By variant the last value of each of `CURVES`.
    """
    lines = []
    for variant, last in ends.items():
        known = {curve: [values[-1] for values in recorded()["curves"][variant][curve]["values"]] for curve in CURVES}
        lines.append(
            f"<li><b>{html.escape(VARIANTS[variant][0])}</b>: another picture's synthetic hint raises the error by"
            f" {last[READS]:.2f} ({_range(known[READS], 2)}), another's real hint by {last[HEEDS]:.3f}"
            f" ({_range(known[HEEDS], 3)}); restored real photographs have {last[PSNR]:.1f} dB"
            f" ({_range(known[PSNR], 1)}).</li>"
        )
    return filled(
        "live-shortcut-found.html", lines="".join(lines), seeds=", ".join(map(str, recorded()["seeds"])),
        commit=recorded()["commit"],
    )  # fmt: skip


def _range(values: list[float], digits: int) -> str:
    return f"{min(values):.{digits}f} to {max(values):.{digits}f}"


def _ends(reader: EventReader) -> dict[str, float]:
    return {curve: float(reader.series(curve)[1][-1]) for curve in CURVES}


def _run_name(variant: str) -> str:
    return f"explain-{variant}"
