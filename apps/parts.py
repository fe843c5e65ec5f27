"""Pieces of the Compare tab's page: texts, scripts, the list of samples."""

from __future__ import annotations

import html
from collections.abc import Sequence

from apps.pictures import data_url
from apps.restorers import Choice
from apps.samples import SIGMA, samples

NO_RUNS = """<div class="wb-empty" role="status"><h3>No trained restorer yet</h3>
<p>This page compares restorers, and there is no finished run in <code>{runs}</code>. Train the pair it is made for,
vanilla and adapted, on embedded pictures; two processor cores take some ten minutes:</p>
<pre>make demo</pre><p>Then open this page again. A restorer from elsewhere can be added from its files, under
<b>More restorers</b>.</p>
</div>"""

WELCOME = """<div class="wb-empty"><h3>What did the adaptation change?</h3>
<p>Pick a sample or drop a photo of your own, then compare: the input, the restorer trained on synthetic noise alone
(<b>vanilla</b>), and the one adapted to the target camera in the diffusion model's noise space (<b>adapted</b>).</p>
<p>A photo stays on the machine this app runs on.</p></div>"""

SAMPLES_JS = """
element.addEventListener('click', event => {
    const button = event.target.closest('button');
    if (button) trigger('click', {simulated: button.dataset.simulated === 'yes', index: +button.dataset.index});
});
"""
# Pictures report a click as shares of the whole, a drag as shares of the crop, keys as steps.
LOCATOR_JS = """
const send = (box, event) => trigger('click', {
    x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height});
element.addEventListener('click', event => {
    const area = event.target.closest('.wb-locator');
    if (area) send(area.getBoundingClientRect(), event);
});
element.addEventListener('keydown', event => {
    const step = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]}[event.key];
    if (!step || !event.target.closest('.wb-locator')) return;
    event.preventDefault();
    trigger('input', {dx: 0.5 * step[0], dy: 0.5 * step[1]});
});
"""
GRID_JS = """
let start = null;
const images = () => element.querySelectorAll('.wb-window img');
element.addEventListener('pointerdown', event => {
    const area = event.target.closest('.wb-window');
    if (!area || event.button) return;
    start = {x: event.clientX, y: event.clientY, box: area.getBoundingClientRect()};
    area.setPointerCapture(event.pointerId);
});
element.addEventListener('pointermove', event => {
    if (!start) return;
    const move = `translate(${event.clientX - start.x}px, ${event.clientY - start.y}px)`;
    images().forEach(image => { image.style.transform = move; });
});
element.addEventListener('pointercancel', () => {
    start = null;
    images().forEach(image => { image.style.transform = ''; });
});
element.addEventListener('pointerup', event => {
    if (!start) return;
    const {x, y, box} = start;
    start = null;
    const dx = (x - event.clientX) / box.width, dy = (y - event.clientY) / box.height;
    const still = Math.hypot(event.clientX - x, event.clientY - y) < 4;
    if (still) images().forEach(image => { image.style.transform = ''; });
    trigger('input', still
        ? {dx: (x - box.left) / box.width - 0.5, dy: (y - box.top) / box.height - 0.5} : {dx, dy});
});
"""


def sample_list() -> str:
    """The samples as two rows of buttons."""
    rows = []
    for simulated, heading in ((True, "Samples: simulated camera"), (False, f"Samples: clean, AWGN {SIGMA} is added")):
        buttons = "".join(
            f'<button type="button" data-simulated="{"yes" if simulated else "no"}" data-index="{index}"'
            f' aria-label="Compare the sample {html.escape(sample.name)}" title="{html.escape(sample.name)}">'
            f'<img src="{data_url(sample.thumbnail)}" alt=""></button>'
            for index, sample in enumerate(samples(simulated))
        )
        rows.append(f'<p>{heading}</p><div class="wb-row">{buttons}</div>')
    return f'<div class="wb-samples">{"".join(rows)}</div>'


def cards(choices: Sequence[Choice]) -> str:
    """What restorers were trained on, as their cards tell."""
    if not choices:
        return '<p class="wb-hint">No restorer is chosen.</p>'
    return "".join(
        f"<h4>{html.escape(choice.label)}</h4><dl class='wb-facts'>"
        + "".join(f"<dt>{html.escape(key)}</dt><dd>{html.escape(text)}</dd>" for key, text in choice.facts.items())
        + "</dl>"
        for choice in choices
    )
