"""Which restorers the app begins with: those that belong together, and suit the picture."""

from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from apps import restorers
from apps.compare import CompareTab
from apps.pairs import first_choice, pairs
from apps.restorers import Choice
from apps.samples import samples

PHOTOGRAPHS = ["denoise-photographs-vanilla", "denoise-photographs-adapted"]
CAMERA = ["denoise-simulated-camera-vanilla", "denoise-simulated-camera-adapted"]
NIGHT = ["denoise-photographs-vanilla", "denoise-night-adapted"]


def run(name: str, method: str, recipe: str = "denoise-pocket", seed: int = 0) -> Choice:
    provenance = {"recipe": recipe, "scale": "pocket", "method": method, "seed": seed}
    return Choice(name, Path("runs", name, "restorer.safetensors"), {"provenance": provenance})


@pytest.fixture
def packaged(tmp_path) -> list[Choice]:
    return restorers.find_restorers(tmp_path)[0]


def test_a_run_of_ones_own_has_no_partner_of_another_task_or_seed(packaged):
    mine = run("mine", "noise-space")
    found = pairs([mine, run("rain", "vanilla", "derain-pocket"), run("other", "vanilla", seed=1), *packaged])
    assert not any("mine" in pair for pair in found.values())
    assert list(found.values())[:2] == [PHOTOGRAPHS, CAMERA] and first_choice([mine, *packaged]) == PHOTOGRAPHS


def test_runs_that_differ_in_the_method_alone_are_a_pair():
    choices = [run("b", "noise-space", "denoise-pocket+guarded"), run("a", "vanilla"), run("c", "dann")]
    assert list(pairs(choices).values()) == [["a", "b"]]
    assert [choice.method for choice in choices] == ["guarded", "vanilla", "dann"]
    assert first_choice(choices[:1]) == ["b"] and first_choice([]) == []
    assert pairs([Choice("odd", Path("odd"), {"provenance": {"method": "vanilla", "recipe": 3}})]) == {}


def test_a_degradation_has_its_own_packaged_pair(packaged):
    assert first_choice(packaged, "camera") == CAMERA and first_choice(packaged, "awgn") == PHOTOGRAPHS
    assert first_choice(packaged, "night") == NIGHT
    called = {choice.name: choice.method for choice in packaged}
    assert [called[name] for name in PHOTOGRAPHS] == ["vanilla", "guarded"] and called[NIGHT[1]] == "guarded"
    assert [called[name] for name in CAMERA] == ["vanilla", "adapted"], "one word a method, whatever the file's name"
    assert first_choice(packaged, "layered-rain") == ["derain-vanilla", "derain-adapted"]


def test_a_sample_brings_its_pair_until_somebody_chose(tmp_path):
    with gr.Blocks():
        tab = CompareTab(tmp_path)
    sample = SimpleNamespace(simulated=True, index=0)
    assert tab.pick_sample(False, sample)[0] == [str(samples(True)[0].photo)]
    assert tab.pick_sample(False, sample)[-1]["value"] == NIGHT
    assert tab.pick_sample(False, SimpleNamespace(simulated=False, index=0))[-1]["value"] == PHOTOGRAPHS
    assert tab.pick_sample(True, sample)[-1] == gr.skip()
