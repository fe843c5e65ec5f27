"""Which strengths the classical denoisers take: measured on photographs that no table tests on.

Centre squares of the objects of PolyU's training half that the desk pilot validates on (see desk_pilot.py). Results:
results/classical-settings.csv; workbench/restorers/classical.py holds what was best.
"""

from __future__ import annotations

import argparse
import functools
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from desk_pilot import inner_split

from workbench.data.collections import read_pairs
from workbench.evaluation.evaluate import evaluate_pairs
from workbench.restorers.classical import bm3d, non_local_means, total_variation
from workbench.runs.provenance import provenance

RESULTS = Path(__file__).parent / "results"
STRENGTHS = {
    "nlm": (non_local_means, (1.0, 1.44, 1.7, 2.0, 2.4, 2.8)),
    "tv": (total_variation, (1.0, 1.3, 1.6, 2.0, 2.4, 2.8)),
    "bm3d": (bm3d, (1.0, 1.5, 2.0, 2.6)),
}
SIDE = 256


def centre(image: np.ndarray) -> np.ndarray:
    """The square of `SIDE` pixels in the middle."""
    top, left = ((side - SIDE) // 2 for side in image.shape[:2])
    return image[top : top + SIDE, left : left + SIDE]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--runs", type=Path, default=Path("runs/desk-pilot"))
    parser.add_argument("--filters", nargs="+", default=list(STRENGTHS), choices=list(STRENGTHS))
    given = parser.parse_args()
    torch.set_num_threads(1)
    degraded, clean = read_pairs(inner_split(given.data.resolve(), given.runs)["test"])
    pairs = [(name, centre(degraded[place]), centre(clean[place])) for place, name in enumerate(degraded.names)]
    path = RESULTS / "classical-settings.csv"
    rows = pd.read_csv(path).to_dict("records") if path.exists() else []
    rows = [row for row in rows if row["filter"] not in given.filters]
    for name in given.filters:
        restore, strengths = STRENGTHS[name]
        for strength in strengths:
            begin = time.process_time()
            report = evaluate_pairs(functools.partial(restore, strength=strength), pairs, lpips=False)
            rows.append({
                "filter": name, "strength": strength, "pictures": len(report["images"]),
                "psnr": round(report["mean"]["psnr"], 3), "ssim": round(report["mean"]["ssim"], 4),
                "input_psnr": round(report["input_mean"]["psnr"], 3),
                "seconds": round(time.process_time() - begin, 1), "commit": provenance()["commit"],
            })  # fmt: skip
            print(rows[-1], flush=True)
            pd.DataFrame(rows).to_csv(path, index=False)


if __name__ == "__main__":
    main()
