"""Studies are data: every packaged one can be run, and running one leaves rows that say how."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
from support import TINY

from workbench.comparison import COLUMNS, Cell, Grid
from workbench.comparison.tables import SCORES
from workbench.data.domains import validation_pairs
from workbench.diagnostics import probe_images
from workbench.diagnostics.microscope import measure_snapshots
from workbench.errors import WorkbenchError
from workbench.evaluation import sets
from workbench.evaluation.metrics import psnr
from workbench.images import read_image, write_png
from workbench.methods import METHODS, resolve
from workbench.methods.base import WARM_START
from workbench.recipes.schema import Data
from workbench.runs.folder import Run
from workbench.runs.identity import RESTORATION, deciding
from workbench.runs.planned import Plan, plans
from workbench.studies import load_study, snapshots, study_names
from workbench.studies.declared import Ready
from workbench.studies.rows import record_ready, record_snapshots
from workbench.studies.splits import split_by_object
from workbench.training import fit

NAMES = [
    "Canon_5_160_3200_chair_1", "Canon_5_160_3200_chair_2", "Nikon_5_160_3200_desk_1", "Sony_5_160_3200_book_1",
    "Sony_5_160_3200_lamp_1",
]  # fmt: skip


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data root with the sets of the packaged studies, a few small pictures each."""
    rng = np.random.default_rng(0)
    for name in ("polyu", "cc", "nam", "bsds500/train", "bsds500/test", "bsds500/val", "kodak24", "mcmaster"):
        for side in ("input", "target") if name in ("polyu", "cc", "nam") else ("images",):
            (tmp_path / "data" / name / side).mkdir(parents=True)
            for stem in NAMES:
                pixels = rng.integers(0, 256, (40, 50, 3), np.uint8)
                write_png(tmp_path / "data" / name / side / f"{stem}.png", pixels)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.mark.parametrize("name", [name for name in study_names() if name.endswith(load_study(name).domain)])
def test_every_cell_of_a_packaged_study_is_a_valid_recipe(name, data, tmp_path):
    study = load_study(name)
    grid = study.grid(tmp_path / "runs")
    jobs = grid.jobs()
    assert [cell.name for cell in grid.cells] == list(study.cells)
    assert {job.seed for job in jobs} == set(study.seeds if study.cells else ())
    assert all(job.resolved.method == job.cell.method for job in jobs)
    assert not any("$" in text for text in (*grid.settings, *grid.tests.values()))


def test_controls_and_adaptation_are_rows_of_one_table(data, tmp_path):
    grid = load_study("controls-photographs").grid(tmp_path / "runs")
    jobs = {job.cell.name: job for job in grid.jobs() if job.seed == 0}
    warm_starts = [METHODS[job.cell.method].needs(job.resolved).get(WARM_START) for job in jobs.values()]
    needs = {json.dumps(deciding(resolve(each), RESTORATION)) for each in warm_starts if each is not None}
    assert len(needs) == 1, "all start from the same warm start"
    both = jobs["synthesis+guarded"].resolved
    assert len(both.data.entries) == 2 and both.options["noise-space"]["guard"] == "transplant"
    assert jobs["guard-alone"].resolved.options["noise-space"]["ceiling"] == 0
    assert {"nlm", "tv", "bm3d"} == load_study("controls").restorers.keys()


def test_a_study_holds_out_objects_of_a_half_again(data, tmp_path):
    grid = load_study("desk").grid(tmp_path / "runs")
    inner = tmp_path / "runs" / "polyu-inner"
    assert f"data.validation={inner / 'test'}" in grid.settings
    parts = {part: {path.name for path in (inner / part / "input").iterdir()} for part in ("train", "test")}
    assert parts["test"] == {"Sony_5_160_3200_lamp_1.png"} and len(parts["train"]) == 3, "of book, chair and lamp"


def test_a_study_photographs_its_domain_first(data, tmp_path):
    grid = load_study("photographs-settings-rain").grid(tmp_path / "runs")
    assert f"data.target={tmp_path / 'runs' / 'rain-train'}" in grid.settings
    assert len(list((tmp_path / "runs" / "rain-train" / "target").iterdir())) == len(NAMES)
    assert len(list((tmp_path / "runs" / "rain-tuning" / "input").iterdir())) == 20, "each picture several times"


def test_a_study_is_cut_down_to_some_of_its_rows():
    study = load_study("desk").only(["synthesis+guarded-long", "nlm"], (0,))
    assert (list(study.cells), list(study.restorers), study.seeds) == (["synthesis+guarded-long"], ["nlm"], (0,))
    assert load_study("desk").only() == load_study("desk")


