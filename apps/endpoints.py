"""What programs may call: named endpoints beside the page."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from apps import comparison as work
from apps import report, restorers
from apps.comparison import Job
from apps.degrading import KINDS, Degradation
from apps.messages import toasts
from apps.samples import SIGMA
from workbench.data.camera import CAMERAS
from workbench.errors import WorkbenchError


class Endpoints:
    """The endpoints; to be made inside of `gradio.Blocks`.

    Parameters
    ----------
    runs : Path
        Folder of run folders.
    """

    def __init__(self, runs: Path):
        self.runs = Path(runs)
        self._offer()

    def _offer(self) -> None:
        limits = {"concurrency_limit": 1, "concurrency_id": "restore"}
        gr.api(self.list_restorers, api_name="restorers", concurrency_limit=4)
        with gr.Group(visible=False):
            caller, trigger = gr.Button(), gr.Button()
            photo, name = gr.File(label="photo"), gr.Textbox(label="restorer")
            restored, numbers = gr.File(label="restored"), gr.JSON(label="numbers")
            photos, names = gr.File(label="photos", file_count="multiple"), gr.JSON(label="restorers")
            kind = gr.Radio(list(KINDS), value="none", label="degradation")
            sigma = gr.Number(SIGMA, label="sigma")
            camera = gr.Radio(list(CAMERAS), value="standard", label="camera")
            references = gr.File(label="references", file_count="multiple")
            found, archive = gr.JSON(label="report"), gr.File(label="zip")
        caller.click(self.restore_one, [photo, name], [restored, numbers], api_name="restore", **limits)
        trigger.click(
            self.compare_many, [photos, names, kind, sigma, camera, references], [found, archive], api_name="compare",
            **limits,
        )  # fmt: skip

    def list_restorers(self) -> list[dict]:
        """The restorers of finished runs: name, label and card of each."""
        choices, _ = restorers.find_restorers(self.runs)
        return [{"name": choice.name, "label": choice.label, "card": choice.card} for choice in choices]

    @toasts
    def restore_one(self, photo, restorer):
        """Restore one photo with the restorer of that name: a PNG file, and seconds and megapixels a second."""
        job = work.compare([photo] if photo else [], self._named([restorer]))
        view = job.comparisons[0].restored[0]
        path = report.write_pictures(job.comparisons[0])[1]
        # The job's folder goes with the job, which must outlast gradio's copying of the file.
        return _Kept(path, job), report.as_dict(job)["photos"][0]["views"][view.title]

    @toasts
    def compare_many(self, photos, names, kind, sigma, camera, references):
        """Compare restorers (a list of names) on photos: the report, and a zip with it, pictures and cards."""
        if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
            raise WorkbenchError("restorers: give a list of names; /restorers tells which there are")
        job = work.compare(photos or [], self._named(names), Degradation(kind, sigma, camera), references or ())
        return report.as_dict(job), _Kept(report.write_zip(job), job)

    def _named(self, names: list) -> list[restorers.Choice]:
        return restorers.chosen(names, restorers.find_restorers(self.runs)[0])


class _Kept(str):
    """A file's path that keeps the job which owns the file."""

    def __new__(cls, path: Path, job: Job):
        kept = super().__new__(cls, path)
        kept.job = job
        return kept
