"""What comes with the package is what its builders make."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import ROOT, TINY

from workbench.data.domains import Pair
from workbench.errors import WorkbenchError
from workbench.methods import METHODS, resolve
from workbench.packaging import classical, example, restorer, warm_start
from workbench.recipes import load_recipe
from workbench.restorers import load_restorer
from workbench.restorers.names import PACKAGED
from workbench.runs import Run
from workbench.training import fit
from workbench.training import needed as needs

KEPT = ROOT / "tests" / "kept"


def test_what_needs_no_training_is_what_its_builder_writes(tmp_path):
    made = classical.package_classical(tmp_path)
    assert [path.stem for path in made] == ["nlm", "tv", "bm3d", "equalise"]
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (PACKAGED / path.name).read_bytes()


def test_the_example_names_what_its_builder_shows(monkeypatch):
    monkeypatch.setattr(example, "CROP", 32)
    made = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    strip, facts = example.example(Pair("one", made, made // 2))
    kept = json.loads((example.FOLDER / "example.json").read_text())
    assert strip.shape == (32, 5 * 32, 3) and facts["crop"][2] == 32
    assert facts["titles"] == kept["titles"] and facts["restorers"] == kept["restorers"]
    assert facts["psnr"].keys() == kept["psnr"].keys() and kept["camera"] == example.CAMERA
    with Image.open(example.FOLDER / "example.webp") as shown:
        assert shown.size == (kept["crop"][2] * len(kept["titles"]), kept["crop"][2])


def test_a_runs_restorer_gets_a_card_that_names_its_data_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(restorer, "PACKAGED", tmp_path / "packaged")
    monkeypatch.chdir(shutil.copytree(KEPT, tmp_path / "kept"))
    (run,) = map(Run, Path("runs").glob("*-vanilla-*"))
    path = restorer.package_restorer(
        "mine", run, {"crops": "pairs"}, "two crops", "none", "public domain", "rgb", "a note"
    )
    facts = load_restorer(path)[1]["provenance"]
    assert facts["data"] == {"source": "two crops", "degradation": "awgn", "target": "none"}
    assert facts["metrics"]["crops"].endswith("(2 pictures, protocol rgb)") and "data" not in facts["settings"]
    assert facts["licence"] == "public domain" and facts["note"] == "a note"


def test_a_packaged_warm_start_is_begun_with_and_none_that_others_could_not_train(tmp_path, monkeypatch):
    changes = [*TINY, "warm_start.max_steps=2", "warm_start.batch_size=2", "warm_start.patch_size=16"]
    recipe = load_recipe(
        "denoise-pocket", [change for change in changes if change != "warm_start=null"], method="vanilla"
    )
    first = fit(recipe, tmp_path / "first")
    (needed,) = (Run(path.parent) for path in (tmp_path / "first").glob(".warm-starts/*/summary.json"))
    place = warm_start.package_warm_start("mine", needed, tmp_path / "packaged")
    monkeypatch.setattr(needs, "PACKAGED", place.parent)
    again = fit(recipe, tmp_path / "again")
    assert again.summary["warm_start"]["name"] == "packaged-mine-s0"
    assert not list((tmp_path / "again").glob(".warm-starts/*/recipe.yaml")), "it was not trained again"
    assert again.weights.read_bytes() == first.weights.read_bytes()
    needed.write_fingerprints({"/some/photographs": "1234"})
    with pytest.raises(WorkbenchError, match="/some/photographs"):
        warm_start.package_warm_start("mine", needed, tmp_path / "packaged")


def test_the_demo_begins_with_a_packaged_warm_start(tmp_path):
    for name, method in (("denoise-pocket", "vanilla"), ("denoise-pocket+guarded", "noise-space")):
        needed = resolve(METHODS[method].needs(resolve(load_recipe(name, method=method)))["warm_start"])
        found = needs.find_shared(needed, tmp_path / ".warm-starts")
        assert found is not None and found.folder.parent == needs.PACKAGED and found.restorer().networks
