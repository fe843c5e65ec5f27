"""The pilot of the desk scale: which restorer restores best after the same processor time.

Every candidate is trained from scratch on BSDS500 with AWGN and on PolyU with its references, for as long, and
measured on objects of PolyU that no table tests on: PolyU's training objects (`workbench.studies.splits`) are split
once more by the same rule. Results: results/desk-pilot.csv.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd
import torch

from workbench import nets
from workbench.methods import METHODS
from workbench.recipes import Recipe, load_recipe
from workbench.runs.folder import Run
from workbench.studies.splits import split_by_object
from workbench.training import fit

RESULTS = Path(__file__).parent / "results"
CANDIDATES = {
    "unet 16 x 3 (pocket)": "{name: unet-pocket}",
    "unet 16 x 4": "{name: unet-pocket, depth: 4}",
    "unet 16 x 5": "{name: unet-pocket, depth: 5}",
    "unet 24 x 4, unshuffled": "{name: unet-pocket, width: 24, depth: 4, unshuffle: 2}",
    "unet 32 x 4, unshuffled": "{name: unet-pocket, width: 32, depth: 4, unshuffle: 2}",
    "nafnet 12": "{name: nafnet, width: 12, encoder: [1, 1, 1, 2], middle: 2, decoder: [1, 1, 1, 1]}",
}
FIELDS = ("candidate", "patch_size", "learning_rate")


def inner_split(data: Path, runs: Path) -> dict[str, Path]:
    """PolyU's training objects, split by the rule that has set the test objects apart: ``train`` and ``test``."""
    outer = split_by_object(str(data / "polyu_crops"), runs / "polyu")
    return split_by_object(str(outer["train"]), runs / "polyu-inner")


def recipe_of(network: str, patch: int, rate: float, steps: int, places: dict[str, str]) -> Recipe:
    """The pilot's recipe."""
    settings = [
        f"data.source={places['source']}", f"data.target={places['train']}", f"data.validation={places['test']}",
        "data.validation_images=15", f"restorer={network}", "warm_start=null", f"training.max_steps={steps}",
        f"training.patch_size={patch}", f"training.batch_size={max(1, 2 * 64**2 // patch**2)}",
        f"training.learning_rate={rate}", "training.gradient_clip=1.0", "training.ema_decay=0.98",
        f"training.validate_every={steps}", f"training.checkpoint_every={steps}",
    ]  # fmt: skip
    return load_recipe("denoise-desk", settings, method="oracle")


def seconds_a_step(recipe: Recipe, times: int = 8) -> float:
    """The median processor time of a step of the oracle's loss on random pictures."""
    method, batch, size = METHODS["oracle"](recipe), recipe.training.batch_size, recipe.training.patch_size
    names = ("clean", "degraded", "target", "reference")
    pictures = {name: torch.rand(batch, 3, size, size).contiguous(memory_format=torch.channels_last) for name in names}
    optimizer, taken = torch.optim.Adam(method.restorer.parameters(), fused=True), []
    for _ in range(times):
        begin = time.process_time()
        method.losses(pictures, 0)["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
        taken.append(time.process_time() - begin)
    return sorted(taken)[times // 2]


def row_of(run: Run, network: str, candidate: str) -> dict:
    """What the pilot's table holds of a run."""
    training, measured = run.recipe.training, run.summary["validation"]
    made = nets.build(run.recipe.restorer.name, **run.recipe.restorer.overrides)
    return {
        "candidate": candidate, "patch_size": training.patch_size, "learning_rate": training.learning_rate,
        "batch": 2 * training.batch_size, "network": network, "seed": run.recipe.seed,
        "millions": round(sum(each.numel() for each in made.parameters()) / 1e6, 3), "halo": made.halo,
        "steps": run.summary["steps"], "seconds": run.summary["seconds"],
        "polyu_psnr": round(measured["target_psnr"], 3), "awgn25_psnr": round(measured["source_psnr"], 3),
        "commit": run.summary["provenance"]["commit"],
    }  # fmt: skip


def record(row: dict, path: Path) -> None:
    """Add or replace a row."""
    old = pd.read_csv(path).to_dict("records") if path.exists() else []
    kept = [each for each in old if [str(each[key]) for key in FIELDS] != [str(row[key]) for key in FIELDS]]
    pd.DataFrame([*kept, row]).to_csv(path, index=False)


def main() -> None:
    """Command line of the pilot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--runs", type=Path, default=Path("runs/desk-pilot"))
    parser.add_argument("--seconds", type=float, default=60, help="of one core, for each candidate")
    parser.add_argument("--patch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--candidates", nargs="+", default=list(CANDIDATES), choices=list(CANDIDATES))
    given = parser.parse_args()
    # Processor time, not the clock's: others may be at work on the machine
    torch.set_num_threads(1)
    folder = given.data.resolve()
    places = {name: str(place) for name, place in inner_split(folder, given.runs).items()}
    places["source"] = f"[{folder / 'bsds500' / 'train'}, {folder / 'bsds500' / 'test'}]"
    for candidate in given.candidates:
        network = CANDIDATES[candidate]
        step = seconds_a_step(recipe_of(network, given.patch, given.rate, 1, places))
        recipe = recipe_of(network, given.patch, given.rate, round(given.seconds / step), places)
        name = "".join(letter if letter.isalnum() else "-" for letter in f"{candidate} p{given.patch} r{given.rate}")
        run = fit(recipe, given.runs, name, resume=True)
        record(row_of(run, network, candidate), RESULTS / "desk-pilot.csv")


if __name__ == "__main__":
    main()
