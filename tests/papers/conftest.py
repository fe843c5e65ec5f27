"""Runs and the lines that they come to."""

import json

import pytest
from support.tables import PROVENANCE, SIDD, report

from data_tools.catalogue import tasks
from workbench.papers.tables import table_lines
from workbench.recipes import load_recipe, save_recipe
from workbench.runs.evaluations import save_evaluation
from workbench.runs.measurements import find_measurements


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def add(runs):
    """Make a run folder as training leaves it, with an evaluation."""

    def add(name, recipe, settings=(), *, on=SIDD, seed=0, method=None, result=None, commit="aaaaaaaaaaaa"):
        folder = runs / name
        folder.mkdir(parents=True)
        save_recipe(load_recipe(recipe, settings, seed=seed, method=method), folder / "recipe.yaml")
        summary = {"status": "finished", "provenance": {"commit": commit}}
        (folder / "summary.json").write_text(json.dumps(summary))
        if on is not None:
            save_evaluation(folder, on, result or report(), PROVENANCE)
        return folder

    return add


@pytest.fixture
def lines(runs):
    return lambda table=None, paper="noise-da": table_lines(paper, table, find_measurements(runs).measurements, tasks())
