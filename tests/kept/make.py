"""Make the data that test_kept_behaviour.py compares with; see README.md for the commit it belongs to.

``PYTHONPATH=CHECKOUT python tests/kept/make.py`` with CHECKOUT at that commit, on one core, writes everything anew.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import signal
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # what is kept is of the CPU

import numpy as np
import torch
from lightning.pytorch import Trainer
from PIL import Image
from safetensors.torch import load_file, save_file

import workbench
from workbench import nets
from workbench.cli import main
from workbench.images import read_image, write_png
from workbench.methods import resolve
from workbench.recipes import available, load_recipe, save_recipe
from workbench.training import callbacks, fit, run_name

HERE = Path(__file__).resolve().parent
EXPECTED = HERE / "expected"
PACKAGED = Path(workbench.__file__).parent / "packaged"

ON_PAIRS = [
    "data.source=pairs/target",
    "data.target=pairs/input",
    "data.validation=pairs",
    "data.source_validation=pairs",
]
TINY = [
    "restorer.width=4", "restorer.depth=2", "noise_space.diffusion.widths=[4, 4, 4]", "noise_space.head_start=2",
    "training.max_steps=8", "training.batch_size=2", "training.patch_size=16", "training.validate_every=8",
    "training.checkpoint_every=3", "training.log_every=2", "training.accelerator=cpu", "warm_start.max_steps=4",
    "warm_start.batch_size=2", "warm_start.patch_size=16", "warm_start.validate_every=4", "warm_start.log_every=2",
    "warm_start.accelerator=cpu", "data.validation_images=1", *ON_PAIRS,
]  # fmt: skip
STRONG = [*TINY, "noise_space.ceiling=5.0", "training.snapshot_every=4"]  # of the run that is interrupted
RESOLVED = [
    "denoise-pocket+guarded", "denoise-pocket+unpaired", "denoise-pocket+table4-a", "denoise-pocket+table4-b",
    "denoise-pocket+table4-e", "denoise-pocket+table4-only-syn", "denoise-paper+unpaired-coco",
    "denoise-bench+fig7-unet-b", "denoise-paper+tablea3-swinir", "denoise-paper+figa10-diffusion-b",
    "deblur-pocket+guarded+figa10-diffusion-t",
]  # fmt: skip
# Recipe, settings, method, seed
REUSED = [
    ["denoise-pocket", [], None, None],
    ["denoise-pocket", [], "vanilla", None],
    ["denoise-pocket", [], "dann", 1],
    ["denoise-pocket", [], "neighbor2neighbor", 2],
    ["denoise-pocket", ["training.snapshot_every=50"], None, None],
    ["denoise-pocket", ["noise_space.ceiling=5"], None, None],
    ["denoise-pocket", ["noise_space.ceiling=5"], "vanilla", None],
    ["denoise-pocket", ["warm_start=null", "training.threads=2", "training.workers=1"], "vanilla", None],
    ["denoise-pocket", ["options.dann.ceiling=0.02"], "dann", None],
    ["denoise-pocket+guarded", [], None, None],
    ["denoise-pocket+table4-b", [], None, 3],
    ["denoise-pocket", ["data.camera=strong", "data.sigma=[0, 50]"], None, None],
    ["denoise-pocket", ON_PAIRS, None, None],
    ["derain-pocket", [], None, None],
    ["deblur-pocket", [], None, None],
    ["deblur-pocket", ["training.max_steps=8"], "selfdeblur", None],
    ["condition-quality-pocket", [], None, None],
]
WARM_STARTS = [
    ["denoise-pocket", [], None, None],
    ["denoise-pocket", [], "vanilla", 1],
    ["denoise-pocket+guarded", ["data.camera=strong"], None, None],
    ["denoise-pocket", ["data.sigma=[0, 50]"], "dann", None],
    ["denoise-pocket", ON_PAIRS, None, None],
    ["denoise-pocket", ["warm_start.max_steps=200", "warm_start.threads=2"], None, None],
    ["derain-pocket", [], None, None],
    ["deblur-pocket", [], None, None],
]
SMALL = {"width": 8, "depths": [2], "heads": [2]}
PER_IMAGE = {"steps": 2, "width": 4, "skip": 2, "levels": 2, "hidden": 8}
# By file: network, its range
CARDS = {
    "unet": ({"name": "unet-s", "width": 4, "depth": 2}, (0.0, 1.0)),
    "unet-signed": ({"name": "unet-pocket", "width": 4}, (-1.0, 1.0)),
    "dncnn": ({"name": "dncnn", "width": 8, "depth": 3}, (0.0, 1.0)),
    "swinir": ({"name": "swinir-pocket", **SMALL}, (0.0, 1.0)),
    "masked": ({"name": "swinir-masked-pocket", **SMALL}, (0.0, 1.0)),
    "blind-spot": ({"name": "ap-bsn-pocket", "width": 4, "modules": 1}, (0.0, 1.0)),
    "selfdeblur": ({"name": "selfdeblur-pocket", **PER_IMAGE}, (0.0, 1.0)),
    "vdip": ({"name": "vdip-pocket", **PER_IMAGE}, (0.0, 1.0)),
    "identity": ({"name": "identity"}, (0.0, 1.0)),
}
# Made of a folder, since the simulated domains of the others take long to make; SIMULATED is a shorter look at those
STREAMS = {
    "denoise-pocket": [],
    "derain-pocket": ["data.target=pairs/input"],
    "deblur-pocket": ["data.target=pairs/input"],
}
SIMULATED = ["simulated-camera", "simulated-rain", "simulated-shake"]
TABLES = [[], ["--format", "csv"], ["--format", "md", "--table", "4"], ["--format", "latex", "--table", "1"]]


def call(*arguments: object) -> str:
    """Run a command in this process; what it printed."""
    sys.argv = ["workbench", *map(str, arguments)]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        main()
    return printed.getvalue()


def with_set(settings: list[str]) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def make_pictures() -> None:
    """Two clean crops, noisy twins of them, and one of those in 16 bits."""
    rng = np.random.default_rng(0)
    for name, top, left in (("astronaut", 100, 180), ("chelsea", 80, 140)):
        with files("skimage").joinpath(f"data/{name}.png").open("rb") as file:
            clean = np.asarray(Image.open(file).convert("RGB"))[top : top + 72, left : left + 80]
        noisy = np.clip(clean + rng.normal(0, 20, clean.shape), 0, 255)
        for folder, pixels in (("pairs/target", clean), ("pairs/input", noisy.round().astype(np.uint8))):
            (HERE / folder).mkdir(parents=True, exist_ok=True)
            write_png(HERE / folder / f"{name}.png", pixels)
    (HERE / "sixteen").mkdir()
    write_png(HERE / "sixteen" / "chelsea.png", (noisy * 257).round().astype(np.uint16))


def make_runs() -> None:
    """Two finished runs with their warm start and evaluations, as `workbench compare` leaves them."""
    compare = ["compare", "denoise", "--methods", "noise-space", "--controls", "vanilla", "--seeds", "0",
               *with_set(TINY), "--data", "pairs", "--runs", "runs", "--processes", "1", "--format", "csv"]  # fmt: skip
    call(*compare)
    write(EXPECTED / "compare.csv", call(*compare))


def make_interrupted() -> None:
    """A run that SIGTERM stopped after its fifth step, and what it gives when continued."""
    after_batch = callbacks.Checkpoints.on_train_batch_end

    def stop_at_five(self, trainer, *arguments):
        if trainer.global_step == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        after_batch(self, trainer, *arguments)

    train = ["train", "denoise-pocket", *with_set(STRONG), "--runs", "runs", "--name", "interrupted"]
    callbacks.Checkpoints.on_train_batch_end = stop_at_five
    call(*train)
    callbacks.Checkpoints.on_train_batch_end = after_batch
    assert json.loads(Path("runs/interrupted/summary.json").read_text())["status"] == "interrupted"
    with tempfile.TemporaryDirectory() as folder:
        continued = shutil.copytree("runs", Path(folder) / "runs")
        train[train.index("--runs") + 1] = continued
        call(*train, "--resume")
        save_file(load_file(continued / "interrupted" / "restorer.safetensors"), EXPECTED / "continued.safetensors")
        # The same without the interruption
        train[-1] = "whole"
        call(*train)
        whole = load_file(continued / "whole" / "restorer.safetensors")
    for name, value in load_file(EXPECTED / "continued.safetensors").items():
        assert torch.equal(value, whole[name]), name


def tidy_runs() -> None:
    """Take out what tells of the machine, and what is large and nothing reads any more."""
    for path in Path("runs").rglob("process.json"):
        write(path, json.dumps(json.loads(path.read_text()) | {"host": "kept", "pid": 1}) + "\n")
    for path in Path("runs").rglob("events.out.tfevents.*"):
        path.rename(path.with_name(re.sub(r"(tfevents\.\d+)\..*\.(\d+)$", r"\1.kept.1.\2", path.name)))
    for path in [*Path("runs").rglob("evaluations/*.json"), *EXPECTED.glob("evaluate-*.json"),
                 *EXPECTED.glob("simulated-*.json")]:  # fmt: skip
        record = json.loads(path.read_text())
        record.get("report", record)["unavailable"] = {"lpips": "LPIPS not available: its weights were not there"}
        write(path, json.dumps(record, indent=2) + "\n")
    for path in [*Path("runs").rglob("*.lock"), *Path("runs").rglob("train.log")]:
        path.unlink()
    Path("runs/interrupted/snapshots/0000000.safetensors").unlink()
    for path in [*Path("runs").glob("compare-*"), *Path("runs/.warm-starts").glob("*/checkpoints"),
                 *Path("runs/.warm-starts").glob("*/events")]:  # fmt: skip
        shutil.rmtree(path)


def make_cards() -> None:
    """A restorer of each kind with few random weights."""
    (HERE / "cards").mkdir()
    for name, (network, data_range) in CARDS.items():
        torch.manual_seed(0)
        built = nets.build(**network)
        for parameter in built.parameters():  # some begin as the identity, whatever the input
            parameter.data += 0.02 * torch.randn_like(parameter)
        nets.save_restorer(
            HERE / "cards" / f"{name}.safetensors", built, network, data_range=data_range, provenance={"note": "random"}
        )


def make_outputs() -> None:
    """What `workbench restore` writes, as uint8 (uint16 for the picture of 16 bits); by tiles as the difference."""
    arrays = {}
    restorers = [*sorted(PACKAGED.glob("*.safetensors")), *sorted((HERE / "cards").glob("*.safetensors"))]
    with tempfile.TemporaryDirectory() as folder:
        for restorer in restorers:
            pictures = "pairs/input" if restorer.parent == PACKAGED else "pairs/input/astronaut.png"
            call("restore", restorer, pictures, "--output", folder, "--device", "cpu")
            names = sorted(path.stem for path in Path(folder).glob("*.png"))
            for name in names:
                arrays[f"{restorer.stem}/{name}"] = read_image(Path(folder) / f"{name}.png").pixels
            call("restore", restorer, pictures, "--output", folder, "--device", "cpu", "--tile", "64")
            for name in names:
                tiled = read_image(Path(folder) / f"{name}.png").pixels.astype(np.int16)
                arrays[f"{restorer.stem}/{name}/tiled"] = tiled - arrays[f"{restorer.stem}/{name}"]
                (Path(folder) / f"{name}.png").unlink()
        call(
            "restore",
            PACKAGED / "denoise-photographs-pocket-adapted.safetensors",
            "sixteen",
            "--output",
            folder,
            "--device",
            "cpu",
        )
        arrays["sixteen"] = read_image(Path(folder) / "chelsea.png").pixels
        assert arrays["sixteen"].dtype == np.uint16
    np.savez_compressed(EXPECTED / "outputs.npz", **arrays)


def make_evaluations() -> None:
    """What `workbench evaluate --json` writes for a packaged restorer and for a run, by protocol."""
    for protocol in ("rgb", "y", "rgb-ecc"):
        for restorer in (
            PACKAGED / "denoise-photographs-pocket-adapted.safetensors",
            HERE / "cards" / "unet.safetensors",
        ):
            file = EXPECTED / f"evaluate-{restorer.stem}-{protocol}.json"
            call("evaluate", restorer, "--data", "pairs", "--protocol", protocol, "--json", file, "--device", "cpu")


def make_simulated() -> None:
    """How the held-out pictures of the simulated domains differ from their references."""
    for place in SIMULATED:
        file = EXPECTED / f"{place}.json"
        call("evaluate", HERE / "cards" / "identity.safetensors", "--data", place, "--json", file, "--device", "cpu")


def make_recipes() -> None:
    """The list of packaged recipes, and resolved ones as training writes them."""
    write(EXPECTED / "recipes.txt", call("recipes"))
    (HERE / "recipes").mkdir()
    for name in [*(recipe.name for recipe in available()), *RESOLVED]:
        save_recipe(resolve(load_recipe(name)), HERE / "recipes" / f"{name}.yaml")


def make_cached() -> None:
    """Finished runs under the names that `find_or_train` finds them by; nothing but what tells what they are."""
    for case in REUSED:
        name, settings, method, seed = case
        recipe = load_recipe(name, settings, method=method, seed=seed)
        case.append(run_name(recipe))
        _finished(recipe, HERE / "reused" / case[-1])
    write(EXPECTED / "reused.json", json.dumps(REUSED, indent=1) + "\n")


def make_warm_starts() -> None:
    """The names of warm starts, and their recipes; the test gives them weights."""

    class Found(Exception):
        pass

    for case in WARM_STARTS:
        name, settings, method, seed = case

        def look(recipe, folder, name, case=case, **options):
            case.append(name)
            _finished(recipe, HERE / "warm" / name)
            raise Found

        true, fit_module = sys.modules["workbench.training.fit"].fit, sys.modules["workbench.training.fit"]
        fit_module.fit = look
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(Found):
            fit(load_recipe(name, settings, method=method, seed=seed), Path(folder))
        fit_module.fit = true
    write(EXPECTED / "warm_starts.json", json.dumps(WARM_STARTS, indent=1) + "\n")


def _finished(recipe, folder: Path) -> None:
    from workbench.data.domains import data_locations
    from workbench.data.fingerprints import fingerprints

    folder.mkdir(parents=True, exist_ok=True)
    save_recipe(resolve(recipe), folder / "recipe.yaml")
    write(folder / "data.json", json.dumps(fingerprints(data_locations(recipe.data))) + "\n")
    facts = {"recipe": recipe.name, "method": recipe.method, "seed": recipe.seed}
    summary = {
        "status": "finished", **facts, "scale": recipe.scale, "steps": 1, "seconds": 1.0, "weights": "ema",
        "validation": {}, "warm_start": None, "finished_at": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    write(folder / "summary.json", json.dumps(summary) + "\n")


def make_streams() -> None:
    """The first three samples that a training sees."""
    true = Trainer.fit
    arrays = {}

    class Seen(BaseException):
        pass

    def look(self, method, batches, **options):
        batch = next(iter(batches))
        arrays.update({f"{recipe}/{name}": value.numpy() for name, value in batch.items()})
        raise Seen

    Trainer.fit = look
    for recipe, target in STREAMS.items():
        settings = ["warm_start=null", "training.batch_size=3", "training.patch_size=16", "data.validation=pairs"]
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(Seen):
            call("train", recipe, *with_set([*settings, "data.source_validation=pairs", *target]), "--runs", folder)
    Trainer.fit = true
    np.savez_compressed(EXPECTED / "streams.npz", **arrays)


def make_tables() -> None:
    """What `workbench tables` prints."""
    for number, arguments in enumerate(TABLES):
        write(EXPECTED / f"tables-{number}.txt", call("tables", "--runs", "runs", *arguments))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for folder in ("expected", "pairs", "sixteen", "runs", "cards", "recipes", "reused", "warm"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
    EXPECTED.mkdir()
    os.chdir(HERE)
    for make in (make_pictures, make_runs, make_interrupted, make_cards, make_outputs, make_evaluations,
                 make_simulated, tidy_runs, make_recipes, make_cached, make_warm_starts, make_streams,
                 make_tables):  # fmt: skip
        print(make.__name__, flush=True)
        make()
