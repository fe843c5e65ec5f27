"""The training step of noise-space adaptation against a plain reference, and where its time goes."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile

from workbench.benching.ceilings import measure_ceilings
from workbench.benching.measuring import Result, Row, Settings, Times, in_turn, processor_seconds, rows_of
from workbench.benching.reference import PlainStep
from workbench.benching.scaling import model_line
from workbench.data.domains import training_stream
from workbench.data.streams import step_batches
from workbench.devices import choose_device
from workbench.methods import METHODS, Method, resolve
from workbench.methods.base import Batch
from workbench.methods.noise_space import WHOLE_EVERY
from workbench.recipes import Recipe, load_recipe
from workbench.tabular import as_text
from workbench.training.cost import step_gmacs

ON_THE_SPOT = ("data.source=embedded", "data.target=simulated-camera", "data.validation=simulated-camera")
"""Recipes of any scale on pictures that come with the package: sizes decide how long a step takes, not the pictures."""
PARTS = ("data", "forward", "backward", "optimizer", "average")
OPEN, USUAL, WHOLE = "hinge open", "hinge silent", "hinge silent, all samples passed"
"""The default step, while the hinge of Eq. 3 is open; as it mostly is, where a quarter of the samples shows that it is
silent; and where that takes all of them, or it is the turn of all."""
_BATCHES, _OPERATORS = 8, 8
_SILENT = 1e6
"""So far below the hinge's margin that it never opens."""
_NEVER = 10**9
"""So many steps that a silent hinge is not looked at again."""


def recipe_of(scale: str, changes: tuple[str, ...] = ()) -> Recipe:
    """The denoising recipe of a scale, on pictures that come with the package, without a warm start."""
    settings = [*ON_THE_SPOT, "warm_start=null", *changes]
    return resolve(load_recipe(f"denoise-{scale}", settings, method="noise-space"))


def batches_of(recipe: Recipe, method: Method, device: torch.device, count: int = _BATCHES) -> list[Batch]:
    """The first batches of a recipe, on the device."""
    settings = recipe.training
    stream = training_stream(recipe.data, method.parts, settings.patch_size, recipe.seed)
    drawn = itertools.islice(step_batches(stream, settings.batch_size), count)
    return [{name: value.to(device) for name, value in batch.items()} for batch in drawn]


class Step:
    """Steps of a method as training takes them, but for Lightning's loop.

    Parameters
    ----------
    method : Method
    """

    def __init__(self, method: Method):
        self.method = method
        self.optimizer = method.configure_optimizers()["optimizer"]

    def __call__(self, batch: Batch, step: int, times: dict[str, Times] | None = None) -> float:
        """One step; the loss before it.

        Parameters
        ----------
        batch : dict of str to Tensor
        step : int
            After the head start.
        times : dict of str to Times, optional
            Gets what each of `PARTS` but the data took.
        """
        parts = _Stopwatch(times)
        self.optimizer.zero_grad()
        loss = self.method.losses(self.method.laid_out(batch), step)["loss"]
        parts.lap("forward")
        value = loss.item()  # as training looks at it before the weights may change
        loss.backward()
        parts.lap("backward")
        self.optimizer.step()
        parts.lap("optimizer")
        self.method.averaged.update_parameters(self.method.restorer)
        parts.lap("average")
        return value


class _Stopwatch:
    """Adds the time since the last lap to a part's; does nothing without a place to keep it."""

    def __init__(self, times: dict[str, Times] | None):
        self.times = times
        self._clock, self._processor = time.perf_counter(), processor_seconds()

    def lap(self, part: str) -> None:
        if self.times is None:
            return
        clock, processor = time.perf_counter(), processor_seconds()
        self.times[part].clock.append(clock - self._clock)
        self.times[part].processor.append(processor - self._processor)
        self._clock, self._processor = time.perf_counter(), processor_seconds()


def run(settings: Settings) -> Result:
    """Measure at every scale that is asked for."""
    device = choose_device(settings.device)
    torch.set_num_threads(settings.threads)
    parts = [_measure(scale, settings, device) for scale in settings.scales]
    rows = [row for found, _, _ in parts for row in found]
    notes = [note for _, remarks, _ in parts for note in remarks]
    details = {scale: more for scale, (_, _, more) in zip(settings.scales, parts, strict=True)}
    return Result("step", rows, notes, {"scales": details})


def _method(recipe: Recipe, device: torch.device) -> Method:
    torch.manual_seed(recipe.seed)
    return METHODS[recipe.method](recipe).to(device)


