"""The Monitor tab: runs, living or finished, whoever started them; their curves, pictures and logs as they grow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path

import gradio as gr
import numpy as np

from apps import curves, runs, starting
from apps.assets import filled
from workbench.errors import WorkbenchError
from workbench.runs.events import EventReader
from workbench.runs.folder import Run
from workbench.runs.planned import plans
from workbench.runs.processes import log_tail
from workbench.runs.states import RUNNING, Progress, State, Watcher

TICK = 1.5
"""Seconds between two looks at the disk; a training's events reach it within one second."""
_FIRST_RUNS = 4
_NARROW = 900
"""Pixels of a page that has room for one column of curves."""


class MonitorTab:
    """The tab; to be made inside of `gradio.Blocks`.

    Parameters
    ----------
    watcher : Watcher
    controls : bool
        Whether runs may be started, stopped and deleted from the page.
    """

    def __init__(self, watcher: Watcher, controls: bool):
        self.watcher = watcher
        self._lay_out(controls)
        self._wire()

    def _lay_out(self, controls: bool) -> None:
        self.seen = gr.State({})
        self.touched = gr.State(False)
        self.timer = gr.Timer(TICK, active=False)
        self.width = gr.Number(1280, visible=False)
        with gr.Row(elem_classes="wb-main"):
            with gr.Column(scale=2, min_width=300):
                self.empty = gr.HTML(filled("no-run-yet.html", runs=self.watcher.runs.name or "runs"), visible=False)
                self.chosen = gr.CheckboxGroup([], label="Runs to show", elem_id="runs", elem_classes="wb-runs")
                self.headings = gr.HTML(padding=False)
                self.form = self.controls = None
                if controls:
                    with gr.Accordion("Start a run", open=False, elem_id="start-box") as box:
                        self.form = starting.StartForm(self.watcher, box)
                else:
                    gr.HTML(starting.OFF, elem_id="controls-off")
            with gr.Column(scale=5, min_width=320):
                self.states = gr.HTML(elem_id="states")
                self.studies = gr.HTML(elem_id="studies")
                with gr.Accordion("Curves", open=True):
                    self._lay_out_curves()
                self.focus = gr.Dropdown(
                    [], label="One run in detail", elem_id="focus", info="Its pictures, log and recipe, and what to do."
                )
                if controls:
                    with gr.Row():
                        self.controls = starting.Controls(self.watcher)
                with gr.Accordion("Sample pictures", open=True):
                    self.step = gr.Slider(0, 1, 0, step=1, label="Training step", visible=False, elem_id="picture-step")
                    self.pictures = gr.HTML(elem_id="sample-pictures")
                with gr.Accordion("Log", open=True):
                    self.log = gr.HTML(elem_id="log", autoscroll=True)
                with gr.Accordion("Recipe", open=False):
                    self.recipe = gr.HTML(elem_id="recipe")

    def _lay_out_curves(self) -> None:
        self.names = gr.Dropdown([], label="Curves", multiselect=True, elem_id="curve-names")
        with gr.Row(elem_classes="wb-choices"):
            self.smoothing = gr.Slider(0, 0.99, 0, step=0.01, label="Smoothing", min_width=160, elem_id="smoothing")
            self.axis = gr.Radio([curves.STEPS, curves.HOURS], value=curves.STEPS, label="Across", min_width=140)
            self.log_values = gr.Checkbox(label="Logarithmic values", min_width=140, elem_id="log-values")
        self.figure = gr.Textbox(visible=False)
        curves.plot_box("curves", "Curves of the chosen runs")

    def _wire(self) -> None:
        # Not through the queue: a look at the disk must not wait behind somebody's restoration.
        self.options = {"api_visibility": "private", "show_progress": "hidden", "queue": False}
        detail = [self.focus, self.step, self.pictures, self.log, self.recipe]
        buttons = self.controls.buttons if self.controls else []
        self.refresh = {
            "fn": self.update,
            "inputs": [
                self.chosen, self.focus, self.names, self.smoothing, self.axis, self.log_values, self.step, self.width,
                self.touched, self.seen,
            ],
            "outputs": [
                self.empty, self.chosen, self.states, self.names, self.figure, *detail, *buttons,
                self.headings, self.studies, self.seen,
            ],
            **self.options,
        }  # fmt: skip
        self._refresh_after(self.timer.tick)
        for choice in (self.chosen, self.focus, self.axis, self.log_values):
            self._refresh_after(choice.input)
        self._refresh_after(self.names.input(lambda: True, None, self.touched, **self.options).success)
        for slider in (self.smoothing, self.step):
            self._refresh_after(slider.input, trigger_mode="always_last")
        if self.controls is not None:
            # Through the queue, for what goes wrong there is told in a toast and is no failed request.
            acting = {**self.options, "queue": True, "concurrency_limit": 4}
            started = self.form.wire(acting)
            shown = started.success(
                self.look_at, [self.chosen, self.form.started], [self.chosen, self.focus], **self.options
            )
            self._refresh_after(shown.success)
            for event in self.controls.wire(self.focus, acting):
                self._refresh_after(event.success)

    def _refresh_after(self, trigger: Callable, **options) -> None:
        """Bring the page up to date after an event, and draw the curves where they have changed."""
        trigger(**self.refresh, **options).success(
            None, self.figure, None, js=filled("draw.js", box="#curves"), api_visibility="private", queue=False
        )

    def watch(self, tab: gr.Tab, others: list[gr.Tab]) -> None:
        """Look at the disk only while this tab, and none of the others, is the one that is shown."""
        opened = tab.select(
            self.enter, [self.width, self.seen], [self.width, self.chosen, self.timer],
            js="(width, seen) => [window.innerWidth, seen]", **self.options,
        )  # fmt: skip
        self._refresh_after(opened.success)
        for other in others:
            other.select(lambda: gr.Timer(active=False), None, self.timer, **self.options)

    def enter(self, width: float, seen: dict):
        """Begin with the runs that are running, or the last one; a tab that is opened again stays as it was."""
        chosen = gr.skip()
        if not seen:
            states = self.watcher.states()
            running = [state.name for state in states if state.status == RUNNING]
            first = running[:_FIRST_RUNS] or [state.name for state in states[:1]]
            chosen = gr.update(choices=_choices(states), value=first)
        return width, chosen, gr.Timer(active=True)

    def look_at(self, chosen: list[str], name: str):
        """Show a run that was just started."""
        chosen = [*(each for each in chosen if each != name), name]
        return gr.update(choices=_choices(self.watcher.states()), value=chosen), gr.update(choices=chosen, value=name)

    def update(self, chosen, focus, names, smoothing, axis, log_values, step, width, touched, seen):
        """All of the tab, but only what differs from what the page shows already.

        What a person chose is sent back only where it cannot stay: what the page says here may be older than a click.
        """
        changes = _Changes(seen)
        states = {state.name: state for state in self.watcher.states()}
        shown = self._look([states[name] for name in chosen or [] if name in states])
        readers = {name: reader for name, (reader, _, _) in shown.items()}
        gone, chosen = set(chosen or []) - set(readers), list(readers)
        lost, focus = focus not in readers, focus if focus in readers else next(iter(readers), None)
        names, names_update = _curve_choice(changes, names or [], curves.curve_names(list(readers.values())), touched)
        figure = gr.skip()
        drawn = (
            names,
            smoothing,
            axis,
            log_values,
            width < _NARROW,
            [(name, readers[name].version) for name in chosen],
        )
        slots = changes.slots(chosen)
        if changes.new("figure", drawn):
            figure = curves.figure(
                readers, names, smoothing=smoothing, log=log_values, axis=axis, columns=1 if width < _NARROW else 2,
                slots=slots,
            ).to_json()  # fmt: skip
        state = states.get(focus)
        rows = [(states[name], progress) for name, (_, progress, _) in shown.items()]
        waiting = {name: first for name, (_, _, first) in shown.items() if first is not None}
        table = runs.state_table(rows, waiting=waiting)
        return (
            changes.send("empty", not states, visible=not states),
            changes.send(
                "list",
                [listing := _choices(states.values()), gone],
                choices=listing,
                **({"value": chosen} if gone else {}),
            ),
            changes.send("states", table, value=table),
            names_update,
            figure,
            changes.send("focus", [chosen, lost and focus], choices=chosen, **({"value": focus} if lost else {})),
            *self._details(changes, focus, readers.get(focus), step),
            *(self._buttons(changes, state) if self.controls else []),
            changes.send("headings", sheet := runs.headings(runs.by_recipe(states.values())), value=sheet),
            changes.send("studies", studies := runs.study_table(plans(self.watcher.runs)), value=studies),
            changes.seen,
        )

    def _look(self, states: list[State]) -> dict[str, tuple[EventReader, Progress, tuple | None]]:
        """Of each run its curves, how far it is and what it waits for; runs that are deleted meanwhile are left out."""
        found = {}
        for state in states:
            try:
                reader, progress = self.watcher.reader(state.name), self.watcher.progress(state)
                first = self._waits_for(state.name) if state.status == RUNNING and not progress.step else None
                found[state.name] = reader, progress, first
            except WorkbenchError:
                continue
        return found

    def _waits_for(self, name: str) -> tuple | None:
        from apps.planning import waits_for  # and torch with it

        return waits_for(self.watcher.run(name))

    def _details(self, changes: _Changes, focus: str | None, reader: EventReader | None, place: float):
        """Slider, pictures, log and recipe of one run."""
        if reader is None:
            hidden = changes.send("step", None, visible=False)
            return hidden, *(changes.send(key, "", value="") for key in ("pictures", "log", "recipe"))
        steps = runs.picture_steps(reader)
        last = steps[-1] if steps else 0
        before = changes.seen.get("step")
        slider = gr.skip()
        if changes.new("step", [focus, last]):
            # The newest picture stays the newest one.
            if not before or before[0] != focus or place >= before[1]:
                place = last
            spacing = math.gcd(*np.diff(steps).tolist()) or 1
            first = min(steps, default=0)
            slider = gr.update(
                minimum=first, maximum=max(last, first + 1), step=spacing, value=place, visible=len(steps) > 1
            )
        step = max((each for each in steps if each <= place), default=min(steps, default=None))
        pictures = gr.skip()
        if changes.new("pictures", [focus, step, sum(map(len, reader.pictures.values()))]):
            pictures = gr.update(value=runs.picture_block(reader, step))
        run = self.watcher.runs / focus
        log = runs.log_block(log_tail(Run(run)))
        recipe = gr.skip()
        if changes.new("recipe", [focus, _modified(run / "recipe.yaml")]):
            recipe = gr.update(value=runs.recipe_block(Run(run)))
        return slider, pictures, changes.send("log", log, value=log), recipe

    @staticmethod
    def _buttons(changes: _Changes, state: State | None):
        status = [state.status, state.local] if state else None
        if not changes.new("buttons", status):
            return (gr.skip(),) * 3
        return starting.button_states(state)


