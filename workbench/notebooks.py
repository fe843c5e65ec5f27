"""What all notebooks show in the same way, and how they are recorded.

``python -m workbench.notebooks NOTEBOOK...`` executes notebooks from top to bottom and keeps their outputs.
"""

from __future__ import annotations

import base64
import contextlib
import io
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import ipywidgets
import pandas as pd
import torch
from IPython import get_ipython
from IPython.display import display
from IPython.utils.capture import capture_output
from PIL import Image as PillowImage

from workbench.comparison import Grid, grid_rows, run_grid, table
from workbench.comparison.tables import read_csv, write_csv
from workbench.devices import cores, trainings_at_once
from workbench.errors import WorkbenchError
from workbench.files import write_text
from workbench.papers import published
from workbench.recipes import Recipe
from workbench.runs.folder import Run
from workbench.runs.provenance import provenance
from workbench.runs.states import RUNNING, Watcher
from workbench.training import find_or_train_all, recipe_digest
from workbench.training.needed import NEEDED
from workbench.training.reuse import Key

LOOK_EVERY = 2.0
"""Seconds between looks at the runs that train."""
LARGE = 150_000
"""Characters of a picture beyond which a record keeps it with fewer colours."""
_WIDGET = "application/vnd.jupyter.widget-view+json"


class _Sliders(ipywidgets.interactive):
    def update(self, *_) -> None:
        with capture_output() as captured:
            self.f(**{control._kwarg: control.get_interact_value() for control in self.kwargs_widgets})
        texts = [{"output_type": "stream", "name": "stdout", "text": captured.stdout}] if captured.stdout else []
        shown = [
            {"output_type": "display_data", "data": output.data, "metadata": output.metadata or {}}
            for output in captured.outputs
        ]
        self.out.outputs = (*texts, *shown)

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """With the picture of the first values, which a viewer without a kernel shows in the widget's place."""
        pictures = [output["data"] for output in self.out.outputs if "image/png" in output.get("data", {})]
        return super()._repr_mimebundle_(**kwargs) | ({"image/png": pictures[0]["image/png"]} if pictures else {})


def sliders(function: Callable[..., None], **controls) -> ipywidgets.VBox:
    """`ipywidgets.interact` for notebooks that also run unattended.

    There, ``interact`` has the client that executes the notebook collect the output and send it back to the kernel, and
    nbclient (so papermill and nbconvert) may then miss that the cell has ended and wait for ever (its issue 312). Here
    the kernel collects it. An error at the first values is raised in the cell, where ``interact`` would only show it.

    Parameters
    ----------
    function : callable
        Prints and shows figures; called with the controls' values, now and whenever one is moved.
    **controls
        By argument, what `ipywidgets.interact` takes: ``(low, high, step)``, a list, a widget.

    Returns
    -------
    ipywidgets.VBox
        The controls and, last, an ``Output``; a notebook shows it when it is the last line of a cell.
    """
    return _Sliders(function, **controls)


@contextlib.contextmanager
def telling(runs: Path) -> Iterator[None]:
    """One line below the cell, while runs in a folder are trained, that says how far they are; it goes at the end."""
    shell = get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        yield
        return
    over, thread_line = threading.Event(), []

    def tell() -> None:
        watchers = [Watcher(folder) for folder in (Path(runs) / NEEDED, Path(runs))]
        while not over.wait(LOOK_EVERY):
            text = {"text/plain": training_line(watchers)}
            if thread_line:
                thread_line[0].update(text, raw=True)
            elif text["text/plain"]:
                thread_line.append(display(text, raw=True, display_id=True))

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()
        if thread_line:
            thread_line[0].update({"text/plain": ""}, raw=True)


def training_line(watchers: Iterable[Watcher]) -> str:
    """How far the runs are that are trained just now; empty if there is none."""
    parts = []
    for watcher in watchers:
        for state in watcher.states():
            if state.status == RUNNING:
                progress = watcher.progress(state)
                left = "" if progress.seconds_left is None else f", some {progress.seconds_left / 60:.1f} min left"
                of = "" if state.total_steps is None else f" of {state.total_steps:,}"
                parts.append(f"{state.name}: step {progress.step:,}{of}{left}")
    return "training " + "; ".join(parts) if parts else ""


def trained(recipes: Mapping[Key, Recipe], runs: Path, *, smoke: bool = False) -> dict[Key, Run]:
    """`workbench.training.find_or_train_all`, with a line of progress while something is missing."""
    with telling(runs):
        return find_or_train_all(recipes, runs, smoke=smoke)


