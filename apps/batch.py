"""The Batch tab: a folder or many files through one to four restorers, back as one zip."""

from __future__ import annotations

import html
import json
import threading
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import gradio as gr

from apps import parts, restorers
from apps.assets import asset
from apps.comparison import CancelledError, Progress
from apps.messages import toasts
from apps.pairs import first_choice
from apps.reading import check_size
from apps.stopping import Stops
from workbench import __version__
from workbench.errors import WorkbenchError
from workbench.files import distinct
from workbench.images import NOT_READ, SUFFIXES

MOST_FILES = 500

_INTRODUCTION = """<p>Each image comes back as a PNG, named after it, in a folder for each restorer; bit depth and
transparency stay, and so do the folders that the images came in. What fails is listed here, and in
<code>report.json</code>.</p>"""


def restore_all(
    files: Sequence[str | Path],
    choices: Sequence[restorers.Choice],
    folder: Path,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
    names: Sequence[str] | None = None,
) -> tuple[Path, dict]:
    """Restore many files with every restorer.

    Parameters
    ----------
    files : sequence of path-like
        Those that are no images by their names are passed over.
    choices : sequence of Choice
        One to four restorers.
    folder : Path
        Where results go; an existing one.
    progress, stop
        As of `apps.comparison.compare`.
    names : sequence of str, optional
        What the files are called in the report and in the zip, with ``/`` between folders; the files' own names if not
        given. Those that are there already get a number.

    Returns
    -------
    archive : Path
        A zip with a folder for each restorer and ``report.json``.
    report : dict
        What is in ``report.json``: for each restorer its card and what became of which file, the files that failed and
        why, and those that were passed over.

    Raises
    ------
    WorkbenchError
        Nothing to do, or too much.
    CancelledError
        ``stop`` was set.
    """
    from workbench.restore import restore_file

    named = dict(zip(_unique(names or [Path(file).name for file in files]), map(Path, files), strict=True))
    images = {name: path for name, path in named.items() if path.suffix.lower() in SUFFIXES | NOT_READ}
    if not images:
        raise WorkbenchError("no images yet: choose a folder, or several image files")
    if len(images) > MOST_FILES:
        raise WorkbenchError(f"{len(images)} images at once are too many; choose up to {MOST_FILES}")
    if not 1 <= len(choices) <= restorers.MOST:
        raise WorkbenchError(f"choose one to {restorers.MOST} restorers")
    outputs = dict(zip(images, _unique([str(PurePosixPath(name).with_suffix(".png")) for name in images]), strict=True))
    failed: dict[str, str] = {}
    report = {
        "version": __version__, "images": len(images), "restorers": {}, "failed": failed,
        "passed_over": sorted(set(named) - set(images)),
    }  # fmt: skip
    total, done = len(images) * len(choices), 0

    def tell(text: str) -> None:
        if stop is not None and stop.is_set():
            raise CancelledError
        if progress is not None:
            progress(done / total, f"{done} of {total}: {text}")

    archive = folder / "restored.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for choice in choices:
            written, begin, restorer = {}, time.perf_counter(), restorers.load(choice)
            for name, path in images.items():
                tell(f"{name}, {choice.name}")
                result = folder / "result.png"
                try:
                    check_size(path)
                    restore_file(restorer, path, result, progress=lambda *_, text=name: tell(text))
                    packed.write(result, f"{choice.name}/{outputs[name]}")
                    written[name] = outputs[name]
                except WorkbenchError as error:
                    failed[name] = str(error).removeprefix(f"{path}: ").removeprefix(f"{path.name}: ")
                done += 1
            seconds = round(time.perf_counter() - begin, 3)
            report["restorers"][choice.name] = {"seconds": seconds, "files": written, "card": choice.card}
        packed.writestr("report.json", json.dumps(report, indent=2) + "\n")
    return archive, report


