"""What comes with the package is what its builders make."""

import json
import shutil
from pathlib import Path

import numpy as np
from PIL import Image
from support import ROOT

from workbench.data.domains import Pair
from workbench.packaging import classical, example, restorer
from workbench.restorers import load_restorer
from workbench.restorers.names import PACKAGED
from workbench.runs import Run

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