def run_table(runs: Iterable[Run]) -> pd.DataFrame:
    """What a notebook's runs are: a line each, by folder.

    ``digest`` is `workbench.training.recipe_digest`; seconds are wall-clock time, without the warm start that a run
    shares with others and which ``warm start [s]`` tells; ``commit`` is that of the training.
    """
    lines = {}
    for run in runs:
        summary = run.summary
        lines[run.name] = {
            "digest": recipe_digest(run.recipe),
            "method": summary["method"],
            "scale": summary["scale"],
            "seed": summary["seed"],
            "steps": summary["steps"],
            "time [s]": round(summary["seconds"]),
            "warm start [s]": round((summary["warm_start"] or {"seconds": 0})["seconds"]),
            "commit": summary["provenance"]["commit"] or "",
        }
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("run folder")


def grid_results(grid: Grid) -> pd.DataFrame:
    """Train and measure what is still missing of a grid, with one line of progress; a row for each run and test set.

    Runs go on side by side, one a core, or one after the other where there is a GPU. Columns as of
    `workbench.comparison.COLUMNS`.

    Raises
    ------
    WorkbenchError
        A run failed; the others have gone on to their end.
    """
    with telling(grid.runs), contextlib.redirect_stderr(io.StringIO()):
        failures = run_grid(grid, trainings_at_once())
    reasons: dict[str, list[str]] = {}
    for failure in failures:
        reasons.setdefault(failure.reason, []).append(failure.name)
    if reasons:  # each once: what is missing for one run is missing for all
        raise WorkbenchError("; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items()))
    return read_csv(io.StringIO(write_csv(grid_rows(grid))))


def result_table(rows: pd.DataFrame, test: str) -> pd.DataFrame:
    """`workbench.comparison.table` for display, without what says more of the machine than of the method."""
    head, *lines = table(rows, test)
    frame = pd.DataFrame(lines, columns=head).set_index("")
    return frame[[name for name in frame if name not in ("training / s", "time a step / ms", "peak memory / MiB")]]


def published_table(number: str) -> pd.DataFrame:
    """A table of the noise-space paper as it prints it, a line a row; every column says that it is the paper's."""
    numbers = published("noise-da", number)
    several = len({each.column for each in numbers}) > 1
    lines: dict[str, dict[str, str]] = {}
    for each in numbers:
        name = f"{each.column} {each.metric}" if several else each.metric
        lines.setdefault(each.row, {})[f"{name} (paper)"] = each.printed
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis(f"Table {number}").fillna("")


def footer(begin: float) -> str:
    """A line on this execution of a notebook: code, machine, time since ``begin`` (of ``time.perf_counter``)."""
    facts = provenance()
    return (
        f"Executed with code {facts['commit'] or facts['version']}, torch {facts['torch']}, on {facts['device']}:"
        f" {cores()} cores, {torch.get_num_threads()} torch thread(s); {time.perf_counter() - begin:.0f} s."
    )


def record(path: Path, timeout: float = 7200) -> None:
    """Execute a notebook in its folder, from top to bottom, and write it back as a record that needs no kernel.

    A widget is kept as the picture of its first values, a large picture with a palette; runs that are there are found
    again.

    Parameters
    ----------
    path : Path
    timeout : float
        Seconds for a cell.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell failed; the file is left as it was.
    """
    import nbformat  # of the extra `dev`
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(Path(path).resolve().parent)}}
    NotebookClient(
        notebook, timeout=timeout, kernel_name="python3", resources=resources, store_widget_state=False,
        record_timing=False,
    ).execute()  # fmt: skip
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(_WIDGET, None)
        if "outputs" in cell:
            cell.outputs = [each for each in cell.outputs if each.get("data") != {"text/plain": ""}]
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    output["data"]["image/png"] = smaller(output["data"]["image/png"])
    write_text(path, nbformat.writes(notebook) + "\n")


def smaller(picture: str, enough: int = LARGE) -> str:
    """A PNG picture in base64, with a palette of 256 colours if it is large, as pictures of noise are."""
    if len(picture) <= enough:
        return picture
    file = io.BytesIO()
    opened = PillowImage.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    opened.quantize(256).save(file, "PNG", optimize=True)
    return min(picture, base64.b64encode(file.getvalue()).decode("ascii"), key=len)


if __name__ == "__main__":
    for place in sys.argv[1:]:
        record(Path(place))
        print(f"recorded {place}")
