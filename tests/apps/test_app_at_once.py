"""The page comes before what it does not show: what is imported for it, and what is recorded of the samples."""

import base64
import io
import json
import subprocess
import sys

import numpy as np
from PIL import Image

from apps import warming
from apps.assets import asset
from apps.samples import RECORD, samples
from workbench.methods import METHODS, method_names, title_of

_PAGE = """
import sys, time
from pathlib import Path
from apps.main import build, gr
page = build(Path(sys.argv[1]))
opened = 0
for each in page.fns.values():  # what the page asks for when it comes, and when a tab is opened
    tab = any(event == "select" and isinstance(page.blocks[block], gr.Tab) for block, event in each.targets)
    if each.fn is not None and (tab or "load" in [event for _, event in each.targets]):
        each.fn(*(component.value for component in each.inputs))
        opened += 1
slow = ("torch", "lightning", "scipy.ndimage", "scipy.special", "skimage", "matplotlib", "plotly.graph_objects")
print([name for name in slow if name in sys.modules], opened > 9, time.process_time() < 9)
import gradio.component_meta, gradio.events
gradio.component_meta.create_or_modify_pyi(None, None, None)  # gradio's own would look for a source
assert "{{ component }}" in gradio.events.Events.change.listener.__doc__
"""


def test_the_page_and_its_tabs_are_made_without_what_takes_seconds_to_import(tmp_path):
    done = subprocess.run([sys.executable, "-c", _PAGE, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout.split("\n")[0] == "[] True True", done.stderr[-500:]
    assert done.returncode == 0, done.stderr[-500:]


def test_the_record_of_the_samples_is_of_the_samples():
    for kind, listed in json.loads(asset(RECORD)).items():
        made = samples(kind == "simulated")
        assert list(listed) == [sample.name for sample in made]
        for sample in made:
            assert sample.photo.stem == sample.name and (
                sample.reference is None or sample.reference.stem == sample.name
            )
            shown = Image.open(io.BytesIO(base64.b64decode(listed[sample.name].partition(",")[2]))).convert("RGB")
            small = Image.open(sample.photo)
            small.thumbnail(shown.size)
            assert small.size == shown.size
            small, shown = (np.asarray(each.reduce(8), float) for each in (small, shown))  # WebP keeps colours coarsely
            assert np.abs(small - shown).mean() < 3, sample.name


def test_names_and_titles_of_methods_that_are_known_without_them_are_theirs():
    assert method_names() == list(METHODS)
    assert all(title_of(name) == (method.title or name) for name, method in METHODS.items())
    assert title_of("of a package that is not here") == "of a package that is not here"


def test_the_rest_is_loaded_beside_the_page_unless_it_is_closed(monkeypatch):
    made, imported = [], []
    monkeypatch.setattr(warming, "AFTER", 0)
    monkeypatch.setattr(warming, "samples", made.append)
    monkeypatch.setattr(warming, "import_module", imported.append)
    closed = warming.Warming()
    closed.stop()
    closed.run()
    assert not made and not imported
    warming.Warming().run()
    assert made == [True, False] and "workbench.restore" in imported
    monkeypatch.setattr(warming, "import_module", lambda name: 1 / 0)
    warming.Warming().run()  # in silence: who needs it will be told
