"""The controls of runs: start one from a packaged recipe, stop, resume, delete."""

from __future__ import annotations

import html

import gradio as gr
from gradio.events import Dependency

from apps.messages import toasts, told
from workbench.errors import WorkbenchError
from workbench.methods import method_names
from workbench.recipes import Recipe, available, load_recipe
from workbench.runs import processes
from workbench.runs.states import RUNNING, STOPPED, State, Watcher

OFF = """<p class="wb-hint">Starting, stopping and deleting runs is off, because this app can be reached from other
machines without a password. Start it with <code>--auth USER:PASSWORD</code> to have it.</p>"""

_FIELDS = {"steps": "training.max_steps", "batch": "training.batch_size", "rate": "training.learning_rate"}


class StartForm:
    """A form that starts a training in a process of its own; to be made inside of an accordion.

    Parameters
    ----------
    watcher : Watcher
    box : Accordion
        What is to be done is told when it is opened, and whenever something in it changes.
    """

    def __init__(self, watcher: Watcher, box: gr.Accordion):
        self.watcher, self.box = watcher, box
        recipes = available()
        self.recipe = gr.Dropdown(
            [(f"{each.name}: {each.description}", each.name) for each in recipes], value="denoise-pocket",
            label="Recipe", elem_id="start-recipe",
        )  # fmt: skip
        with gr.Row():
            self.method = gr.Dropdown(method_names(), value="noise-space", label="Method", min_width=120)
            self.seed = gr.Number(0, label="Seed", precision=0, minimum=0, min_width=80)
        self.name = gr.Textbox(label="Name of the run", placeholder="made of recipe, method and seed", max_length=100)
        with gr.Row():
            self.steps = gr.Number(label="Steps", precision=0, minimum=1, min_width=80)
            self.batch = gr.Number(label="Batch size", precision=0, minimum=1, min_width=80)
            self.rate = gr.Number(label="Learning rate", min_width=80, step=1e-4)
        self.settings = gr.Textbox(
            label="Other settings, one KEY=VALUE a line", lines=3, max_lines=8, elem_id="start-settings",
            placeholder="training.patch_size=48\nwarm_start=null",
        )  # fmt: skip
        self.plan = gr.HTML(elem_id="start-plan", elem_classes="wb-hint")
        self.button = gr.Button("Start", variant="primary", elem_id="start-run")
        self.started = gr.State("")

    def wire(self, options: dict) -> Dependency:
        """Fill in the recipe's values when it is chosen, and start; returns the start, after which ``started`` holds
        the run's name."""
        numbers = [self.method, self.seed, self.steps, self.batch, self.rate]
        fields = [self.recipe, self.method, self.seed, self.name, self.steps, self.batch, self.rate, self.settings]
        planned = {"fn": self.tell, "inputs": fields, "outputs": self.plan, **options}
        self.recipe.input(self.fill, self.recipe, numbers, **options).success(**planned)
        gr.context.Context.root_block.load(self.fill, self.recipe, numbers, **options)
        self.box.expand(**planned)
        for choice in (self.method.input, self.seed.input, self.steps.input, self.batch.input, self.settings.input):
            choice(**planned, trigger_mode="always_last")
        return self.button.click(self.start, fields, self.started, **options)

    def fill(self, name: str):
        """The values of a packaged recipe."""
        recipe = load_recipe(name)
        training = recipe.training
        return recipe.method, recipe.seed, training.max_steps, training.batch_size, training.learning_rate

    def tell(self, *fields):
        """What Start will train, and for how long; or what is wrong with the form."""
        from apps.planning import plan

        try:
            return html.escape(str(plan(self._recipe(*fields)[0], self.watcher.runs)))
        except WorkbenchError as error:
            return html.escape(str(error))

    @toasts
    def start(self, *fields):
        """Start the run; returns its name, to be looked at."""
        resolved, name = self._recipe(*fields)
        run = processes.start(resolved, self.watcher.runs, name)
        gr.Info(told(f"{run.name} is being started; it goes on when this page is closed."))
        return run.name

    @staticmethod
    def _recipe(recipe, method, seed, name, steps, batch, rate, settings) -> tuple[Recipe, str]:
        """The recipe that the form describes, and the run's name."""
        changes = [
            f"{key}={value}"
            for key, value in zip(_FIELDS.values(), (steps, batch, rate), strict=True)
            if value is not None
        ]
        changes += [line.strip() for line in (settings or "").splitlines() if line.strip()]
        if recipe not in [each.name for each in available()]:
            raise WorkbenchError(f"no packaged recipe is called {recipe!r}")
        if method not in method_names():
            raise WorkbenchError(f"no method is called {method!r}")
        resolved = load_recipe(recipe, changes, method=method, seed=None if seed is None else int(seed))
        return resolved, (name or "").strip() or f"{resolved.name}-{resolved.method}-s{resolved.seed}"


class Controls:
    """Buttons to stop, resume and delete the run that is looked at; to be made inside of a row."""

    def __init__(self, watcher: Watcher):
        self.watcher = watcher
        self.stop = gr.Button("Stop", size="sm", min_width=90, interactive=False, elem_id="stop-run")
        self.resume = gr.Button("Resume", size="sm", min_width=90, interactive=False, elem_id="resume-run")
        self.delete = gr.Button("Delete …", size="sm", min_width=90, interactive=False, elem_id="delete-run")
        self.really = gr.Button(
            "Yes, delete it for ever", size="sm", variant="stop", min_width=160, visible=False, elem_id="really-delete"
        )
        self.keep = gr.Button("Keep it", size="sm", min_width=90, visible=False, elem_id="keep-run")

    @property
    def buttons(self) -> list[gr.Button]:
        """Those whose use depends on the run's state: stop, resume, delete."""
        return [self.stop, self.resume, self.delete]

    def wire(self, focus: gr.Dropdown, options: dict) -> list[Dependency]:
        """Let the buttons act on the run in ``focus``; returns the events that change the run."""
        asked = [self.really, self.keep]
        self.delete.click(lambda: _visible(True), None, asked, **options)
        self.keep.click(lambda: _visible(False), None, asked, **options)
        focus.change(lambda: _visible(False), None, asked, **options)
        return [
            self.stop.click(self.do_stop, focus, None, **options),
            self.resume.click(self.do_resume, focus, None, **options),
            self.really.click(self.do_delete, focus, asked, **options),
        ]

    @toasts
    def do_stop(self, name: str) -> None:
        """Ask the run to stop."""
        processes.stop(self.watcher.run(name))
        gr.Info(told(f"{name} stops after its current step and keeps a checkpoint."))

    @toasts
    def do_resume(self, name: str) -> None:
        """Continue the run."""
        processes.resume(self.watcher.run(name))
        gr.Info(told(f"{name} is being continued."))

    @toasts
    def do_delete(self, name: str):
        """Delete the run."""
        processes.delete(self.watcher.run(name))
        gr.Info(told(f"{name} is deleted."))
        return _visible(False)


def button_states(state: State | None) -> list:
    """Which of stop, resume and delete can be pressed."""
    running = state is not None and state.status == RUNNING
    return [
        gr.update(interactive=running and state.local),
        gr.update(interactive=state is not None and state.status == STOPPED),
        gr.update(interactive=state is not None and not running),
    ]


def _visible(shown: bool):
    return gr.update(visible=shown), gr.update(visible=shown)
