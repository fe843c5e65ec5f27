"""The live training of the Explain tab."""

import json

import gradio as gr
import numpy as np
import pytest
from torch.utils.tensorboard import SummaryWriter

from apps.live_shortcut import (
    CURVES,
    HEEDS,
    PSNR,
    READS,
    SETTINGS,
    VARIANTS,
    LiveShortcut,
    figure,
    live_recipe,
    recorded,
)
from workbench.methods import resolve
from workbench.recipes import save_recipe
from workbench.runs import processes
from workbench.runs.states import Watcher


@pytest.fixture
def panel(tmp_path, monkeypatch):
    """Where nothing is really trained."""
    monkeypatch.setattr(
        processes, "_launch", lambda run, *options: processes.record_process(run.folder, total_steps=300)
    )
    with gr.Blocks():
        return LiveShortcut(Watcher(tmp_path / "runs"), controls=True)


def write(panel, variant, status="finished", values=(0.0, 0.25, 0.5)):
    folder = panel.watcher.runs / f"explain-{variant}"
    folder.mkdir(parents=True, exist_ok=True)
    save_recipe(live_recipe(variant), folder / "recipe.yaml")
    (folder / "summary.json").write_text(json.dumps({"status": status, "steps": 300}))
    with SummaryWriter(folder / "events") as writer:
        for place, value in enumerate(values):
            for curve in CURVES:
                writer.add_scalar(curve, value, 25 * place)


def test_the_recorded_ones_are_of_these_settings_and_show_the_shortcut():
    """What the panel says in words is what three recorded trainings showed."""
    assert recorded()["settings"] == list(SETTINGS)
    drawn = figure({}, 3).layout
    assert drawn.xaxis.visible and drawn.yaxis3.visible, "there are curves, if of no training"
    assert 0 not in recorded()["seeds"], "the live one is another"

    def values(variant, curve, step):
        return np.array(recorded()["curves"][variant][curve]["values"])[:, step]

    assert values("nothing", READS, -1).min() > 3 * values("cs-rs", READS, -1).max(), "it leans on the synthetic hint"
    gain = {name: values(name, PSNR, -1) - values(name, PSNR, 0) for name in VARIANTS}
    assert 0.3 < (gain["nothing"] / gain["cs-rs"]).min() <= (gain["nothing"] / gain["cs-rs"]).max() < 0.7, "about half"
    assert max(abs(values(name, HEEDS, -1)).max() for name in VARIANTS) < 0.01, "another real hint changes nothing"
    assert min(values(name, PSNR, step).min() for name in VARIANTS for step in (4, -1)) > values("cs-rs", PSNR, 0).max()
    assert all(known["steps"][-1] == 300 for curves in recorded()["curves"].values() for known in curves.values())


def test_both_trainings_differ_in_the_two_means_alone():
    neither, both = (resolve(live_recipe(variant)) for variant in VARIANTS)
    options = [recipe.options["noise-space"] for recipe in (neither, both)]
    assert {name for name in options[0] if options[0][name] != options[1][name]} == {"channel_shuffle", "residual_swap"}
    same = {"name": "", "description": "", "options": {}}
    assert neither.model_copy(update=same) == both.model_copy(update=same)


def test_before_anything_is_trained_the_recorded_curves_are_shown(panel):
    status, figure, found, timer, start, stop, _ = panel.update(1280, None)
    drawn = json.loads(figure)
    assert not status and not found and not timer.active and start["interactive"] and not stop["interactive"]
    assert len(drawn["data"]) == len(CURVES) * len(VARIANTS) * len(recorded()["seeds"])
    assert {trace["line"]["dash"] for trace in drawn["data"]} == {"dot"}
    assert [each["text"] for each in drawn["layout"]["annotations"]] == list(CURVES.values())
    assert drawn["layout"]["yaxis2"]["matches"] == "y", "both rises at one scale"


def test_a_click_trains_a_second_one_is_refused_and_stop_stops(panel, monkeypatch):
    panel.do_start("nothing")
    run = panel.watcher.run("explain-nothing")
    assert run.recipe == live_recipe("nothing")
    status, _, _, timer, start, stop, seen = panel.update(1280, None)
    assert "is starting" in status and timer.active and not start["interactive"] and stop["interactive"]
    assert panel.update(1280, seen)[0] == gr.skip(), "nothing new"
    with pytest.raises(gr.Error, match="already"):
        panel.do_start("cs-rs")
    asked = []
    monkeypatch.setattr(processes, "stop", lambda run: asked.append(run.name))
    panel.do_stop()
    assert asked == ["explain-nothing"]
    with pytest.raises(gr.Error, match="no training"):
        panel.do_start("../cs-rs")


def test_a_training_that_ended_tells_its_numbers_beside_the_recorded_and_makes_way_for_the_next(panel):
    write(panel, "nothing", values=(0.0, 0.25, 0.625))
    write(panel, "cs-rs", status="training")
    status, figure, found, _, start, *_ = panel.update(1280, None)
    assert "finished at step 300" in status and "The Monitor has its log" in status
    assert "raises the error by 0.62" in found and found.count("<li>") == 1, "of those that reached their end"
    low, *_, high = sorted(values[-1] for values in recorded()["curves"]["nothing"][PSNR]["values"])
    assert f"({low:.1f} to {high:.1f})" in found and recorded()["commit"] in found
    living = [trace for trace in json.loads(figure)["data"] if trace["line"]["dash"] == "solid"]
    assert {trace["name"] for trace in living} == {title for title, *_ in VARIANTS.values()}
    assert len({trace["line"]["color"] for trace in living}) == 2
    assert start["interactive"]
    panel.do_start("nothing")
    assert not panel.watcher.run("explain-nothing").events.exists()


def test_where_others_reach_the_app_one_can_only_look(tmp_path):
    with gr.Blocks():
        panel = LiveShortcut(Watcher(tmp_path), controls=False)
    assert panel.start is None and len(panel.update(1280, None)) == len(panel.refresh["outputs"]) == 5
