"""Where restorers of rainy photographs err, where it rains or elsewhere: `python benchmarks/where_it_rains.py`.

Takes the runs of the study ``photographs-settings-rain`` (``--runs``) and the pictures that it chooses by, and writes
``results/where-it-rains.csv``: PSNR over the places where it rains and over all others, pooled over pictures. It rains
where photograph and reference, smoothed by a pixel, are more than eight grey levels apart.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from study_pictures import pairs_at

from workbench.evaluation.metrics import psnr
from workbench.images import to_float
from workbench.recipes import load_recipe
from workbench.restore import restore_array
from workbench.runs.provenance import provenance
from workbench.studies import load_study
from workbench.studies.rows import renew

FILE = Path(__file__).parent / "results" / "where-it-rains.csv"
STUDY = "photographs-settings-rain"
APART, SMOOTHING = 8 / 255, 1.0


def measured(pairs: list[tuple[np.ndarray, np.ndarray]], restore: Callable[[np.ndarray], np.ndarray]) -> dict[str, str]:
    """PSNR (dB) where it rains and elsewhere, of pictures (H, W, 3) in [0, 1], and the share of rainy places."""
    sides: dict[str, list] = {"rainy": [], "elsewhere": []}
    for degraded, clean in pairs:
        rainy = np.abs(gaussian_filter((degraded - clean).mean(axis=2), SMOOTHING)) > APART
        restored = restore(degraded)
        for side, place in (("rainy", rainy), ("elsewhere", ~rainy)):
            sides[side].append((restored[place], clean[place]))
    found = {side: [np.concatenate(parts) for parts in zip(*each, strict=True)] for side, each in sides.items()}
    share = len(found["rainy"][0]) / sum(len(restored) for restored, _ in found.values())
    return {side: f"{psnr(*each, 1.0):.3f}" for side, each in found.items()} | {"share": f"{share:.4f}"}


def main() -> None:
    """Measure the photographs and every run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs") / STUDY)
    torch.set_num_threads(1)
    study = load_study(STUDY)
    grid = study.grid(parser.parse_args().runs)
    data = load_recipe(study.recipe, grid.settings).data
    pairs = [(to_float(pair.degraded), to_float(pair.reference)) for pair in pairs_at(data.validation, data)]
    trained = {job.cell.name: job.run.restorer() for job in grid.jobs() if job.trained}
    restorers = {name: partial(restore_array, restorer) for name, restorer in trained.items()}
    commit = provenance()["commit"] or ""
    for name, restore in {"input": np.copy, **restorers}.items():
        row = {"domain": "rain", "cell": name, **measured(pairs, restore), "images": str(len(pairs)), "commit": commit}
        renew(FILE, [row], ("cell",))
        print(*row.values(), flush=True)


if __name__ == "__main__":
    main()