def _steps(scale: str, settings: Settings, device: torch.device) -> dict[str, Step]:
    """The workbench's steps in their forms, each with weights of its own; all begin with the same."""
    accelerator = "cpu" if device.type == "cpu" else "gpu"  # decides on the memory layout
    changes = (f"training.accelerator={accelerator}", *settings.changes)
    recipe, joined = recipe_of(scale, changes), recipe_of(scale, (*changes, "options.noise-space.negative_pass=joined"))

    def silent(recipe: Recipe = recipe) -> Method:
        method = _method(recipe, device)
        method.options = method.options.model_copy(update={"margin": -_SILENT})
        return method

    unseen = silent(recipe_of(scale, (*changes, f"options.noise-space.negative_every={_NEVER}")))
    steps = {
        OPEN: Step(_method(recipe, device)), USUAL: Step(silent()), WHOLE: Step(silent()),
        "hinge not looked at": Step(unseen),
        "joined": Step(_method(joined, device)),
    }  # fmt: skip
    if settings.compiled:
        compiled = silent()
        compiled.compile_networks()
        steps[f"{USUAL}, compiled"] = Step(compiled)
    return steps


def _measure(scale: str, settings: Settings, device: torch.device) -> tuple[list[Row], list[str], dict]:
    steps = _steps(scale, settings, device)
    usual = steps[USUAL]
    recipe, first = usual.method.recipe.training, usual.method.head_start
    batches = batches_of(usual.method.recipe, usual.method, device)
    losses: dict[str, list[float]] = {}
    begin = first + -first % WHOLE_EVERY  # neither this step nor one of those that are taken passes all samples

    def stepping(name: str, step: Callable[[Batch, int], float]) -> Callable[[], None]:
        def advance() -> None:
            done = losses.setdefault(name, [])
            number = begin + WHOLE_EVERY * len(done) + (WHOLE_EVERY - 1 if name == WHOLE else 0)
            done.append(step(batches[len(done) % len(batches)], number))

        return advance

    contenders = {
        name: stepping(name, step) for name, step in {"plain": PlainStep(steps[OPEN].method), **steps}.items()
    }
    times = in_turn(contenders, settings, torch.cuda.synchronize if device.type == "cuda" else None)
    rows = rows_of(f"{scale}, {recipe.batch_size} x {recipe.patch_size} px", times, device.type)
    apart = {
        name: max(abs(a / b - 1) for a, b in zip(losses[name], losses["plain"], strict=True))
        for name in (OPEN, "joined")
    }
    if device.type == "cpu":
        rows += _parts(scale, usual, batches, settings)
    flops = 2e9 * step_gmacs(usual.method, batches[0], begin)
    seconds = times[USUAL].clock if device.type == "cuda" else times[USUAL].processor
    ceilings = measure_ceilings(device, recipe.patch_size)
    rate = flops / statistics.median(seconds)
    operators = _operators(usual, batches[0], begin, device)
    notes = [
        f"{scale}: losses of {len(losses['plain'])} steps apart from the plain ones by at most "
        + ", ".join(f"{value:.1e} ({name})" for name, value in apart.items()),
        f"{scale}: {flops / 1e9:.2f} GFLOP a step, {rate / 1e9:.1f} GFLOP/s; ceilings "
        + ", ".join(f"{name} {value / 1e9:.1f}" for name, value in ceilings.items()),
        as_text(
            [("operator", "share", "calls"), *((name, f"{part:.1%}", str(calls)) for name, part, calls in operators)]
        ),
    ]
    trained = [*usual.method.restorer.parameters(), *usual.method.diffusion.parameters()]
    gradients = sum(parameter.numel() * parameter.element_size() for parameter in trained)
    notes.append(f"{scale}: {model_line(statistics.median(seconds), gradients, usual.method.total_steps)}")
    details = {
        "losses_apart": apart, "flops": flops, "flops_per_second": rate, "ceilings": ceilings, "operators": operators,
    }  # fmt: skip
    return rows, notes, details


def _parts(scale: str, step: Step, batches: list[Batch], settings: Settings) -> list[Row]:
    """The parts of a step, by themselves."""
    times = {part: Times() for part in PARTS}
    method, recipe = step.method, step.method.recipe
    stream = training_stream(recipe.data, method.parts, recipe.training.patch_size, recipe.seed)
    loader = iter(step_batches(stream, recipe.training.batch_size))
    for number in range(settings.repeats):
        watch = _Stopwatch(times)
        next(loader)
        watch.lap("data")
        step(batches[number % len(batches)], method.head_start + number, times)
    return [Row(scale, f"  {part}", each) for part, each in times.items()]


def _operators(step: Step, batch: Batch, number: int, device: torch.device) -> list[tuple[str, float, int]]:
    """The operators that take longest: their share of the time of all, and how often they are called."""
    on_device = device.type == "cuda"
    with profile(activities=[ProfilerActivity.CUDA if on_device else ProfilerActivity.CPU]) as profiler:
        for _ in range(3):
            step(batch, number)
    found = profiler.key_averages()

    def own(event) -> float:
        return event.self_device_time_total if on_device else event.self_cpu_time_total

    total = sum(map(own, found)) or 1.0
    longest = sorted(found, key=own, reverse=True)[:_OPERATORS]
    return [(event.key, own(event) / total, event.count // 3) for event in longest]
