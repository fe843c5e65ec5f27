"""What the page says of runs, as HTML: states, logs, pictures, recipes."""

from __future__ import annotations

import base64
import html
import time
from collections.abc import Iterable, Mapping, Sequence

import yaml

from workbench.errors import WorkbenchError
from workbench.runs.events import EventReader
from workbench.runs.folder import Run
from workbench.runs.planned import Plan
from workbench.runs.states import RUNNING, Progress, State
from workbench.tabular import as_html

MARKS = {"running": "▶", "finished": "✓", "stopped": "■"}
MOST_PICTURES = 12


def by_recipe(states: Iterable[State]) -> dict[str, list[State]]:
    """Runs by their recipe; of recipes that first whose first run comes first."""
    groups: dict[str, list[State]] = {}
    for state in states:
        groups.setdefault(state.recipe, []).append(state)
    return groups


def headings(groups: Mapping[str, Sequence[State]]) -> str:
    """A style sheet that puts the name of each recipe above the first of its runs, for a list of boxes has no place
    for headings."""
    place, rules = 1, []
    for recipe, group in groups.items():
        # As CSS escapes it: a name brings no markup into the page.
        name = "".join(each if each.isalnum() or each in " +-._" else f"\\{ord(each):x} " for each in recipe)
        rules.append(f'#runs label:nth-of-type({place}) {{ --recipe: "{name}"; margin-top: 26px; }}')
        place += len(group)
    return f"<style>{' '.join(rules)}</style>"


def label(state: State) -> str:
    """A run in a list."""
    return f"{MARKS[state.status]} {state.name} ({state.status})"


def state_table(
    rows: Sequence[tuple[State, Progress]],
    now: float | None = None,
    waiting: Mapping[str, tuple[str, int, int]] | None = None,
) -> str:
    """How far runs are, as a table; ``waiting`` names what runs wait for, with its steps done and in all."""
    if not rows:
        return '<p class="wb-hint">No run is chosen.</p>'
    now = time.time() if now is None else now
    heads = ["run", "state", "step", "pace", "time left", "memory", "target PSNR", "last sign"]
    lines = []
    for state, progress in rows:
        first, step, total = (waiting or {}).get(state.name, ("", progress.step, state.total_steps))
        share = step / total if total else None
        steps = (f"{html.escape(first)}: " if first else "") + f"{step:,}" + (f" of {total:,}" if total else "")
        if share is not None:
            steps += f" {_bar(share)}"
        psnr = state.summary.get("validation", {}).get("target_psnr", progress.target_psnr)
        cells = [
            f'<span class="wb-{state.status}">{MARKS[state.status]} {state.status}</span>'
            + ("" if state.local or state.status != RUNNING else " elsewhere"),
            steps,
            f"{progress.steps_per_second:.3g} / s" if progress.steps_per_second else "–",
            duration(progress.seconds_left) if progress.seconds_left is not None else "–",
            f"{progress.memory / 2**30:.2f} GiB" if progress.memory else "–",
            f"{psnr:.2f} dB" if isinstance(psnr, float) else "–",
            f"{_ago(now - state.changed)}",
        ]
        lines.append([html.escape(state.name), *cells])
    return f'<div class="wb-table wb-states">{as_html([heads, *lines])}</div>'


def study_table(plans: Sequence[Plan]) -> str:
    """How far studies are, as a table; nothing where there is none."""
    if not plans:
        return ""
    lines = [
        [
            f"{html.escape(plan.name)}: {html.escape(plan.title)}",
            f"{plan.finished:,} of {plan.total:,} {_bar(plan.finished / max(plan.total, 1))}",
            f"{plan.running:,}" if plan.running else "–",
        ]
        for plan in plans
    ]
    return f'<div class="wb-table wb-states">{as_html([["study", "runs finished", "running now"], *lines])}</div>'


def _bar(share: float) -> str:
    return f'<progress max="1" value="{share:.3f}" aria-label="{share:.0%} done"></progress>'


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


def _ago(seconds: float) -> str:
    """So coarse that the page need not be changed all the time."""
    if seconds < 20:
        return "just now"
    if seconds < 120:
        return "a minute ago" if seconds > 50 else "moments ago"
    if seconds < 7200:
        return f"{seconds // 60:.0f} min ago"
    return f"{seconds // 3600:.0f} h ago" if seconds < 172800 else f"{seconds // 86400:.0f} days ago"


def log_block(text: str) -> str:
    """The end of a log; a region of its own for keyboard and screen reader."""
    if not text:
        return '<p class="wb-hint">No log: the run was not started from this app.</p>'
    return f'<pre class="wb-log" tabindex="0" role="log" aria-label="End of the log">{html.escape(text)}</pre>'


def picture_steps(reader: EventReader) -> list[int]:
    """All steps of which there are pictures."""
    return sorted({step for steps in reader.pictures.values() for step in steps})


def picture_block(reader: EventReader, step: int | None) -> str:
    """The sample pictures of a step; of a tag without one of that step, its last one before."""
    if step is None:
        return '<p class="wb-hint">No sample pictures yet.</p>'
    figures = []
    for tag, steps in list(reader.pictures.items())[:MOST_PICTURES]:
        before = [each for each in steps if each <= step]
        if not before:
            continue
        try:
            encoded = base64.b64encode(reader.picture(tag, before[-1])).decode("ascii")
        except WorkbenchError:
            continue  # the run is being made again
        name = html.escape(tag)
        figures.append(
            f'<figure><img src="data:image/png;base64,{encoded}" alt="{name} at step {before[-1]}">'
            f"<figcaption><b>{name}</b> step {before[-1]:,}</figcaption></figure>"
        )
    return f'<div class="wb-grid wb-samples-of-run" style="--views:4">{"".join(figures)}</div>'


def recipe_block(run: Run) -> str:
    """The recipe of a run."""
    try:
        text = yaml.safe_dump(run.recipe.model_dump(mode="json"), sort_keys=False)
    except WorkbenchError as error:
        text = str(error)
    return f'<pre class="wb-log" tabindex="0" role="region" aria-label="Recipe">{html.escape(text)}</pre>'