class _Changes:
    """What the page shows, and what has to be sent to it."""

    def __init__(self, seen: dict):
        self.seen = dict(seen)

    def new(self, key: str, value: object) -> bool:
        """Whether something differs from what the page shows; from now on it does not."""
        if key in self.seen and self.seen[key] == value:
            return False
        self.seen[key] = value
        return True

    def slots(self, names: Iterable[str]) -> dict[str, int]:
        """Which colour runs have: the one they had when they were first shown."""
        slots = self.seen["slots"] = dict(self.seen.get("slots", {}))
        for name in names:
            slots.setdefault(name, len(slots))
        return slots

    def send(self, key: str, shown: object, /, **properties):
        """An update of a component where what it shows is new."""
        return gr.update(**properties) if self.new(key, shown) else gr.skip()


def _curve_choice(changes: _Changes, chosen: list[str], names: list[str], touched: bool) -> tuple[list[str], dict]:
    """The curves to draw, and the update of their list: as long as nobody chose, what is of interest to most."""
    value = [name for name in chosen if name in names] if touched else curves.first_curves(names)
    properties = {} if touched and len(value) == len(chosen) else {"value": value}
    return value, changes.send("names", [names, list(properties.values())], choices=names, **properties)


def _choices(states: Iterable[State]) -> list[tuple[str, str]]:
    return [(runs.label(state), state.name) for group in runs.by_recipe(states).values() for state in group]


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
