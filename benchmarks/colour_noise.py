"""Colour noise that restorers leave in flat places of real photographs: `python benchmarks/colour_noise.py`.

Writes ``results/colour-noise.csv``: a row is a restorer on PolyU's other scenes, CC or Nam, with the metric
`workbench.evaluation.colour_noise`, beside the photographs themselves and their references. Call it again to renew
rows, or to add restorers: ``NAME=RUN``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from workbench.data.collections import read_pairs
from workbench.data.root import folder_of
from workbench.evaluation import evaluate_pairs
from workbench.images import to_float
from workbench.restore import restore_array
from workbench.restorers import load_restorer
from workbench.runs.provenance import provenance
from workbench.studies.rows import renew
from workbench.studies.splits import split_by_object

FILE = Path(__file__).parent / "results" / "colour-noise.csv"
RESTORERS = {"nlm": "nlm", "vanilla": "denoise-photographs-vanilla", "guarded": "denoise-photographs-adapted"}
METRICS = ("colour-noise", "psnr")


def measured(folder: Path, restorers: dict[str, Callable]) -> Iterator[dict[str, str]]:
    """Rows of the pairs of a folder: the input's, each restorer's, the references'."""
    degraded, clean = read_pairs(folder)
    pairs = list(zip(degraded.names, degraded, clean, strict=True))
    for name, restore in {"input": lambda picture: picture, **restorers}.items():
        mean = evaluate_pairs(restore, pairs, metrics=METRICS)["mean"]
        yield {"restorer": name, "images": str(len(pairs)), "colour_noise": f"{mean['colour-noise']:.3f}",
               "psnr": f"{mean['psnr']:.3f}"}  # fmt: skip
    references = [(name, reference, reference) for name, _, reference in pairs]
    mean = evaluate_pairs(lambda picture: picture, references, metrics=METRICS[:1])["mean"]
    yield {
        "restorer": "reference",
        "images": str(len(pairs)),
        "colour_noise": f"{mean['colour-noise']:.3f}",
        "psnr": "",
    }


def main() -> None:
    """Measure all on each set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("restorers", nargs="*", help="further ones, as NAME=RUN")
    arguments = parser.parse_args()
    torch.set_num_threads(1)

    def loaded(place: str) -> Callable[[np.ndarray], np.ndarray]:
        restorer, _ = load_restorer(place)
        return lambda picture: restore_array(restorer, to_float(picture))

    named = RESTORERS | dict(each.split("=", 1) for each in arguments.restorers)
    restorers = {name: loaded(place) for name, place in named.items()}
    with tempfile.TemporaryDirectory() as folder:
        polyu = split_by_object("dataset:polyu", Path(folder))["test"]
        for title, place in {"PolyU": polyu, "CC": folder_of("dataset:cc"), "Nam": folder_of("dataset:nam")}.items():
            for row in measured(place, restorers):
                renew(FILE, [{"set": title, **row, "commit": provenance()["commit"] or ""}], ("set", "restorer"))
                print(title, *row.values(), flush=True)


if __name__ == "__main__":
    main()
