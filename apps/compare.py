"""The Compare tab: input / vanilla / adapted on one's own photograph."""

from __future__ import annotations

import html
from functools import partial
from pathlib import Path

import gradio as gr

from apps import comparison as work
from apps import parts, report, restorers, verdict
from apps.assets import asset, filled
from apps.comparison import Job
from apps.degrading import KINDS, Degradation
from apps.endpoints import Endpoints
from apps.inspecting import Inspector
from apps.messages import toasts, told
from apps.pairs import first_choice
from apps.reading import read_photo
from apps.samples import SIGMA, samples, thumbnails
from apps.stopping import Stops
from apps.voting import BlindVote
from workbench.data.camera import CAMERAS
from workbench.errors import WorkbenchError
from workbench.images import SUFFIXES

_IMAGE_TYPES = ["image", *sorted(SUFFIXES)]
CLASSICAL = {"nlm": "non-local means", "tv": "total variation", "bm3d": "BM3D"}
"""Packaged restorers that nobody trained, by what the page calls them."""


class CompareTab:
    """The tab; to be made inside of `gradio.Blocks`.

    Parameters
    ----------
    runs : Path
        Folder of run folders; looked at whenever the page is opened.
    """

    def __init__(self, runs: Path):
        self.runs = Path(runs)
        self.stops = Stops()
        self._lay_out()
        self._wire()
        Endpoints(self.runs)

    # What is on the page

    def _lay_out(self) -> None:
        self.job = gr.State(None)
        self.uploaded = gr.State([])
        self.touched = gr.State(False)  # whether a person chose the restorers
        with gr.Row(elem_classes="wb-main"):
            with gr.Column(scale=2, min_width=320):
                self._lay_out_controls()
            with gr.Column(scale=5, min_width=320):
                self.welcome = gr.HTML(parts.welcome())
                self.status = gr.HTML(visible=False, elem_id="compare-status", elem_classes="wb-status")
                self.preview = gr.HTML(visible=False, elem_id="preview")
                with gr.Column(visible=False) as self.results:
                    self._lay_out_results()
                self.vote = BlindVote(self.runs, self.job, self.results)

    def _lay_out_controls(self) -> None:
        self.photos = gr.Gallery(
            label="Photos: drop, paste or choose", type="filepath", file_types=_IMAGE_TYPES, interactive=True,
            sources=["upload", "clipboard"], columns=3, height=150, object_fit="contain", fit_columns=False, buttons=[],
            elem_id="photos",
        )  # fmt: skip
        with gr.Row():
            self.start = gr.Button("Compare", variant="primary", scale=3, elem_id="compare")
            self.stop = gr.Button("Stop", variant="stop", scale=1, min_width=80, visible=False, elem_id="stop")
        self.samples = gr.HTML(parts.sample_list(), js_on_load=asset("samples.js"), elem_id="samples")
        self.no_runs = gr.HTML(filled("no-runs.html", runs=html.escape(self.runs.name or "runs")), visible=False)
        known, _ = restorers.find_restorers(self.runs)  # those that the page appears with
        self.restorers = gr.Dropdown(
            [(choice.label, choice.name) for choice in known], value=first_choice(known),
            label=f"Restorers, two to {restorers.MOST}", multiselect=True, max_choices=restorers.MOST,
            elem_id="restorers",
        )  # fmt: skip
        with gr.Row(elem_classes="wb-choices"):
            self.classical = [
                gr.Button(f"+ {title}", size="sm", min_width=90, elem_id=f"add-{name}")
                for name, title in CLASSICAL.items()
            ]
        gr.HTML(filled("classical.html"))
        with gr.Accordion("What they were trained on", open=False):
            self.cards = gr.HTML(elem_id="cards")
        self.kind = gr.Dropdown(
            [(title, kind) for kind, title in KINDS.items()], value="none", label="Degrade the photo first",
            elem_id="degradation", info="For a clean photo, to have a reference to measure against.",
        )  # fmt: skip
        self.sigma = gr.Slider(0, 100, SIGMA, step=1, label="AWGN sigma (of 255)", visible=False)
        self.camera = gr.Dropdown(list(CAMERAS), value="standard", label="Simulated camera", visible=False)
        with gr.Accordion("I have the photo's clean twin", open=False) as self.reference_box:
            self.references = gr.File(
                label="References: one for one photo, or files named as the photos", file_count="multiple",
                file_types=_IMAGE_TYPES, height=140, elem_id="references",
            )  # fmt: skip
        with gr.Accordion("More restorers", open=False):
            self.again = gr.Button("Look again for finished runs", size="sm", elem_id="look-again")
            self.files = gr.File(
                label="Or add one: its .safetensors and its .json card", file_count="multiple",
                file_types=[".safetensors", ".json"], height=140, elem_id="restorer-files",
            )  # fmt: skip
            self.options = gr.Textbox(
                label="Or add the last chosen one with other options", placeholder="steps=10, seed=1",
                info="What can be set stands with what they were trained on. Enter adds it.",
                max_length=200, elem_id="restorer-options",
            )  # fmt: skip

    def _lay_out_results(self) -> None:
        self.verdict = gr.HTML(elem_id="verdict")
        self.failed = gr.HTML(visible=False, elem_id="failed")
        self.photo = gr.Dropdown([], label="Photo", visible=False, elem_id="photo")
        self.inspector = Inspector(self.job, self.photo)
        self.vote_begins = gr.Button("Vote blind: which one is better?", size="sm", elem_id="begin-vote")
        with gr.Accordion("Download", open=True):
            self.downloads = gr.File(
                label="Pictures of this photo (PNG), and everything with a report (zip)", file_count="multiple",
                interactive=False, elem_id="downloads",
            )  # fmt: skip

    # What happens on it

    def _wire(self) -> None:
        private = {"api_visibility": "private"}
        light = {**private, "show_progress": "hidden", "concurrency_limit": 4}
        self.vote.wire(self.vote_begins, light)
        self.again.click(self.find, [self.restorers, self.uploaded], [self.restorers, self.no_runs], **light)
        gr.context.Context.root_block.load(
            self.find, [self.restorers, self.uploaded], [self.restorers, self.no_runs], **light
        )
        self.restorers.change(self.show_cards, [self.restorers, self.uploaded], self.cards, **light)
        self.kind.change(self.choose_degradation, self.kind, [self.sigma, self.camera, self.reference_box], **light)
        self.files.upload(
            self.add_restorer, [self.files, self.restorers, self.uploaded],
            [self.files, self.restorers, self.uploaded, self.touched], **light,
        )  # fmt: skip
        self.options.submit(
            self.add_options, [self.options, self.restorers, self.uploaded],
            [self.options, self.restorers, self.uploaded, self.touched], **light,
        )  # fmt: skip
        for name, button in zip(CLASSICAL, self.classical, strict=True):
            button.click(partial(self.add_classical, name), self.restorers, [self.restorers, self.touched], **light)
        self.restorers.input(lambda: True, None, self.touched, **light)
        self.kind.input(self.suit, [self.kind, self.touched], self.restorers, **light)
        self.photos.upload(self.drop_sample_reference, self.references, self.references, **light).then(
            self.suit, [self.kind, self.touched], self.restorers, **light
        )

        compare = {
            "inputs": [
                self.photos, self.restorers, self.kind, self.sigma, self.camera, self.references, self.uploaded,
            ],
            "outputs": [
                self.job, self.welcome, self.results, self.vote.page, self.photo, self.failed, self.verdict,
                self.preview,
            ],
            "show_progress_on": self.status, "concurrency_limit": 1, "concurrency_id": "restore", **private,
        }  # fmt: skip
        packing = {"inputs": [self.job, self.photo], "outputs": self.downloads, "concurrency_limit": 1, **private}
        picked = self.samples.click(
            self.pick_sample, self.touched, [self.photos, self.references, self.kind, self.sigma, self.restorers],
            **light,
        )  # fmt: skip
        running = []
        for trigger in (self.start.click, picked.success):
            begun = trigger(self.begin, self.job, [self.status, self.stop, self.vote.page, self.results], **light)
            begun.success(None, js=asset("show-status.js"), **private)
            done = begun.then(self.run, **compare)
            for over in (done.success, done.failure):  # gradio's then() does not follow a failure
                over(self.end, None, [self.status, self.stop, self.preview], **light)
            self.inspector.open_after(done.success).success(self.pack, **packing)
            running.append(done)
        # Cancelling takes a waiting job out of the queue; one that runs is told, too, for it would run to its end.
        self.stop.click(
            self.cancel,
            None,
            [self.status, self.stop, self.preview],
            queue=False,
            cancels=running,
            show_progress="hidden",
            **private,
        )
        gr.context.Context.root_block.unload(self.stops.leave)

        self.inspector.open_after(self.photo.input).success(self.pack, **packing)

    def find(self, chosen: list[str] | None, uploaded: list[restorers.Choice]):
        """Look for finished runs."""
        choices, problems = restorers.find_restorers(self.runs)
        for problem in problems:
            gr.Warning(told(problem))
        return self._dropdown([*choices, *uploaded], chosen), gr.update(visible=not choices)

    def _dropdown(self, choices: list[restorers.Choice], chosen: list[str] | None):
        names = {choice.name for choice in choices}
        kept = [name for name in chosen or [] if name in names] or first_choice(choices)
        return gr.update(choices=[(choice.label, choice.name) for choice in choices], value=kept)

    def show_cards(self, chosen: list[str] | None, uploaded: list[restorers.Choice]):
        """What the chosen restorers were trained on."""
        known, _ = restorers.find_restorers(self.runs)
        names = set(chosen or [])
        return parts.cards([choice for choice in (*known, *uploaded) if choice.name in names])

    def choose_degradation(self, kind: str):
        """Show the degradation's one control; a reference is needed without degradation only."""
        return tuple(gr.update(visible=kind == each) for each in ("awgn", "camera", "none"))

    def add_classical(self, name: str, chosen: list[str] | None):
        """Put a denoiser that was never trained beside those that are chosen."""
        kept = [each for each in chosen or [] if each != name]
        return gr.update(value=[*kept[: restorers.MOST - 1], name]), True

    @toasts
    def add_restorer(self, files: list[str] | None, chosen: list[str] | None, uploaded: list[restorers.Choice]):
        """Take in an uploaded restorer once both its files are there."""
        if len(files or []) == 1:
            missing = ".json card" if Path(files[0]).suffix.lower() == ".safetensors" else ".safetensors file"
            gr.Info(f"Now add its {missing} as well.")
            return (gr.skip(),) * 4
        known, _ = restorers.find_restorers(self.runs)
        choice = restorers.add_upload(files or [], [each.name for each in (*known, *uploaded)])
        return None, *self._added(choice, chosen, uploaded)

    @toasts
    def add_options(self, options: str, chosen: list[str] | None, uploaded: list[restorers.Choice]):
        """Take in the last chosen restorer with other options."""
        if not chosen:
            raise WorkbenchError("choose a restorer first")
        known, _ = restorers.find_restorers(self.runs)
        (last,) = restorers.chosen(chosen[-1:], [*known, *uploaded])
        choice = restorers.with_options(last, options)
        if choice.name in {each.name for each in (*known, *uploaded)}:
            raise WorkbenchError(f"{choice.name} is there already")
        return "", *self._added(choice, chosen, uploaded)

    def _added(self, choice: restorers.Choice, chosen: list[str] | None, uploaded: list[restorers.Choice]):
        known, _ = restorers.find_restorers(self.runs)
        uploaded = [*uploaded, choice]
        kept = [*(chosen or []), choice.name][-restorers.MOST :]
        gr.Info(told(f"Added {choice.name}."))
        return self._dropdown([*known, *uploaded], kept), uploaded, True

    def suit(self, kind: str, touched: bool):
        """The packaged pair for a degradation, as long as nobody chose restorers."""
        return gr.skip() if touched else gr.update(value=first_choice(restorers.find_restorers(self.runs)[0], kind))

    def pick_sample(self, touched: bool, event: gr.EventData):
        """Put a sample where uploads would be: with its reference, or clean and with AWGN to be added."""
        simulated = bool(event.simulated)
        sample = samples(simulated)[int(event.index)]
        if simulated:
            return [str(sample.photo)], [str(sample.reference)], "none", gr.skip(), self.suit("night", touched)
        return [str(sample.photo)], None, "awgn", SIGMA, self.suit("awgn", touched)

    def drop_sample_reference(self, references: list[str] | None):
        """A sample's reference leaves when photos of one's own come."""
        names = {f"{name}.png" for name in thumbnails(True)}
        return [path for path in references or [] if Path(path).name not in names] or None

    def begin(self, job: Job | None, request: gr.Request):
        """Make room for the progress bar, and offer to stop; an open vote is of what was compared before."""
        self.stops.offer(request)
        shown, hidden = gr.update(visible=True), gr.update(visible=False)
        return gr.update(visible=True, value=""), shown, hidden, gr.update(visible=job is not None)

    def end(self, request: gr.Request):
        """Take both away again, and the crop that came first; a stop stays told."""
        hidden = gr.update(visible=False)
        return self.stops.status(request), hidden, hidden

    @toasts
    def run(
        self, photos, chosen, kind, sigma, camera, references, uploaded,
        request: gr.Request, progress=gr.Progress(),  # noqa: B008 (gradio looks for it there)
    ):  # fmt: skip
        """Restore and measure; the page keeps what it shows if that fails or is stopped.

        Of a large photograph a crop comes first.
        """
        from apps.previewing import preview

        stop = self.stops.event(request)
        known, _ = restorers.find_restorers(self.runs)
        paths = [path for path, _ in photos or []]
        try:
            choices = restorers.chosen(chosen or [], [*known, *uploaded])
            opened = {paths[0]: read_photo(Path(paths[0]))} if len(paths) == 1 and kind == "none" else {}
            if opened and (crop := preview(opened[paths[0]].pixels, choices)):
                yield (*(gr.skip(),) * 7, gr.update(value=crop, visible=True))
            job = work.compare(
                paths,
                choices,
                Degradation(kind, sigma, camera),
                references or (),
                progress=lambda share, text: progress(share, desc=text),
                stop=stop,
                opened=opened,
            )
        except work.CancelledError:
            raise gr.Error("Stopped.", visible=False, print_exception=False) from None
        self.stops.ended(request, stop)
        names = [comparison.name for comparison in job.comparisons]
        yield (
            job,
            gr.update(visible=False),
            gr.update(visible=True),
            gr.update(visible=False),
            gr.update(choices=names, value=names[0], visible=len(names) > 1),
            gr.update(value=parts.failures(job.failures), visible=bool(job.failures)),
            verdict.as_html(job),
            gr.update(visible=False),
        )

    def cancel(self, request: gr.Request):
        """Stop after the current tile; a message, which comes through the queue, would be cancelled, too."""
        self.stops.ask(request)
        return self.end(request)

    def pack(self, job: Job | None, photo, progress=gr.Progress()):  # noqa: B008 (gradio looks for it there)
        """The files to download."""
        if job is None:
            return None
        archive = report.write_zip(job, lambda share, text: progress(share, desc=text))
        return [str(path) for path in (*report.write_pictures(job[photo]), archive)]
