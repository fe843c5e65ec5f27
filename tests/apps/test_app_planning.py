"""What the app says of a training before and while its warm start runs."""

import json
import time

import gradio as gr
import pytest
from support.apps import write_run
from torch.utils.tensorboard import SummaryWriter

from apps import runs, starting
from apps.planning import plan, waits_for
from workbench.methods import METHODS, resolve
from workbench.recipes import load_recipe, save_recipe
from workbench.runs.folder import Run
from workbench.runs.states import RUNNING, Progress, State, Watcher
from workbench.training import needed
from workbench.training.needed import NEEDED


@pytest.fixture
def none_packaged(tmp_path, monkeypatch):
    monkeypatch.setattr(needed, "PACKAGED", tmp_path / "none")


def warm_start(folder, status):
    """A warm start of denoise-pocket as a training leaves it, without training."""
    place = folder / NEEDED / "any-s0"
    place.mkdir(parents=True, exist_ok=True)
    (start,) = METHODS["noise-space"].needs(resolve(load_recipe("denoise-pocket"))).values()
    save_recipe(resolve(start), place / "recipe.yaml")
    (place / "summary.json").write_text(json.dumps({"status": status}))
    return place


def test_forty_steps_are_told_with_all_that_comes_before_them(tmp_path, none_packaged):
    found = plan(load_recipe("denoise-pocket", ["training.max_steps=40"]), tmp_path)
    assert (found.before, found.steps, found.seconds) == ({"warm start": 3000, "head start": 150}, 40, None)
    assert "3,190 steps: 3,000 of warm start (restoration alone), 150 of head start" in str(
        found
    ) and "not known" in str(found)
    vanilla = plan(load_recipe("denoise-pocket", ["warm_start=null"], method="vanilla"), tmp_path)
    assert vanilla.before == {} and str(vanilla).startswith("450 steps.")


def test_a_packaged_warm_start_is_there_already(tmp_path):
    found = plan(load_recipe("denoise-pocket"), tmp_path)
    assert found.shared == ["warm start"] and found.before == {"head start": 150}
    assert plan(load_recipe("denoise-pocket", seed=1), tmp_path).before == {"warm start": 3000, "head start": 150}


def test_minutes_are_those_of_earlier_runs(tmp_path, none_packaged):
    folder = write_run(tmp_path, "before", "noise-space", 0)
    summary = {"status": "finished", "steps": 600, "seconds": 120, "warm_start": {"name": "w", "seconds": 300}}
    (folder / "summary.json").write_text(json.dumps(summary))
    recipe = load_recipe("denoise-pocket", ["training.max_steps=450"])
    assert plan(recipe, tmp_path).seconds == pytest.approx(420) and "Some 7 min" in str(plan(recipe, tmp_path))
    larger = load_recipe("denoise-pocket", ["training.max_steps=450", "training.batch_size=32"])
    assert plan(larger, tmp_path).seconds == pytest.approx(540)
    assert plan(load_recipe("denoise-pocket", method="vanilla"), tmp_path).seconds is None
    warm_start(tmp_path, "finished")
    shared = plan(recipe, tmp_path)
    assert (
        shared.shared == ["warm start"]
        and shared.before == {"head start": 150}
        and shared.seconds == pytest.approx(120)
    )


def test_the_form_tells_it_before_start(tmp_path, none_packaged):
    with gr.Blocks():
        form = starting.StartForm(Watcher(tmp_path), gr.Accordion())
    assert "3,000 of warm start" in form.tell("denoise-pocket", "noise-space", 0, "", 40, 16, 3e-4, "")
    assert "no such key" in form.tell("denoise-pocket", "noise-space", 0, "", 40, 16, 3e-4, "training.nothing=1")


def test_a_run_that_waits_for_its_warm_start_shows_how_far_that_is(tmp_path, none_packaged):
    run = Run(write_run(tmp_path, "mine", "noise-space", 0, status="training"))
    assert waits_for(run) == ("warm start", 0, 3000)
    place = warm_start(tmp_path, "training")
    with SummaryWriter(place / "events") as writer:
        writer.add_scalar("time/seconds_per_step", 0.1, 1200)
    assert waits_for(run) == ("warm start", 1200, 3000)
    state = State("mine", RUNNING, True, 600, time.time(), {}, "own")
    page = runs.state_table([(state, Progress(0, None, None, None))], waiting={"mine": waits_for(run)})
    assert "warm start: 1,200 of 3,000" in page
    warm_start(tmp_path, "finished")
    assert waits_for(run) is None
