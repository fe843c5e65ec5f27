"""The training microscope, recorded from tiny runs; and the recording that ships."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from support import ROOT, TINY

from workbench.diagnostics import microscope
from workbench.diagnostics.condition_recording import PACKAGED as CONDITIONS
from workbench.diagnostics.condition_recording import load_conditions
from workbench.diagnostics.microscope import measure_snapshots, picture_anew
from workbench.diagnostics.microscope_recording import PACKAGED, load_microscope, save_microscope
from workbench.diagnostics.switching import measure_conditions
from workbench.errors import WorkbenchError
from workbench.packaging import recordings
from workbench.recipes import load_recipe
from workbench.training import fit


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    names = {"nothing": "denoise-pocket+table4-d", "cs-rs": "denoise-pocket"}
    recipes = {name: load_recipe(recipe, [*TINY, "training.snapshot_every=5"]) for name, recipe in names.items()}
    return {name: (f"title of {name}", fit(recipe, folder)) for name, recipe in recipes.items()}


@pytest.fixture(scope="module")
def recording(runs):
    return measure_snapshots(runs, count=4, size=32, shown=32)


def test_a_recording_has_everything_at_every_snapshot(recording, runs):
    assert recording.steps.tolist() == [0, 5, 10]
    assert recording.variants == {"nothing": "title of nothing", "cs-rs": "title of cs-rs"}
    for name in recording.variants:
        images, table = recording.images[name], recording.meters[name]
        assert images["source"].shape == images["target"].shape == (3, 32, 32, 3)
        assert images["predicted_noise"].shape == (3, 32, 32) and images["source"].dtype == np.uint8
        assert recording.spectra[name].shape == (3, len(recording.frequency))
        assert table.step.tolist() == [0, 5, 10] and set(table.stage) <= {1, 2, 3}
        assert np.isfinite(table.drop(columns="target_share").to_numpy()).all()
        assert table.gradient_share[0] == 0 < table.gradient_share[1], "the weight rises from 0"
        facts = recording.provenance["variants"][name]
        assert facts["noise_space"]["residual_swap"] == (name == "cs-rs") and facts["provenance"]["commit"] is not None
    start = [recording.meters[name].iloc[0].source_psnr for name in recording.variants]
    assert start[0] == start[1], "both start from the same weights"


def test_pictures_are_made_again_beside_the_same_numbers(recording, runs):
    again = picture_anew(recording, runs, shown=48)
    assert again.images["cs-rs"]["target"].shape == (3, 48, 48, 3) and again.shared["clean"].shape == (48, 48, 3)
    assert again.meters is recording.meters and again.provenance["pictured"]["side"] == 48
    assert np.array_equal(again.shared["target_spectrum"], recording.shared["target_spectrum"])
    same = picture_anew(recording, runs, shown=32)
    assert all(np.array_equal(same.images["cs-rs"][key], value) for key, value in recording.images["cs-rs"].items())
    with pytest.raises(WorkbenchError, match="were the variants nothing, cs-rs"):
        picture_anew(recording, {"cs-rs": runs["cs-rs"]}, shown=32)
    variants = recording.provenance["variants"]
    foreign = {name: {**facts, "provenance": {"commit": "another"}} for name, facts in variants.items()}
    with pytest.raises(WorkbenchError, match="not the run that was recorded"):
        picture_anew(replace(recording, provenance={**recording.provenance, "variants": foreign}), runs, shown=32)


def test_the_zero_initialised_network_starts_blind_in_stage_one(recording):
    row = recording.meters["nothing"].iloc[0]
    assert row.stage == 1 and row.source_other_rise == row.target_other_rise == row.positional_rise == 0
    assert np.isnan(row.target_share)
    assert row.error == pytest.approx(1, abs=0.05), "it predicts nothing: the error is the variance of the noise"
    assert (recording.images["nothing"]["predicted_noise"][0] == 128).all()
    assert 30 < recording.shared["noise"].std() < 55, "unit variance on a scale of 42.5 grey values"


def test_recordings_survive_the_file(recording, tmp_path):
    path = tmp_path / "recording.npz"
    save_microscope(recording, path)
    again = load_microscope(path)
    assert again.variants == recording.variants and again.provenance == recording.provenance
    assert np.array_equal(again.steps, recording.steps) and again.shared.keys() == recording.shared.keys()
    for name in recording.variants:
        assert np.array_equal(again.images[name]["target"], recording.images[name]["target"])
        np.testing.assert_allclose(again.meters[name], recording.meters[name], rtol=1e-5)
        assert list(again.meters[name]) == list(recording.meters[name])


def test_what_cannot_be_recorded_or_read_is_one_line(runs, tmp_path):
    other = fit(load_recipe("denoise-pocket", [*TINY, "training.snapshot_every=2"]), tmp_path)
    with pytest.raises(WorkbenchError, match="needs the same snapshots"):
        measure_snapshots({**runs, "other": ("other", other)})
    with pytest.raises(WorkbenchError, match="missing; record it with"):
        load_microscope(tmp_path / "none.npz")
    (tmp_path / "broken.npz").write_bytes(b"PK half")
    with pytest.raises(WorkbenchError, match="not a recording of this version"):
        load_microscope(tmp_path / "broken.npz")
    np.savez(tmp_path / "foreign.npz", steps=np.arange(3))
    with pytest.raises(WorkbenchError, match="not a recording of this version"):
        load_microscope(tmp_path / "foreign.npz")


def test_one_command_records(tmp_path, call, monkeypatch):
    few = {"count": 4, "size": 32}
    monkeypatch.setattr(microscope, "measure_snapshots", partial(measure_snapshots, **few, shown=32))
    monkeypatch.setattr(recordings, "measure_conditions", partial(measure_conditions, **few, pictured=32, shown=16))
    settings = [*TINY, "training.max_steps=2", "training.snapshot_every=4"]
    critic = ["options.condition-quality.diffusion.widths=[4, 8, 8]", "training.max_steps=1", "training.batch_size=2"]
    given = [part for setting in settings for part in ("--set", setting)]
    given += [part for setting in critic for part in ("--critic-set", setting)]
    runs, output = tmp_path / "runs", tmp_path / PACKAGED
    status, out, err = call("package", "recordings", "--runs", runs, "--output", output, *given)
    assert status == 0, err
    assert f"{output}: " in out
    assert set(load_microscope(output).variants) == {"nothing", "cs", "cs-rs"}
    assert load_conditions(tmp_path / CONDITIONS).steps.tolist() == load_microscope(output).steps.tolist()


def test_the_shipped_recording_says_where_it_comes_from():
    recording = load_microscope()
    assert set(recording.variants) == {"nothing", "cs", "cs-rs"}
    assert (ROOT / "workbench" / "diagnostics" / PACKAGED).stat().st_size < 3e6
    for name, facts in recording.provenance["variants"].items():
        assert facts["recipe"].startswith("denoise-pocket") and len(facts["provenance"]["commit"]) >= 12
        assert len(recording.meters[name]) == len(recording.steps) == len(recording.images[name]["target"])