def _unique(names: Sequence[str]) -> list[str]:
    """The names, without a way out of their folder, and numbered where they repeat."""
    inside = ([part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")] for name in names)
    return distinct("/".join(parts or ["unnamed"]) for parts in inside)


class BatchTab:
    """The tab; to be made inside of `gradio.Blocks`.

    Parameters
    ----------
    runs : Path
        Folder of run folders.
    """

    def __init__(self, runs: Path):
        self.runs = Path(runs)
        self.stops = Stops()
        self.place = gr.State(None)  # holds the folder of the zip until another zip, or the page, takes its place
        self.paths = gr.JSON(visible=False)
        with gr.Row(elem_classes="wb-main"):
            with gr.Column(scale=2, min_width=300):
                self.folder = gr.File(
                    label="A folder, with its sub-folders", file_count="directory", height=150, elem_id="batch-folder"
                )
                self.files = gr.File(
                    label=f"Or image files, up to {MOST_FILES}", file_count="multiple",
                    file_types=["image", *sorted(SUFFIXES)], height=150, elem_id="batch-files",
                )  # fmt: skip
                self.restorers = gr.Dropdown(
                    [], label=f"Restorers, one to {restorers.MOST}", multiselect=True, max_choices=restorers.MOST,
                    elem_id="batch-restorers",
                )  # fmt: skip
                with gr.Row():
                    self.start = gr.Button("Restore all", variant="primary", scale=3, elem_id="batch-start")
                    self.stop = gr.Button("Stop", variant="stop", min_width=80, visible=False, elem_id="batch-stop")
            with gr.Column(scale=3, min_width=300):
                self.status = gr.HTML(visible=False, elem_classes="wb-status")
                self.summary = gr.HTML(_INTRODUCTION, elem_id="batch-summary")
                with gr.Column(visible=False) as self.result:
                    self.archive = gr.File(label="Zip", interactive=False, elem_id="batch-zip")
        self._wire()

    def _wire(self) -> None:
        private = {"api_visibility": "private"}
        light = {**private, "show_progress": "hidden", "concurrency_limit": 4}
        inputs = [self.folder, self.files, self.restorers, self.paths]
        gr.context.Context.root_block.load(None, None, None, js=asset("remember-paths.js"), **private)
        done = self.start.click(self.begin, None, [self.status, self.stop], **light).then(
            self.run, inputs, [self.summary, self.archive, self.result, self.place], js=asset("batch-paths.js"),
            show_progress_on=self.status, concurrency_limit=1, concurrency_id="restore", **private,
        )  # fmt: skip
        for over in (done.success, done.failure):  # gradio's then() does not follow a failure
            over(self.end, None, [self.status, self.stop], **light)
        self.stop.click(
            self.cancel, None, [self.status, self.stop], queue=False, cancels=[done], show_progress="hidden", **private
        )
        gr.context.Context.root_block.unload(self.stops.leave)

    def watch(self, tab: gr.Tab) -> None:
        """Look for restorers whenever the tab is opened."""
        tab.select(self.find, self.restorers, self.restorers, show_progress="hidden", api_visibility="private")

    def find(self, chosen: list[str] | None):
        """The restorers there are; the first adapted one is chosen."""
        choices, _ = restorers.find_restorers(self.runs)
        names = {choice.name for choice in choices}
        kept = [name for name in chosen or [] if name in names] or first_choice(choices)[-1:]
        return gr.update(choices=[(choice.label, choice.name) for choice in choices], value=kept)

    @toasts
    def run(
        self, folder, files, chosen, paths,
        request: gr.Request, progress=gr.Progress(),  # noqa: B008 (gradio looks for it there)
    ):  # fmt: skip
        """Restore everything; what fails is listed on the page as long as it shows this batch."""
        stop = self.stops.event(request)
        found = restorers.chosen(chosen or [], restorers.find_restorers(self.runs)[0])
        place = TemporaryDirectory(prefix="workbench-batch-")
        folder, files = folder or [], files or []
        names = [Path(file).name for file in (*folder, *files)]
        names[: len(folder)] = _relative(names[: len(folder)], paths)
        try:
            archive, report = restore_all(
                [*folder, *files], found, Path(place.name), lambda share, text: progress(share, desc=text), stop, names
            )
        except CancelledError:
            raise gr.Error("Stopped.", visible=False, print_exception=False) from None
        self.stops.ended(request, stop)
        # An update would let go of the value before gradio has copied the file.
        return _summary(report), str(archive), gr.update(visible=True), place

    def begin(self, request: gr.Request):
        """Make room for the progress bar, and offer to stop."""
        self.stops.offer(request)
        return gr.update(visible=True, value=""), gr.update(visible=True)

    def end(self, request: gr.Request):
        """Take both away again; a stop stays told."""
        return self.stops.status(request), gr.update(visible=False)

    def cancel(self, request: gr.Request):
        """Stop after the current tile."""
        self.stops.ask(request)
        return self.end(request)


def _relative(names: list[str], paths: object) -> list[str]:
    """The paths that the browser tells where they are those of the files, which arrive without their folders."""
    told = paths if isinstance(paths, list) and all(isinstance(path, str) for path in paths) else []
    if len(told) != len(names):
        return names
    return [f"{path.rpartition('/')[0]}/{name}" for name, path in zip(names, told, strict=True)]


def _summary(report: dict) -> str:
    """What became of a batch, as HTML: numbers by restorer, then all that has no result."""
    counts = "".join(
        f"<li><b>{html.escape(name)}</b>: {len(entry['files'])} of {report['images']} images in"
        f" {entry['seconds']:.1f} s</li>"
        for name, entry in report["restorers"].items()
    )
    passed = ", ".join(map(html.escape, report["passed_over"]))
    return (
        f"<ul>{counts}</ul>"
        + (parts.failures(report["failed"]) if report["failed"] else "")
        + (f'<p class="wb-hint">Passed over, no images by their names: {passed}</p>' if passed else "")
    )
