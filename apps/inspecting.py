"""Looking at one comparison: numbers, the slider over two pictures, the same crop of each, differences, spectrum."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr
from gradio.events import Dependency

from apps import pictures, report
from apps.assets import asset
from apps.comparison import INPUT, REFERENCE, Comparison, Job, View
from apps.pictures import Crop
from apps.sampling import CropFilm

_AREAS = [("Whole photo", "whole"), ("Crop, enlarged", "crop")]
_PRIVATE = {"api_visibility": "private", "show_progress": "hidden", "concurrency_limit": 4}


class Inspector:
    """Page and handlers; to be made inside of the Compare tab.

    Parameters
    ----------
    job : gr.State
        Holds the job.
    photo : gr.Dropdown
        The name of the photograph that is looked at.
    """

    def __init__(self, job: gr.State, photo: gr.Dropdown):
        self.job, self.photo = job, photo
        self._lay_out()
        self._wire()

    def _lay_out(self) -> None:
        self.table = gr.HTML(elem_id="numbers")
        with gr.Row(elem_classes="wb-choices"):
            self.left = gr.Dropdown([], label="Left", min_width=120, elem_id="left")
            self.right = gr.Dropdown([], label="Right", min_width=120, elem_id="right")
            self.area = gr.Radio(_AREAS, value="whole", label="Show", scale=2, min_width=290, elem_id="area")
        self.slider = gr.ImageSlider(
            label="Before / after", type="filepath", interactive=False, max_height=620, buttons=["fullscreen"],
            elem_id="slider",
        )  # fmt: skip
        with gr.Row(elem_classes="wb-inspector"):
            with gr.Column(scale=1, min_width=200):
                self.locator = gr.HTML(js_on_load=asset("locator.js"), elem_id="locator")
            with gr.Column(scale=3, min_width=300):
                gr.Markdown("#### The same crop of each\nDrag a crop to move all, click to centre.")
                self.zoom = gr.Slider(1, 16, Crop().zoom, step=1, label="Zoom", elem_id="zoom")
                with gr.Row():
                    self.x = gr.Slider(0, 100, 50, step=0.1, label="Across, %", min_width=150, elem_id="across")
                    self.y = gr.Slider(0, 100, 50, step=0.1, label="Down, %", min_width=150, elem_id="down")
        gr.HTML(asset("crop-tools.html"), js_on_load=asset("crop-tools.js"), elem_id="crop-tools")
        self.crops = gr.HTML(js_on_load=asset("grid.js"), elem_id="crops")
        with gr.Accordion("Differences", open=True, elem_id="differences-box"):
            with gr.Row(elem_classes="wb-choices"):
                self.against = gr.Radio([INPUT], value=INPUT, label="Against", min_width=160, elem_id="against")
                self.gain = gr.Slider(1, 20, 5, step=1, label="Gain", min_width=160, elem_id="gain")
            self.differences = gr.HTML(js_on_load=asset("grid.js"), elem_id="differences")
            gr.Markdown(
                "Against the input: what the restorer took away; structure in it is detail lost. Against the reference:"
                " what is still wrong. Grey is no difference."
            )
        CropFilm([self.job, self.photo, self.x, self.y, self.zoom])
        with gr.Accordion("Spectrum", open=True):
            self.spectrum = gr.Plot(label="Spectrum", show_label=False, container=False, elem_id="spectrum")
            gr.Markdown("Radially averaged power of luma; 0 dB is white noise of standard deviation 1 (of 255).")

    def _wire(self) -> None:
        crop = [self.x, self.y, self.zoom]
        looked_at = [self.job, self.photo, *crop]
        crop_outputs = [self.locator, self.crops, self.differences]
        slider_inputs = [*looked_at, self.left, self.right, self.area]
        views = [self.table, self.left, self.right, self.against, self.slider, *crop_outputs, self.spectrum]
        self.all = {"inputs": [*slider_inputs, self.against, self.gain], "outputs": views, **_PRIVATE}
        for choice in (self.left, self.right, self.area):
            choice.input(self.slide, slider_inputs, self.slider, **_PRIVATE)
        crop_inputs = [*looked_at, self.against, self.gain]
        always = {**_PRIVATE, "trigger_mode": "always_last"}
        for slider in (*crop, self.gain):
            slider.input(self.inspect, crop_inputs, crop_outputs, **always).then(
                self.slide_crop, slider_inputs, self.slider, **always
            )
        self.against.input(self.inspect, crop_inputs, crop_outputs, **_PRIVATE)
        for event, handler in (
            (self.locator.click, self.point),
            (self.locator.input, self.move),
            (self.crops.input, self.move),
            (self.differences.input, self.move),
        ):
            event(handler, looked_at, [self.x, self.y], **always).then(
                self.inspect, crop_inputs, crop_outputs, **always
            ).then(self.slide_crop, slider_inputs, self.slider, **always)

        gr.context.Context.root_block.load(
            None, None, None, js=asset("slider-keys.js"), api_visibility="private", show_progress="hidden"
        )

    def open_after(self, trigger: Callable) -> Dependency:
        """Show another photograph after an event."""
        found = trigger(self.focus, [self.job, self.photo], [self.x, self.y], **_PRIVATE)
        return found.success(self.show, **self.all)

    def focus(self, job: Job | None, photo):
        """Begin with the crop in which the results differ most."""
        if job is None:
            return gr.skip(), gr.skip()
        x, y = pictures.differing_place(job[photo], Crop().zoom)
        return _percent(x), _percent(y)

    def show(self, job: Job | None, photo, x, y, zoom, left, right, area, against, gain):
        """Everything about one photograph."""
        from apps.spectrum import plot

        if job is None:
            return (gr.skip(),) * 9
        comparison = job[photo]
        titles = list(comparison.views)
        labelled = [(_label(view), title) for title, view in comparison.views.items()]
        results = [view.title for view in comparison.restored]
        left = left if left in titles else INPUT
        right = right if right in titles and right != INPUT else results[-1]
        bases = [INPUT, REFERENCE] if REFERENCE in titles else [INPUT]
        against = against if against in bases else INPUT
        return (
            report.table(comparison),
            gr.update(choices=labelled, value=left),
            gr.update(choices=labelled, value=right),
            gr.update(choices=bases, value=against),
            _pair(comparison, left, right, area, _crop(x, y, zoom)),
            *self.inspect(job, photo, x, y, zoom, against, gain),
            plot(comparison),
        )

    def inspect(self, job: Job | None, photo, x, y, zoom, against, gain):
        """The crop of every view and difference."""
        if job is None:
            return (gr.skip(),) * 3
        comparison, crop = job[photo], _crop(x, y, zoom)
        return (
            pictures.locator(comparison, crop),
            pictures.crop_figures(comparison, crop),
            pictures.difference_figures(comparison, crop, against, gain),
        )

    def slide(self, job: Job | None, photo, x, y, zoom, left, right, area):
        """The pair under the before/after slider."""
        return gr.skip() if job is None else _pair(job[photo], left, right, area, _crop(x, y, zoom))

    def slide_crop(self, job: Job | None, photo, x, y, zoom, left, right, area):
        """The same where the crop has moved: the whole photo stays as it is."""
        return self.slide(job, photo, x, y, zoom, left, right, area) if area == "crop" else gr.skip()

    def point(self, job: Job | None, photo, x, y, zoom, event: gr.EventData):
        """Centre the crop where the whole photo was clicked."""
        return _percent(event.x), _percent(event.y)

    def move(self, job: Job | None, photo, x, y, zoom, event: gr.EventData):
        """Move the crop by shares of its own size."""
        if job is None:
            return gr.skip(), gr.skip()
        width, height = job[photo].size
        rows, columns = _crop(x, y, zoom).window(width, height)
        across, down = columns.stop - columns.start, rows.stop - rows.start
        return (
            _percent(((columns.start + columns.stop) / 2 + event.dx * across) / width),
            _percent(((rows.start + rows.stop) / 2 + event.dy * down) / height),
        )


def _crop(x: float, y: float, zoom: float) -> Crop:
    return Crop(x / 100, y / 100, int(zoom))


def _percent(share: float) -> float:
    return round(100 * min(max(float(share), 0.0), 1.0), 1)


def _label(view: View) -> str:
    """A view in a list: with the name of the restorer that made it."""
    return view.title if view.choice is None or view.choice.name == view.title else f"{view.title}: {view.choice.name}"


def _pair(comparison: Comparison, left: str, right: str, area: str, crop: Crop) -> tuple[str, str]:
    """The files for the before/after slider."""
    views = [comparison.views.get(title, comparison.views[INPUT]) for title in (left, right)]
    if area == "crop":
        paths = [pictures.enlarged(comparison, view, crop) for view in views]
    else:
        paths = [pictures.preview(comparison, view) for view in views]
    return str(paths[0]), str(paths[1])
