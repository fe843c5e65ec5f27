"""Restorers by their names, and their options on the command line."""

import json

import numpy as np
from safetensors.torch import load_file
from support import TINY
from support.photos import photo

from workbench.images import read_image, write_png
from workbench.recipes import load_recipe
from workbench.restore import restore_array
from workbench.restorers import (
    load_restorer,
    packaged,
)
from workbench.restorers.kinds import KINDS
from workbench.restorers.names import OTHER_KINDS, SAMPLING
from workbench.restorers.residual_diffusion import Sampling
from workbench.training import fit

NAME = "denoise-photographs-adapted"


def test_packaged_restorers_have_names(tmp_path, monkeypatch, output_of):
    monkeypatch.chdir(tmp_path)
    for folder in ("input", "target"):
        (tmp_path / "pairs" / folder).mkdir(parents=True)
        write_png(tmp_path / "pairs" / folder / "a.png", (255 * photo(20, 24)).astype(np.uint8))
    restorer, _ = load_restorer(NAME)
    expected = restore_array(restorer, read_image("pairs/input/a.png").pixels)
    output_of("restore", NAME, "pairs/input", "--output", "out")
    np.testing.assert_array_equal(read_image("out/a.png").pixels, expected)
    assert "mean" in output_of("evaluate", NAME, "--data", "pairs")
    line = output_of("restore", "denoise-photograph-adapted", "pairs/input", "--output", "out", status=2)
    assert "no restorer here" in line and f"is {NAME} meant?" in line and line.count("\n") == 1
    (tmp_path / NAME).mkdir()
    line = output_of("restore", NAME, "pairs/input", "--output", "out", status=2)
    assert "no restorer here" in line, "a folder is first"


def test_kinds_that_sample_are_known_by_name():
    assert {name for name, kind in KINDS.items() if issubclass(kind, Sampling)} == SAMPLING
    assert KINDS.keys() - SAMPLING == OTHER_KINDS


def test_the_list_of_restorers(output_of, tmp_path):
    listed = json.loads(output_of("restorers", "--format", "json"))
    assert [each["name"] for each in listed] == sorted(packaged())
    adapted = next(each for each in listed if each["name"] == NAME)
    weights = load_file(packaged()[NAME])
    assert adapted["parameters"] == sum(value.numel() for value in weights.values())
    assert (adapted["task"], adapted["kind"], adapted["seed"]) == ("denoising", "one-pass", 0)
    lines = {line.split()[0]: line for line in output_of("restorers").splitlines() if line}
    assert "noise-space, guarded" in lines[NAME] and "guarded" not in lines["denoise-photographs-pocket-adapted"]
    assert "guarded" not in lines["denoise-photographs-vanilla"]
    assert output_of("restorers", "--runs", tmp_path / "none", status=2).count("\n") == 1


def test_options_of_a_run_on_the_command_line(tmp_path, monkeypatch, output_of):
    monkeypatch.chdir(tmp_path)
    for folder in ("input", "target"):
        (tmp_path / "pairs" / folder).mkdir(parents=True)
        write_png(tmp_path / "pairs" / folder / "a.png", (255 * photo(20, 24)).astype(np.uint8))
    settings = "options.selfdeblur.network={name: selfdeblur, steps: 3, width: 4, levels: 2, hidden: 8, kernel_size: 5}"
    run = fit(load_recipe("deblur-pocket", [*TINY, settings], method="selfdeblur"), tmp_path / "runs")
    assert json.loads(run.weights.with_suffix(".json").read_text())["options"]["steps"] == 3
    for name, options in (("own", []), ("same", ["--option", "steps=3"]), ("more", ["--option", "steps=6"])):
        output_of("restore", run.folder, "pairs/input", "--output", name, *options)
        output_of("evaluate", run.folder, "--data", "pairs", *options)
    own, same, more = (read_image(f"{name}/a.png").pixels for name in ("own", "same", "more"))
    np.testing.assert_array_equal(own, same)
    assert (own != more).any()
    records = [json.loads(path.read_text()) for path in sorted((run.folder / "evaluations").iterdir())]
    assert sorted(str(record["options"]) for record in records) == ["{'steps': 6}", "{}"]
    line = output_of("restore", run.folder, "pairs/input", "--output", "out", "--option", "steps=0", status=2)
    assert line.startswith("workbench: option: steps: ") and line.count("\n") == 1
    listed = json.loads(output_of("restorers", "--runs", "runs", "--format", "json"))
    assert next(each for each in listed if each["name"] == str(run.folder.relative_to(tmp_path)))["kind"] == "per-image"