def test_the_middles_of_pictures_are_cut(data, tmp_path):
    halves = split_by_object("dataset:polyu", tmp_path / "halves", middle=8)
    (cut,) = (halves["test"] / "target").iterdir()
    whole = read_image(data / "polyu" / "target" / cut.name).pixels
    assert np.array_equal(read_image(cut).pixels, whole[16:24, 21:29])


def test_no_object_is_in_both_halves(data, tmp_path):
    halves = split_by_object("dataset:polyu", tmp_path / "halves")
    names = {part: sorted(path.name for path in (folder / "input").iterdir()) for part, folder in halves.items()}
    assert names["test"] == ["Nikon_5_160_3200_desk_1.png"], "of book, chair and desk the third"
    assert len(names["train"]) == 4 and (halves["train"] / "target" / names["train"][0]).read_bytes()
    for side in ("input", "target"):
        (data / "polyu" / side / "x.png").touch()
    with pytest.raises(WorkbenchError, match=r"x\.png: its name does not say which object"):
        split_by_object("dataset:polyu", tmp_path / "halves")


OWN = """
title: two cells
recipe: denoise-pocket
tests: {camera: simulated-camera}
seeds: [3]
restorers: {soft: {restorer: nlm, options: {strength: 1.5}}}
cells:
  vanilla: {method: vanilla, best_blur: true}
  guarded: {method: noise-space, variant: guarded, seeds: []}
"""


@pytest.mark.usefixtures("warm_python")
def test_a_study_of_ones_own_is_run_recorded_and_gone_on_with(tmp_path, data, call):
    own = tmp_path / "own.yaml"
    own.write_text(OWN.replace("simulated-camera", "dataset:cc"))
    settings = [part for setting in [*TINY, "data.validation=dataset:cc"] for part in ("--set", setting)]
    arguments = ["study", own, "--runs", tmp_path / "runs", "--processes", "1", *settings]
    status, out, err = call(*arguments)
    assert status == 0, err
    path = tmp_path / "runs" / "own.csv"
    rows = pd.read_csv(path)
    assert list(rows.columns) == list(COLUMNS) and str(path) in out
    assert list(rows.cell) == ["input", "vanilla", "vanilla + best blur", "soft"] and rows.psnr.notna().all()
    shown = [line.split("  ")[0] for line in out.split("\n\n")[0].splitlines()[-4:]]
    assert shown == ["input", "soft", "vanilla", "vanilla + best blur"], "in the study's order, not the file's"
    assert rows.seed.tolist()[1:3] == [3, 3] and rows.commit[1:].notna().all()
    assert rows.settings[3] == "strength=1.5" and rows.psnr[3] != rows.psnr[0]
    scores = pd.read_csv(tmp_path / "runs" / "own-pictures.csv")
    assert list(scores.columns) == list(SCORES) and set(scores.cell) == set(rows.cell[1:])
    means = rows[1:].set_index("cell").psnr.to_dict()
    assert scores.groupby("cell").psnr.mean().to_dict() == pytest.approx(means, abs=1e-3)
    assert plans(tmp_path) == [Plan("own", "two cells", finished=1, running=0, total=1)]
    finished = path.read_bytes()
    status, _, err = call(*arguments, "--measure-only")
    assert status == 0 and path.read_bytes() == finished, "nothing was trained or measured twice"
    status, _, err = call(*arguments, "--set", "training.learning_rate=0.5", "--measure-only")
    assert status and "left out" in err and "training.learning_rate" in err
    assert path.read_bytes() == finished

    for kind, measured in (("validation", "target_psnr"), ("times", "seconds_per_step")):
        own.write_text(OWN + f"record: {kind}\n")
        status, _, _ = call(*arguments, "--output", tmp_path / "other.csv")
        (row,) = pd.read_csv(tmp_path / "other.csv").to_dict("records")
        assert (status, row["cell"]) == (0, "vanilla") and row[measured] > 0
        (tmp_path / "other.csv").unlink()


def test_what_needs_no_training_is_measured_on_the_camera_of_the_study(tmp_path, monkeypatch):
    held_out = validation_pairs(Data(validation="simulated-camera", camera="strong"))[:1]
    monkeypatch.setattr(sets, "validation_pairs", lambda data: held_out if data.camera == "strong" else [])
    grid = Grid("denoise-pocket", (), (), {"t": "simulated-camera"}, tmp_path, settings=("data.camera=strong",))
    record_ready(grid, tmp_path / "rows.csv", "nlm", Ready())
    rows = pd.read_csv(tmp_path / "rows.csv").set_index("cell").psnr
    pair = held_out[0]
    assert rows["input"] == pytest.approx(psnr(pair.degraded / 255, pair.reference / 255, 1.0), abs=1e-3)
    assert rows["nlm"] > rows["input"] + 1


