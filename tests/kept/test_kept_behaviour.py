"""What an earlier commit wrote is still read, found, continued and repeated; see tests/kept/README.md.

``KEPT_EXACT=1`` asks for every bit, as holds on the machine that made the data; otherwise another CPU may round.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from lightning.pytorch import Trainer
from safetensors.torch import load_file

# All that these tests take from inside the package: when a module moves, only these lines change.
import workbench
from workbench.images import read_image
from workbench.recipes import load_recipe
from workbench.restorers import load_restorer
from workbench.runs import Run, list_runs
from workbench.training import find_or_train

PACKAGED = Path(workbench.__file__).parent / "packaged"

KEPT = Path(__file__).parent
EXPECTED = KEPT / "expected"
EXACT = "KEPT_EXACT" in os.environ
(VANILLA,) = (path.name for path in (KEPT / "runs").glob("*-vanilla-*"))
(ADAPTED,) = (path.name for path in (KEPT / "runs").glob("*-noise-space-*"))
with np.load(EXPECTED / "outputs.npz") as outputs:
    RECORDED = {name.split("/")[0] for name in outputs.files} - {"sixteen"}
RESTORERS = [
    *(PACKAGED / f"{name}.safetensors" for name in sorted(RECORDED) if not (KEPT / "cards" / f"{name}.json").exists()),
    *sorted((KEPT / "cards").glob("*.safetensors")),
]  # fmt: skip
REUSED = json.loads((EXPECTED / "reused.json").read_text())
TWINS = {"denoise-pocket-vanilla-s0-b6f494271637", "denoise-pocket-vanilla-s0-b20d0095cc56"}
WARM_STARTS = json.loads((EXPECTED / "warm_starts.json").read_text())
# The settings that kept/make.py trained with; the interrupted run had two more.
ON_PAIRS = [
    "data.source=pairs/target", "data.target=pairs/input", "data.validation=pairs", "data.source_validation=pairs",
]  # fmt: skip
TINY = [
    "restorer.width=4", "restorer.depth=2", "noise_space.diffusion.widths=[4, 4, 4]", "noise_space.head_start=2",
    "training.max_steps=8", "training.batch_size=2", "training.patch_size=16", "training.validate_every=8",
    "training.checkpoint_every=3", "training.log_every=2", "training.accelerator=cpu", "warm_start.max_steps=4",
    "warm_start.batch_size=2", "warm_start.patch_size=16", "warm_start.validate_every=4", "warm_start.log_every=2",
    "warm_start.accelerator=cpu", "data.validation_images=1", *ON_PAIRS,
]  # fmt: skip
STRONG = [*TINY, "noise_space.ceiling=5.0", "training.snapshot_every=4"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A copy of the kept files, which is the working folder: the recipes in them name folders relative to it."""
    shutil.copytree(KEPT, tmp_path / "kept", ignore=shutil.ignore_patterns("expected", "*.py"))
    monkeypatch.chdir(tmp_path / "kept")
    return tmp_path / "kept"


class Trained(BaseException):
    """Something is about to be trained; nothing in the package may swallow it."""


@pytest.fixture
def fits(monkeypatch):
    """Let no step be trained: the run folder, the method and the data of each attempt, which ends the command."""
    seen = []

    def fit(trainer, method, batches, **_options):
        seen.append((Path(trainer.logger.save_dir), method, batches))
        raise Trained

    monkeypatch.setattr(Trainer, "fit", fit)
    return seen


def train(*settings, recipe="denoise-pocket", runs="runs", **options):
    chosen = [part for name, value in options.items() for part in (f"--{name}", value)]
    return ["train", recipe, *(part for each in settings for part in ("--set", each)), "--runs", runs, *chosen]


