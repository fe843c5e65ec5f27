"""Pictures along the sampling, in the Compare tab and in the Explain tab."""

import re

import gradio as gr
import numpy as np
import pytest
import torch
from support.apps import write_run

from apps import comparison, restorers, sampling
from workbench import nets
from workbench.restorers import Restorer, save_restorer

pytestmark = pytest.mark.usefixtures("nothing_packaged")

SMALL = {"name": "drdd-pocket", "widths": [8], "in_channels": 6, "out_channels": 3}


@pytest.fixture
def runs(tmp_path):
    """A run of DRDD beside one of a single pass."""
    write_run(tmp_path / "runs", "plain", "vanilla", 0)
    folder = write_run(tmp_path / "runs", "sampler", "drdd", 1)
    torch.manual_seed(0)
    networks = {role: nets.build(**SMALL) for role in ("residual", "noise")}
    described = dict.fromkeys(networks, SMALL)
    restorer = Restorer(networks, "drdd", described=described, data_range=(-1, 1))
    save_restorer(folder / "restorer.safetensors", restorer, provenance={"method": "drdd"})
    return tmp_path / "runs"


@pytest.fixture
def panel(runs):
    with gr.Blocks():
        return sampling.SamplingPanel(runs)


def test_a_film_shows_each_stop_its_noise_subtracted_and_another_seed(runs):
    (choice,) = sampling.choices(restorers.find_restorers(runs)[0])
    assert choice.name == "sampler", "the other one does not"
    restorer, picture = restorers.load(choice), np.random.default_rng(0).random((24, 24, 3), dtype=np.float32)
    page = sampling.film(restorer.with_options({"seed": 3}), picture, picture)
    assert re.findall("<b>(.*?)</b>", page) == [
        "start", "residual, down to step 500", "residual, done", "noise, down to step 500", "noise, done",
    ]  # fmt: skip
    assert page.count("<img") == 3 * 5 and page.count(" dB</small>") == 5 and "seed 4" in page
    many = sampling.film(restorer.with_options({"residual_steps": 10, "noise_steps": 10}), picture)
    assert many.count("<img") == 3 * sampling.MOST_STOPS and "13 pictures between are left out" in many
    assert " dB" not in many


def test_the_crop_is_followed_through_what_samples(runs, photo):
    found, _ = restorers.find_restorers(runs)
    with gr.Blocks():
        film = sampling.CropFilm([gr.State() for _ in range(5)])
    job = comparison.compare([photo], found, comparison.Degradation("awgn"))
    page = film.show(job, "photo.png", 50, 50, 4)
    assert page.count("<h4>") == 1 and page.count("<img") == 15 and page.count(" dB</small>") == 5
    plain = [choice for choice in found if choice.name == "plain"]
    assert "None of these restorers samples" in film.show(comparison.compare([photo], plain), "photo.png", 50, 50, 4)
    with pytest.raises(gr.Error, match="compare something first"):
        film.show(None, None, 50, 50, 4)


def test_the_panel_sets_what_a_restorer_has(panel):
    found = panel.find(None)
    assert (found["choices"], found["value"]) == (["sampler"], "sampler")
    name = next(iter(panel.photos))
    first = panel.show("sampler", name, "Noise of sigma 25", 2, 0, 0, None)
    assert first.count("<img") == 15
    for changed in ((3, 0, 0, None), (2, 1, 0, None), (2, 0, 0.5, None), (2, 0, 0, 0.3)):
        assert panel.show("sampler", name, "Noise of sigma 25", *changed) != first
    with pytest.raises(gr.Error, match="choose a restorer"):
        panel.show(None, name, "Rain streaks", 2, 0, 0, None)
    with pytest.raises(gr.Error, match="level"):
        panel.show("sampler", name, "Rain streaks", 2, 0, 0, -1)