def test_snapshots_are_measured_once(tmp_path, monkeypatch):
    monkeypatch.setattr(snapshots, "measure_snapshots", partial(measure_snapshots, count=4, shown=64))
    monkeypatch.setattr(snapshots, "probe_images", partial(probe_images, count=4))
    settings = (*TINY, "training.max_steps=4", "training.snapshot_every=4", "options.noise-space.head_start=2")
    cell = Cell("adapted", "noise-space", settings)
    grid = Grid("denoise-pocket", (cell,), (0,), {}, tmp_path)
    (job,) = grid.jobs()
    fit(job.resolved, tmp_path, job.name)
    path = tmp_path / "snapshots.csv"
    record_snapshots(grid, "standard", path)
    rows = pd.read_csv(path)
    assert rows.step.tolist() == list(job.run.snapshots) and set(rows.domain) == {"standard"}
    assert rows[["error_fine", "noise_pull", "high_frequency_ratio"]].notna().all().all()
    kept = path.stat().st_mtime_ns
    record_snapshots(grid, "standard", path)
    assert path.stat().st_mtime_ns == kept


LADDER = """
title: stages that cells share
recipe: denoise-pocket
tests: {rain: "held-out-source:rain-streaks"}
settings: ["data.mixture=[{degradation: awgn}, {degradation: rain-streaks}]"]
seeds: [0]
cells:
  known: {method: drdd, settings: [options.drdd.stages=residual], sampled: {1 step: {residual_steps: 1}}}
  whole: {method: drdd, settings: [options.drdd.stages=apart, options.drdd.sees=target]}
"""


@pytest.mark.usefixtures("warm_python")
def test_cells_share_stages_and_are_measured_with_other_options(tmp_path, call):
    own = tmp_path / "ladder.yaml"
    own.write_text(LADDER)
    small = [*TINY, "options.drdd.network={name: drdd-pocket, widths: [8]}"]
    settings = [part for setting in small for part in ("--set", setting)]
    arguments = ["study", own, "--runs", tmp_path / "runs", "--processes", "1", *settings]
    assert call(*arguments)[0] == 0
    path = tmp_path / "runs" / "ladder.csv"
    rows = pd.read_csv(path).set_index("cell")
    assert list(rows.index) == ["input", "known", "whole", "known 1 step"] and set(rows.test) == {"rain"}
    assert rows.psnr["known 1 step"] != rows.psnr["known"] and rows.settings["known 1 step"].endswith(
        "residual_steps=1"
    )
    needs = Run(tmp_path / "runs" / "whole-s0").summary["needs"]
    assert needs["residual"]["name"] == "known-s0", "trained once, though the second stage sees something else"
    assert sum(each.is_dir() for each in (tmp_path / "runs" / ".warm-starts").iterdir()) == 1
    written = path.read_bytes()
    assert call(*arguments)[0] == 0 and path.read_bytes() == written


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("vanilla: {method: vanilla", "vanilla: {methods: vanilla"), r"cells\.vanilla\.methods: Extra inputs"),
        (("guarded: {method: noise-space, ", "guarded: {"), "cells.guarded: name its method; only vanilla"),
        (("variant: guarded", "variant: magic"), "cells.guarded: there is no variant 'magic'"),
        (("title: two cells", "title: ["), "not a study"),
    ],
)
def test_what_is_wrong_with_a_study_is_one_line(tmp_path, change, reason):
    path = tmp_path / "own.yaml"
    path.write_text(OWN.replace(*change))
    with pytest.raises(WorkbenchError, match=reason):
        load_study(path)


def test_wrong_calls_are_told(tmp_path, monkeypatch, call):
    with pytest.raises(WorkbenchError, match="no study is called 'magic'; choose one of classical-settings, "):
        load_study("magic")
    status, out, _ = call("study", "--list")
    assert status == 0 and "rivals" in out and "-shake" in out
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path))
    status, _, err = call("study", "real-photographs", "--runs", tmp_path / "runs")
    assert status == 2 and "workbench data prepare polyu" in err and not (tmp_path / "runs").exists()
    status, _, err = call("study", "embedded", "--cells", "magic", "--runs", tmp_path)
    assert status == 2 and "has no cell 'magic'" in err
