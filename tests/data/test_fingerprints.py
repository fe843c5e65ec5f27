"""Data that changed in their place are noticed: by runs, warm starts and measurements."""

import os

import numpy as np
import pytest
from support import TINY

from workbench.comparison import Cell, Grid
from workbench.comparison.command import make_grid
from workbench.data.fingerprints import changed_location, fingerprints
from workbench.errors import WorkbenchError
from workbench.images import write_png
from workbench.recipes import load_recipe
from workbench.runs.evaluating import evaluate_restorer
from workbench.training import fit, run_name


def add(folder, name, seed=0, side=48):
    for part in ("input", "target"):
        (folder / part).mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
        write_png(folder / part / name, pixels)
    return folder


@pytest.fixture
def photographs(tmp_path):
    return add(tmp_path / "photographs", "a.png")


def test_a_digest_tells_names_and_sizes_wherever_the_folder_lies(tmp_path, photographs, monkeypatch):
    before = fingerprints([str(photographs)])
    moved = photographs.rename(tmp_path / "moved")
    assert list(fingerprints([str(moved)]).values()) == list(before.values())
    (moved / ".hidden.png").write_bytes(b"1")
    (moved / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (moved / "notes.txt").write_text("not a picture")
    assert list(fingerprints([str(moved)]).values()) == list(before.values())
    os.rename(moved / "input" / "a.png", moved / "input" / "b.png")
    renamed = fingerprints([str(moved)])
    assert list(renamed.values()) != list(before.values())
    add(moved, "b.png", side=64)
    assert changed_location(renamed, [str(moved)]) == str(moved)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    assert changed_location(renamed, ["dataset:moved"]) == "dataset:moved", "the same folder by another name"


def test_embedded_data_and_missing_folders_have_none(tmp_path):
    missing = str(tmp_path / "nowhere")
    assert fingerprints(["embedded", "synthetic", "simulated-camera", "dataset:nothing", missing]) == {}
    assert changed_location({"embedded": "0"}, ["embedded"]) is None


def test_a_run_is_not_continued_with_other_pictures(tmp_path, photographs):
    recipe = load_recipe("denoise-pocket", [*TINY, f"data.target={photographs}"], method="vanilla")
    run = fit(recipe, tmp_path / "runs", "run")
    assert fit(recipe, tmp_path / "runs", "run", resume=True).finished
    name = run_name(recipe, tmp_path / "runs")
    add(photographs, "b.png", 1)
    with pytest.raises(WorkbenchError, match=r"photographs holds other pictures than when this run was begun"):
        fit(recipe, tmp_path / "runs", "run", resume=True)
    assert run_name(recipe, tmp_path / "runs") != name
    (run.folder / "data.json").unlink()  # as in runs of older versions
    assert fit(recipe, tmp_path / "runs", "run", resume=True).finished


def test_a_warm_start_is_not_shared_by_other_pictures(tmp_path, photographs):
    settings = [*TINY, "warm_start={max_steps: 2, batch_size: 4, patch_size: 32, validate_every: 100}"]
    recipe = load_recipe("denoise-pocket", [*settings, f"data.source={photographs}"], method="vanilla")
    first = fit(recipe, tmp_path / "runs", "first").summary["warm_start"]["name"]
    assert fit(recipe, tmp_path / "runs", "second").summary["warm_start"]["name"] == first
    add(photographs, "b.png", 1)
    assert fit(recipe, tmp_path / "runs", "third").summary["warm_start"]["name"] != first


def test_a_comparison_refuses_runs_of_other_pictures(tmp_path, photographs):
    settings = [*TINY, f"data.target={photographs}", "warm_start=null"]

    def grid():
        return make_grid("denoise", "pocket", ["neighbor2neighbor"], [], ["0"], settings, [], "rgb", tmp_path / "runs")

    job = grid().jobs()[0]
    fit(job.resolved, tmp_path / "runs", job.name)
    assert grid().jobs()[0].trained
    add(photographs, "b.png", 1)
    with pytest.raises(WorkbenchError, match="holds a run of other pictures than .*photographs has now; use another"):
        grid()


def test_a_changed_test_set_is_measured_again(tmp_path, photographs):
    def grid():
        return Grid(
            "denoise-pocket", (Cell("vanilla", "vanilla"),), (0,), {"set": str(photographs)}, tmp_path, settings
        )

    settings = tuple(TINY)
    job = grid().jobs()[0]
    fit(job.resolved, tmp_path, job.name)
    evaluate_restorer(job.run.folder, str(photographs))
    assert grid().jobs()[0].missing() == []
    add(photographs, "b.png", 1)
    assert grid().jobs()[0].missing() == [str(photographs)]
