"""Predictions with switched conditions, recorded from tiny runs; and the recording that ships."""

import numpy as np
import pytest
from support import ROOT, TINY

from workbench.diagnostics import NoisePredictor, noise_errors, probe_images, restore_both
from workbench.diagnostics.condition_recording import (
    CHOICES,
    CORRUPTION,
    ERROR_STEP,
    LEVELS,
    PACKAGED,
    load_conditions,
    save_conditions,
)
from workbench.diagnostics.switching import measure_conditions, picture_anew
from workbench.errors import WorkbenchError
from workbench.images import to_uint
from workbench.probes.corruptions import CORRUPTIONS
from workbench.recipes import load_recipe
from workbench.training import fit

CRITIC = ["options.condition-quality.diffusion.widths=[4, 8, 8]", "training.max_steps=2", "training.batch_size=2"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return {"cs-rs": ("both", fit(load_recipe("denoise-pocket", [*TINY, "training.snapshot_every=10"]),
                                  tmp_path_factory.mktemp("runs")))}  # fmt: skip


@pytest.fixture(scope="module")
def critic(tmp_path_factory):
    return fit(load_recipe("condition-quality-pocket", CRITIC), tmp_path_factory.mktemp("critic"))


@pytest.fixture(scope="module")
def recording(runs, critic):
    return measure_conditions(runs, critic, count=3, size=32, pictured=32, shown=16)


def test_pictures_are_made_again_beside_the_same_numbers(recording, runs, critic):
    again = picture_anew(recording, runs, critic, pictured=32, shown=8)
    assert again.pictures["cs-rs"].shape[-2:] == again.quality_pictures["error"].shape[-2:] == (8, 8)
    assert np.array_equal(again.pictures["cs-rs"], recording.pictures["cs-rs"][..., 4:12, 4:12])
    assert again.errors is recording.errors and again.quality is recording.quality
    assert again.provenance["pictured"]["side"] == 8 and again.provenance["measured"]["patches"] == 3


def test_a_switch_is_the_error_with_that_condition(recording, runs):
    run = runs["cs-rs"][1]
    images = probe_images(run.recipe, 3, 32, 0)
    method = run.method(int(recording.steps[-1]))
    source, target = restore_both(method, images)
    predictor, errors = NoisePredictor.of(method), recording.errors["cs-rs"][-1]
    corrupted = CORRUPTIONS["awgn"](source, CORRUPTION, 1)
    kept, other, blank = (CHOICES.index(name) for name in ("kept", "other", "blank"))
    cases = {
        (0, kept, kept): (source, target),
        (1, kept, other): (target.roll(1, 0), source),
        (0, CHOICES.index("corrupted"), blank): (corrupted, 0 * target),
    }
    for place, shown in cases.items():
        expected = noise_errors(predictor, images.clean, *shown, seed=0)[:, 0]
        np.testing.assert_allclose(errors[place], expected, rtol=1e-5)
    assert len(np.unique(errors.mean(axis=-1))) > 10


def test_pictures_are_of_the_first_patch(recording, runs):
    assert recording.steps.tolist() == [0, 10]
    assert recording.pictures["cs-rs"].shape == (2, 2, 4, 4, 16, 16)
    assert recording.conditions["cs-rs"].shape == (2, 2, 4, 16, 16, 3)
    # At the start nothing is predicted: the error is the noise itself, sign turned.
    noise = (recording.shared["noise"].astype(float) - 127.5) / 42.5
    error = (recording.pictures["cs-rs"][0, 0, 0, 0].astype(float) - 128) * ERROR_STEP
    inside = np.abs(noise) < 2.9
    np.testing.assert_allclose(error[inside], -noise[inside], atol=0.05)
    clean = probe_images(runs["cs-rs"][1].recipe, 1, 32, 0, textured=True).clean[0, :, 8:24, 8:24]
    assert np.array_equal(recording.shared["clean"], to_uint(clean.permute(1, 2, 0).numpy()))
    assert (recording.conditions["cs-rs"][:, :, CHOICES.index("blank")] == 0).all()


def test_quality_has_a_picture_for_every_level(recording):
    total = recording.quality[recording.quality.band == "all"]
    assert total.level.tolist() == list(LEVELS) and (total.images == 6).all()
    pictures = recording.quality_pictures
    assert np.array_equal(pictures["condition"][0], recording.shared["clean"]), "sigma 0 is the clean picture"
    spread = (pictures["condition"].astype(float) - recording.shared["clean"]).std(axis=(1, 2, 3))
    assert (np.diff(spread) > 0).all() and len(pictures["error"]) == len(pictures["picture_error"]) == len(LEVELS)


def test_recordings_survive_the_file(recording, tmp_path):
    path = tmp_path / "recording.npz"
    save_conditions(recording, path)
    again = load_conditions(path)
    assert again.provenance == recording.provenance and again.quality.equals(recording.quality)
    for tree in ("shared", "pictures", "conditions", "quality_pictures"):
        for name, value in getattr(recording, tree).items():
            assert np.array_equal(getattr(again, tree)[name], value)
    np.testing.assert_allclose(again.errors["cs-rs"], recording.errors["cs-rs"], rtol=1e-6)
    with pytest.raises(WorkbenchError, match="missing; record it with"):
        load_conditions(tmp_path / "none.npz")
    (tmp_path / "broken.npz").write_bytes(b"PK half")
    with pytest.raises(WorkbenchError, match="not a recording of this version"):
        load_conditions(tmp_path / "broken.npz")


def test_runs_without_snapshots_are_refused(critic):
    with pytest.raises(WorkbenchError, match="training.snapshot_every"):
        measure_conditions({"critic": ("a run", critic)}, critic)


def test_the_shipped_recording_says_where_it_comes_from():
    recording = load_conditions()
    assert set(recording.errors) == {"nothing", "cs", "cs-rs"}
    assert (ROOT / "workbench" / "diagnostics" / PACKAGED).stat().st_size < 4e6
    for facts in (recording.provenance["critic"], *recording.provenance["variants"].values()):
        assert len(facts["provenance"]["commit"]) >= 12
