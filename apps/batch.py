"""The Batch tab: a folder or many files through one to four restorers, back as one zip."""

from __future__ import annotations

import json
import os
import threading
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import gradio as gr

from apps import restorers
from apps.comparison import CancelledError, Progress
from apps.messages import toasts
from apps.reading import check_size
from workbench import __version__
from workbench.errors import WorkbenchError
from workbench.images import SUFFIXES
from workbench.restore import restore_files

MOST_FILES = 500


def restore_all(
    files: Sequence[str | Path],
    choices: Sequence[restorers.Choice],
    folder: Path,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> tuple[Path, dict]:
    """Restore many files with every restorer.

    Parameters
    ----------
    files : sequence of path-like
        Those that are no images by their names are passed over.
    choices : sequence of Choice
        One to four restorers.
    folder : Path
        Where results go.
    progress, stop
        As of `apps.comparison.compare`; it stops after the current file.

    Returns
    -------
    archive : Path
        A zip with a folder for each restorer, the restorers' cards and ``report.json``.
    report : dict
        What is in ``report.json``.

    Raises
    ------
    WorkbenchError
        Nothing to do, too much, or nothing could be restored.
    CancelledError
        ``stop`` was set.
    """
    paths = [Path(file) for file in files if Path(file).suffix.lower() in SUFFIXES]
    if not paths:
        raise WorkbenchError("no images yet: choose a folder, or several image files")
    if len(paths) > MOST_FILES:
        raise WorkbenchError(f"{len(paths)} images at once are too many; choose up to {MOST_FILES}")
    if not 1 <= len(choices) <= restorers.MOST:
        raise WorkbenchError(f"choose one to {restorers.MOST} restorers")
    failed, good = {}, []
    for path in paths:
        try:
            check_size(path)
            good.append(path)
        except WorkbenchError as error:
            failed[path.name] = str(error)
    report = {"version": __version__, "images": len(paths), "restorers": {}, "failed": failed}
    total, done = len(good) * len(choices), 0
    names = {path: path.name for path in good}

    def tell(name: str) -> None:
        if stop is not None and stop.is_set():
            raise CancelledError
        if progress is not None:
            progress(done / max(total, 1), f"{done} of {total}: {name}")

    for choice in choices:
        written = {}

        def after(path: Path, output: Path, choice: restorers.Choice = choice, written: dict = written) -> None:
            nonlocal done
            done += 1
            written[names[path]] = output.name
            tell(choice.name)

        tell(choice.name)
        begin = time.perf_counter()
        for failure in restore_files(restorers.load(choice), good, folder / choice.name, report=after):
            path = Path(failure["name"])
            failed[path.name] = failure["reason"]
            done += 1
        report["restorers"][choice.name] = {
            "seconds": round(time.perf_counter() - begin, 3), "files": written, "card": choice.card,
        }  # fmt: skip
    if not any(entry["files"] for entry in report["restorers"].values()):
        raise WorkbenchError("; ".join(f"{name}: {reason}" for name, reason in list(failed.items())[:3]))
    archive = folder / "restored.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        packed.writestr("report.json", json.dumps(report, indent=2) + "\n")
        for choice in choices:
            for path in sorted((folder / choice.name).iterdir()):
                packed.write(path, f"{choice.name}/{path.name}")
                os.unlink(path)  # the disk need not hold everything twice
    return archive, report


class BatchTab:
    """The tab; to be made inside of `gradio.Blocks`.

    Parameters
    ----------
    runs : Path
        Folder of run folders.
    """

    def __init__(self, runs: Path):
        self.runs = Path(runs)
        self._stops: dict[str, threading.Event] = {}
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
                self.summary = gr.Markdown(
                    "Each image comes back as a PNG, named after it, in a folder for each restorer; bit depth and"
                    " transparency stay. `report.json` names what failed and why.",
                    elem_id="batch-summary",
                )
                self.archive = gr.File(label="Zip", interactive=False, visible=False, elem_id="batch-zip")
        self._wire()

    def _wire(self) -> None:
        private = {"api_visibility": "private"}
        light = {**private, "show_progress": "hidden", "concurrency_limit": 4}
        done = self.start.click(lambda: _shown(True), None, [self.status, self.stop], **light).then(
            self.run, [self.folder, self.files, self.restorers], [self.summary, self.archive],
            show_progress_on=self.status, concurrency_limit=1, concurrency_id="restore", **private,
        )  # fmt: skip
        for over in (done.success, done.failure):  # gradio's then() does not follow a failure
            over(lambda: _shown(False), None, [self.status, self.stop], **light)
        self.stop.click(
            self.cancel, None, [self.status, self.stop], queue=False, cancels=[done], show_progress="hidden", **private
        )
        gr.context.Context.root_block.unload(self.leave)

    def watch(self, tab: gr.Tab) -> None:
        """Look for restorers whenever the tab is opened."""
        tab.select(self.find, self.restorers, self.restorers, show_progress="hidden", api_visibility="private")

    def find(self, chosen: list[str] | None):
        """The restorers there are; the first adapted one is chosen."""
        choices, _ = restorers.find_restorers(self.runs)
        names = {choice.name for choice in choices}
        kept = [name for name in chosen or [] if name in names] or restorers.first_choice(choices)[-1:]
        return gr.update(choices=[(choice.label, choice.name) for choice in choices], value=kept)

    @toasts
    def run(self, folder, files, chosen, request: gr.Request, progress=gr.Progress()):  # noqa: B008 (gradio looks there)
        """Restore everything; the zip is deleted with gradio's copy of it."""
        found = restorers.chosen(chosen or [], restorers.find_restorers(self.runs)[0])
        stop = self._stops[request.session_hash] = threading.Event()
        place = TemporaryDirectory(prefix="workbench-batch-")
        try:
            archive, report = restore_all(
                [*(folder or []), *(files or [])], found, Path(place.name),
                lambda share, text: progress(share, desc=text), stop,
            )  # fmt: skip
        except CancelledError:
            gr.Info("Stopped.")
            raise gr.Error("Stopped.", visible=False, print_exception=False) from None
        finally:
            self._stops.pop(request.session_hash, None)
        return _summary(report), gr.update(value=_Owned(archive, place), visible=True)

    def cancel(self, request: gr.Request):
        """Stop after the current file."""
        self.leave(request)
        return _shown(False)

    def leave(self, request: gr.Request) -> None:
        """Stop what the page waits for, as when it is closed."""
        if stop := self._stops.get(request.session_hash):
            stop.set()


class _Owned(str):
    """A file's path that keeps its folder until gradio has copied the file."""

    def __new__(cls, path: Path, owner: TemporaryDirectory):
        owned = super().__new__(cls, path)
        owned.owner = owner
        return owned


def _shown(shown: bool):
    return gr.update(visible=shown, value="") if shown else gr.update(visible=False), gr.update(visible=shown)


def _summary(report: dict) -> str:
    lines = [
        f"- **{name}**: {len(entry['files'])} images in {entry['seconds']:.1f} s"
        for name, entry in report["restorers"].items()
    ]
    lines += [f"- failed: {name} ({reason})" for name, reason in list(report["failed"].items())[:20]]
    return "\n".join(lines)
