"""Runs that are deleted or made anew while a page looks at them: the others are shown, and nothing fails."""

import gradio as gr
import pytest
from support.apps import PAIR, log_run, write_run
from support.vanishing import tries

from apps import restorers
from apps.batch import BatchTab, restore_all
from apps.compare import CompareTab
from apps.monitor import MonitorTab
from apps.planning import plan, waits_for
from apps.results import ResultsTab
from apps.sampling import SamplingPanel
from workbench.errors import WorkbenchError
from workbench.recipes import load_recipe
from workbench.runs.folder import Run
from workbench.runs.states import Watcher

pytestmark = pytest.mark.usefixtures("nothing_packaged")
GONE, GOOD = PAIR


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    for seed, (name, method) in enumerate(((GONE, "noise-space"), (GOOD, "vanilla"))):
        run = write_run(folder / "runs", name, method, seed)
        log_run(run, (1, 2), pictures=(2,))
        (run / "train.log").write_text("step 2")
    begun = write_run(folder, "begun", "noise-space", 2, status="training")
    (begun / "restorer.json").unlink()
    return folder


@pytest.fixture(params=["deleted", "made anew"])
def tried(request, made, tmp_path):
    """Call it with some work on a folder of runs: how often it was done."""
    return tries(made / "runs", tmp_path / "runs", GONE, made / "begun" if request.param == "made anew" else None)


def test_restorers_of_the_others_are_offered(tried, tmp_path):
    with gr.Blocks():
        tabs = [tab(tmp_path / "runs") for tab in (BatchTab, CompareTab, SamplingPanel)]

    def offer(_):
        batch = tabs[0].find([])
        compare, _ = tabs[1].find([], [])
        tabs[1].show_cards([GONE, GOOD], [])
        tabs[2].find(None)
        for offered in (batch, compare):
            assert GOOD in [name for _, name in offered["choices"]]

    assert tried(offer) > 10


def test_the_run_behind_a_number_is_shown_or_named(tried, tmp_path):
    with gr.Blocks():
        tab = ResultsTab(tmp_path / "runs")

    def show(_):
        try:
            tab.show_run(GONE, 1280)
        except gr.Error as error:
            assert "is not there (any more)" in str(error)

    assert tried(show) > 10


def test_a_look_at_the_runs_leaves_it_out(tried, tmp_path):
    with gr.Blocks():
        tab = MonitorTab(Watcher(tmp_path / "runs"), controls=False)

    def look(runs):
        tab.watcher = Watcher(runs)
        tab.update([GONE], GONE, [], 0, "steps", False, 0, 1280, False, {})

    assert tried(look) > 10


def test_what_was_chosen_is_restored_or_named(tried, photo, tmp_path):
    (tmp_path / "out").mkdir()

    def restore(runs):
        restorers._load.cache_clear()
        try:
            choices = restorers.chosen([GONE], restorers.find_restorers(runs)[0])
            restore_all([photo], choices, tmp_path / "out")
        except WorkbenchError as error:
            assert "\n" not in str(error)

    assert tried(restore) > 5


def test_plans_are_made_without_it(tried):
    recipe = load_recipe("denoise-pocket", method="noise-space")

    def think(runs):
        assert plan(recipe, runs).steps
        waits_for(Run(runs / GONE))

    assert tried(think) > 10