def files_of(folder):
    """All files with what they hold, but for locks."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }


def same_weights(path, expected):
    made, kept = load_file(path), load_file(expected)
    assert made.keys() == kept.keys()
    for name, value in kept.items():
        torch.testing.assert_close(made[name], value, rtol=0, atol=0 if EXACT else 1e-5, msg=name)


def same_pixels(made, kept, otherwise=5e-3):
    assert made.shape == kept.shape and made.dtype == kept.dtype
    apart = np.abs(made.astype(np.int64) - kept.astype(np.int64))
    level = 1 if made.dtype == np.uint8 else 16
    assert apart.max() <= (0 if EXACT else level), apart.max()
    # One that trains on the picture rounds some two values in a thousand otherwise on other vector units
    assert made.dtype != np.uint8 or (apart > 0).mean() <= otherwise


# Run folders


def test_runs_are_listed_and_read(here):
    runs = {run.name: run for run in list_runs(here / "runs")}
    assert list(runs) == [ADAPTED, VANILLA, "interrupted"]
    assert [run.finished for run in runs.values()] == [True, True, False]
    assert [run.summary["steps"] for run in runs.values()] == [10, 8, 5]
    assert runs[ADAPTED].recipe.method == "noise-space" and runs[VANILLA].recipe.method == "vanilla"
    assert runs[ADAPTED].summary["provenance"]["commit"] == "baa1be8ea8dc"
    scalars = runs[ADAPTED].scalars()
    assert {"loss/restoration", "loss/diffusion", "validation/target_psnr"} <= set(scalars["tag"])
    last = scalars[scalars["tag"] == "validation/target_psnr"].iloc[-1]
    assert last["step"] == 10
    assert last["value"] == pytest.approx(runs[ADAPTED].summary["validation"]["target_psnr"], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "step"), [(ADAPTED, None), (VANILLA, None), ("interrupted", None), ("interrupted", 4)]
)
def test_checkpoints_and_snapshots_become_methods(here, name, step):
    method = Run(here / "runs" / name).method(step)
    assert not method.training and method.recipe.restorer.name == "unet-pocket"


@pytest.mark.parametrize("name", [ADAPTED, VANILLA])
def test_a_finished_run_returns_at_once_and_stays_as_it_is(here, output_of, fits, name):
    method = "noise-space" if name == ADAPTED else "vanilla"
    before = files_of(here / "runs")
    resume = [*train(*TINY, name=name, method=method), "--resume"]
    assert f"{name}: " in output_of(*resume)
    # What decides only how fast it goes may change
    output_of(*train(*TINY, "training.threads=2", "training.log_every=5", name=name, method=method), "--resume")
    assert fits == [] and files_of(here / "runs") == before
    message = output_of(*train(*TINY, "training.batch_size=4", name=name, method=method), "--resume", status=2)
    assert "training.batch_size" in message
    assert "--resume" in output_of(*resume[:-1], status=2)
    assert files_of(here / "runs") == before


def test_an_interrupted_run_goes_on(here, output_of):
    warm = files_of(here / "runs" / ".warm-starts")
    output_of(*train(*STRONG, name="interrupted"), "--resume")
    run = Run(here / "runs" / "interrupted")
    assert run.finished and run.summary["steps"] == 10
    same_weights(run.weights, EXPECTED / "continued.safetensors")
    assert files_of(here / "runs" / ".warm-starts") == warm


SWAPPED = "loss/negative_noise_prediction"
"""Was known in every step then."""


def test_trained_anew_runs_are_the_same_and_share_the_kept_warm_start(here, output_of):
    warm = files_of(here / "runs" / ".warm-starts")
    for name in (VANILLA, ADAPTED):
        method = "noise-space" if name == ADAPTED else "vanilla"
        output_of(*train(*TINY, method=method))
        new, kept = Run(here / "runs" / f"denoise-pocket-{method}-s0"), Run(here / "runs" / name)
        same_weights(new.weights, kept.weights)
        assert new.summary["warm_start"] == kept.summary["warm_start"]
        for key, value in kept.summary["validation"].items():
            # Validation took its mean square in single precision then; the one PSNR of today takes it in double
            assert new.summary["validation"][key] == pytest.approx(value, abs=1e-6 if EXACT else 1e-3)
        losses, before = (
            run.scalars().query("tag.str.startswith('loss/')")[["tag", "step", "value"]].sort_values(["tag", "step"])
            for run in (new, kept)
        )
        before = before[(before.tag != SWAPPED) | before.step.isin(losses.step[losses.tag == SWAPPED])]
        assert losses[["tag", "step"]].values.tolist() == before[["tag", "step"]].values.tolist()
        np.testing.assert_allclose(losses["value"], before["value"], rtol=0 if EXACT else 1e-4, atol=1e-7)
    assert files_of(here / "runs" / ".warm-starts") == warm


# Comparisons, evaluations and tables


def test_a_comparison_takes_over_its_runs_and_measurements(here, output_of, fits):
    before = files_of(here / "runs")
    printed = output_of(
        "compare", "denoise", "--methods", "noise-space", "--controls", "vanilla", "--seeds", "0", "--data", "pairs",
        "--processes", "1", "--format", "csv", *train(*TINY)[2:],
    )  # fmt: skip
    made, kept = (list(csv.DictReader(text.splitlines())) for text in (printed, (EXPECTED / "compare.csv").read_text()))
    assert [{key: row[key] for key in kept[0]} for row in made] == kept
    after = files_of(here / "runs")
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize("path", sorted(EXPECTED.glob("evaluate-*.json")), ids=lambda path: path.stem)
def test_evaluations_give_the_same_numbers(here, output_of, path):
    name, _, protocol = path.stem.removeprefix("evaluate-").replace("rgb-ecc", "rgb_ecc").rpartition("-")
    (restorer,) = (each for each in RESTORERS if each.stem == name)
    output_of(
        "evaluate", restorer, "--data", "pairs", "--protocol", protocol.replace("_", "-"), "--device", "cpu",
        "--json", "report.json",
    )  # fmt: skip
    _same_report(json.loads(Path("report.json").read_text()), json.loads(path.read_text()))


def test_a_kept_run_is_measured_and_its_record_replaced(here, output_of):
    (record,) = (here / "runs" / ADAPTED / "evaluations").glob("*.json")
    kept = json.loads(record.read_text())
    output_of("evaluate", here / "runs" / ADAPTED, "--data", "pairs", "--device", "cpu")
    assert list(record.parent.glob("*.json")) == [record]
    made = json.loads(record.read_text())
    assert made["date"] > kept["date"]
    assert {key: made[key] for key in ("protocol", "data", "contents")} == {
        key: kept[key] for key in ("protocol", "data", "contents")
    }
    _same_report(made["report"], kept["report"])


@pytest.mark.parametrize("place", ["simulated-camera", "simulated-rain", "simulated-shake"])
def test_the_simulated_domains_are_the_same(here, output_of, place):
    output_of("evaluate", "cards/identity.safetensors", "--data", place, "--device", "cpu", "--json", "report.json")
    _same_report(json.loads(Path("report.json").read_text()), json.loads((EXPECTED / f"{place}.json").read_text()))


def _same_report(made, kept):
    # LPIPS needs weights from elsewhere, and the time is that of the machine
    assert made["protocol"] == kept["protocol"] and made["failed"] == kept["failed"] == []
    assert kept.keys() - made.keys() <= {"unavailable"}
    assert [image["name"] for image in made["images"]] == [image["name"] for image in kept["images"]]
    new_rows, old_rows = ([*report["images"], report["mean"], report["input_mean"]] for report in (made, kept))
    for new, old in zip(new_rows, old_rows, strict=True):
        assert old.keys() <= new.keys()
        for metric in ("psnr", "ssim"):
            assert new[metric] == pytest.approx(old[metric], abs=0 if EXACT else 1e-3)


@pytest.mark.parametrize(
    ("number", "arguments"),
    [
        (0, []),
        (2, ["--format", "md", "--table", "4"]),
        (3, ["--format", "latex", "--table", "1"]),
    ],
)
def test_tables_of_the_kept_runs(here, output_of, number, arguments):
    printed = iter(_rows(output_of("tables", "--runs", "runs", *arguments)))
    kept = _rows((EXPECTED / f"tables-{number}.txt").read_text())
    assert len(kept) > 5
    missing = [row for row in kept if row not in printed]  # each is looked for after the one before it
    assert not missing


def test_tables_as_csv_have_the_kept_columns(here, output_of):
    made, kept = (
        list(csv.DictReader(text.replace("options.noise-space.", "noise_space.").splitlines()))
        for text in (output_of("tables", "--runs", "runs", "--format", "csv"), (EXPECTED / "tables-1.txt").read_text())
    )
    columns = kept[0].keys()
    rows = iter([_sorted_settings({name: row[name] for name in columns}) for row in made])
    assert not [row for row in kept if _sorted_settings(row) not in rows]


def _sorted_settings(row):
    return {**row, "settings": sorted(row["settings"].split())}


def _rows(text):
    """The words of each line with a measured number; the order of settings and the widths of columns do not matter.

    Further tables may come, and what is said below them may change.
    """
    text = text.replace(r"\_", "_").replace("options.noise-space.", "noise_space.")
    return [sorted(line.split()) for line in text.splitlines() if re.search(r"\d\.\d\d", line)]


# Restorers


@pytest.mark.parametrize("restorer", RESTORERS, ids=lambda path: path.stem)
def test_restorers_give_the_same_pictures(here, output_of, restorer):
    pictures = "pairs/input" if restorer.parent == PACKAGED else "pairs/input/astronaut.png"
    output_of("restore", restorer, pictures, "--output", "whole", "--device", "cpu")
    output_of("restore", restorer, pictures, "--output", "tiled", "--device", "cpu", "--tile", "64")
    names = sorted(path.stem for path in (here / "whole").iterdir())
    assert names == (["astronaut", "chelsea"] if restorer.parent == PACKAGED else ["astronaut"])
    with np.load(EXPECTED / "outputs.npz") as kept:
        for name in names:
            whole = kept[f"{restorer.stem}/{name}"]
            same_pixels(read_image(here / "whole" / f"{name}.png").pixels, whole)
            tiled = (whole + kept[f"{restorer.stem}/{name}/tiled"]).astype(whole.dtype)
            # Cut more closely when they were kept
            same_pixels(read_image(here / "tiled" / f"{name}.png").pixels, tiled, otherwise=1e-2)


def test_sixteen_bits_stay_sixteen(here, output_of):
    output_of(
        "restore",
        PACKAGED / "denoise-photographs-pocket-adapted.safetensors",
        "sixteen",
        "--output",
        "out",
        "--device",
        "cpu",
    )
    with np.load(EXPECTED / "outputs.npz") as kept:
        same_pixels(read_image(here / "out" / "chelsea.png").pixels, kept["sixteen"])


@pytest.mark.parametrize("path", sorted((KEPT / "cards").glob("*.json")), ids=lambda path: path.stem)
def test_cards_of_version_1_are_read(path):
    kept = json.loads(path.read_text())
    assert kept["format"] == 1
    _, card = load_restorer(path.with_suffix(".safetensors"))
    assert card["provenance"] == kept["provenance"]


# Recipes


def test_no_packaged_recipe_is_gone(output_of):
    kept = {tuple(line.split()[:3]) for line in (EXPECTED / "recipes.txt").read_text().splitlines()}
    assert len(kept) == 10 and kept <= {tuple(line.split()[:3]) for line in output_of("recipes").splitlines()}


@pytest.mark.parametrize("path", sorted((KEPT / "recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_recipes_as_they_were_written_mean_the_same(path):
    # What training wrote has the method's settings filled in, what is packaged may leave them out
    written = load_recipe(path)
    # One thread was the default then; today the machine says how many, which decides the rounding alone
    given = load_recipe(
        path.stem, [f"{part}.threads=1" for part in ("training", "warm_start") if getattr(written, part)]
    )
    before, after = (recipe.model_dump(mode="json") for recipe in (written, given))
    assert before.pop("options").get(written.method, {}).items() >= after.pop("options").get(given.method, {}).items()
    assert before == after
    # ... and it is what the file says, wherever the method's settings are kept
    said, read = yaml.safe_load(path.read_text()), written.model_dump(mode="json")
    for section in ("training", "warm_start", "restorer"):
        assert said[section] == read[section] or said[section].items() <= read[section].items()
    if said["method"] == "noise-space":
        held = read.get("noise_space") or read["options"]["noise-space"]
        assert said["noise_space"].items() <= held.items()


# Names by digest


THEN = {"neighbor2neighbor": ["options.neighbor2neighbor.stride=1"]}
"""Defaults of then, where those of today make another method."""


@pytest.mark.parametrize(("name", "settings", "method", "seed", "folder"), REUSED, ids=[case[-1] for case in REUSED])
def test_a_run_that_was_cached_is_found(here, fits, name, settings, method, seed, folder):
    before = files_of(here / "reused")
    recipe = load_recipe(name, [*settings, *THEN.get(method, ())], method=method, seed=seed)
    found = find_or_train(recipe, here / "reused")
    # Settings of another method no longer make another run: these two are one, and either is it
    same = TWINS if folder in TWINS else {folder}
    assert found.name in same and found.finished
    assert fits == [] and files_of(here / "reused") == before


def test_another_recipe_is_not_taken_for_a_cached_one(here, fits):
    with pytest.raises(Trained):
        find_or_train(load_recipe("denoise-pocket", [*ON_PAIRS, "warm_start=null"], method="vanilla"), here / "reused")
    assert fits[0][0].name not in {case[-1] for case in REUSED}


@pytest.mark.parametrize(("name", "settings", "method", "seed", "folder"), WARM_STARTS)
def test_a_warm_start_that_was_cached_is_found(here, output_of, fits, name, settings, method, seed, folder):
    shutil.copytree("warm", "runs/.warm-starts", dirs_exist_ok=True)
    for warm in Path("runs/.warm-starts").iterdir():
        for suffix in (".json", ".safetensors"):
            if not (file := (warm / "restorer").with_suffix(suffix)).exists():
                shutil.copy(PACKAGED / f"denoise-simulated-camera-vanilla{suffix}", file)
    options = {key: str(value) for key, value in (("method", method), ("seed", seed)) if value is not None}
    # A warm start looks at the source alone; the folder is quicker to open than a simulated target
    with pytest.raises(Trained):
        output_of(*train(*settings, *ON_PAIRS[1:], recipe=name, name="new", **options))
    assert fits[0][0].name == "new", "the warm start is trained anew"
    kept = load_file(PACKAGED / "denoise-simulated-camera-vanilla.safetensors")
    begun = {name.removeprefix("restorer."): value for name, value in fits[0][1].state_dict().items()}
    assert all(torch.equal(begun[name], value) for name, value in kept.items())


# What a training sees


@pytest.mark.parametrize(
    ("recipe", "target"),
    [("denoise-pocket", "simulated-camera"), ("derain-pocket", "pairs/input"), ("deblur-pocket", "pairs/input")],
)
def test_the_first_samples_of_a_training(here, output_of, fits, recipe, target):
    settings = ["warm_start=null", "training.batch_size=3", "training.patch_size=16", *ON_PAIRS[2:]]
    with pytest.raises(Trained):
        output_of(*train(*settings, f"data.target={target}", recipe=recipe, name="new"))
    batch = next(iter(fits[0][2]))
    with np.load(EXPECTED / "streams.npz") as kept:
        names = [name.partition("/")[2] for name in kept if name.startswith(f"{recipe}/")]
        assert sorted(batch) == sorted(names)
        for name in names:
            value = kept[f"{recipe}/{name}"]
            assert batch[name].numpy().dtype == value.dtype
            np.testing.assert_allclose(batch[name].numpy(), value, rtol=0, atol=0 if EXACT else 1e-5)
