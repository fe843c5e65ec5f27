"""The test protocols on real image pairs: what the degraded pictures themselves score, and restorers if some are named.

Reads those of the sets below that are there, named as in recipes: camera noise, rain, blur (of Levin et al. without and
with alignment), low light and haze; ``workbench data`` prepares all but ``rain_sirr`` and ``levin``. A row of
``results/real-protocols.csv`` is a restorer on a set by a protocol; it names how many of the folder's pictures were
measured. LPIPS is that of the whole picture and stands with the first protocol of its set; with ``WORKBENCH_WEIGHTS``
it needs no download.

Usage: ``python benchmarks/real_protocols.py [--restorer RUN]``; call it again to add or renew rows.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from workbench.data.folders import is_paired, matched_pairs
from workbench.data.root import folder_of
from workbench.errors import WorkbenchError
from workbench.evaluation import Lpips, Unavailable, get_protocol
from workbench.evaluation.evaluate import RestoreFunction
from workbench.files import write_text
from workbench.images import read_image, to_float
from workbench.restore import restore_array
from workbench.restorers import load_restorer
from workbench.runs.provenance import provenance
from workbench.studies.rows import renew

RESULTS = Path(__file__).parent / "results"
SETS = {
    "dataset:polyu": ("PolyU", "noise", ("rgb", "blocks", "blocks-volume")),
    "dataset:cc": ("CC", "noise", ("rgb", "blocks", "blocks-volume")),
    "dataset:nam": ("Nam", "noise", ("rgb", "blocks", "blocks-volume")),
    "dataset:spa/test": ("SPA", "rain", ("y", "rgb")),
    "dataset:rain100l/test": ("Rain100L (synthetic)", "rain", ("y", "rgb")),
    "dataset:rain_sirr": ("DDN-SIRR (synthetic)", "rain", ("y", "rgb")),
    "dataset:gopro/test": ("GoPro", "blur", ("rgb",)),
    "dataset:levin": ("Levin", "blur", ("rgb", "rgb-ecc")),
    "dataset:lolv1/test": ("LOL", "low light", ("rgb",)),
    "dataset:sots/outdoor": ("SOTS", "haze", ("rgb",)),
}
"""Title, kind and protocols by location; deraining is measured on luma in the literature, SIDD in blocks."""
COLUMNS = ("kind", "set", "protocol", "restorer", "weights", "images", "of", "psnr", "ssim", "lpips", "commit")


class Pairs:
    """Some pairs of a folder, read one by one: at most ``limit``, evenly spread over the sorted names."""

    def __init__(self, folder: Path, limit: int):
        self.folder, pairs = folder, matched_pairs(folder)
        self.of = len(pairs)
        self.pairs = [pairs[i] for i in np.linspace(0, self.of - 1, min(limit, self.of)).round().astype(int)]

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        for pair in self.pairs:
            yield pair.name, read_image(pair.degraded).pixels, read_image(pair.clean).pixels


@dataclass(frozen=True)
class Restorer:
    """What is measured: its name, the start of its weights' SHA-256, and what it does to a picture."""

    name: str
    weights: str
    restore: RestoreFunction

    @staticmethod
    def load(place: Path) -> Restorer:
        """Read a restorer, given as a run folder or a ``.safetensors`` file.

        Raises
        ------
        WorkbenchError
            There is none, or it cannot be read.
        """
        network, _ = load_restorer(place)
        file = (place / "restorer.safetensors" if place.is_dir() else place).with_suffix(".safetensors")
        name = file.parent.resolve().name if file.stem == "restorer" else file.stem
        weights = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
        return Restorer(name, weights, lambda image: restore_array(network, image))


INPUT = Restorer("input", "", lambda image: image)
"""The degraded pictures themselves."""


def measure(name: str, pairs: Pairs, restorer: Restorer, lpips: Lpips | Unavailable) -> Iterator[dict[str, str]]:
    """Rows of a set and a restorer: one a protocol.

    Each picture is restored once and its input measured only where that is what is asked for, unlike in
    `workbench.evaluation.evaluate_pairs`, which measures by one protocol and the inputs every time.

    Raises
    ------
    WorkbenchError
        A pair cannot be read, or a protocol has no number for it.
    """
    title, kind, protocols = SETS[name]
    scores = {protocol: [] for protocol in protocols}
    for picture, degraded, reference in pairs:
        if degraded.shape != reference.shape:
            raise WorkbenchError(f"{pairs.folder}: {picture}: input and target differ in size")
        restored, reference = restorer.restore(to_float(degraded)), to_float(reference)
        for protocol in map(get_protocol, protocols):
            prepared = protocol.prepare(restored), protocol.prepare(reference)
            try:
                psnr, ssim = protocol.measure(*prepared)
            except WorkbenchError as error:
                raise WorkbenchError(f"{pairs.folder}: {picture}: {protocol.name} {error}") from error
            perceptual = isinstance(lpips, Lpips) and protocol.name == protocols[0]
            scores[protocol.name].append((psnr, ssim, lpips(*prepared) if perceptual else None))
    for protocol, rows in scores.items():
        means = (None if None in column else np.mean(column) for column in zip(*rows, strict=True))
        numbers = {
            metric: "" if mean is None else f"{mean:.4f}"
            for metric, mean in zip(("psnr", "ssim", "lpips"), means, strict=True)
        }
        yield {
            "kind": kind, "set": title, "protocol": protocol, "restorer": restorer.name, "weights": restorer.weights,
            "images": str(len(pairs)), "of": str(pairs.of), **numbers, "commit": provenance()["commit"] or "",
        }  # fmt: skip


def enter(path: Path, new: dict[str, str]) -> None:
    """Add a row to the CSV file, or renew it; rows keep the order of `SETS`, the input before restorers."""
    renew(path, [new], ("set", "protocol", "restorer"))
    order = [(title, protocol) for title, _, protocols in SETS.values() for protocol in protocols]

    def place(row: dict[str, str]) -> tuple[int, bool]:
        return order.index((row["set"], row["protocol"])), row["restorer"] != INPUT.name

    rows = pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
    write_text(path, pd.DataFrame(sorted(rows, key=place)).to_csv(index=False))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--restorer", type=Path, action="append", default=[], help="a run or .safetensors; repeatable")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), help="only these")
    parser.add_argument("--limit", type=int, default=24, help="pictures a set at most, evenly spread")
    parser.add_argument("--csv", type=Path, default=RESULTS / "real-protocols.csv")
    arguments = parser.parse_args()
    if arguments.limit < 1:
        parser.error("--limit: give a number of at least 1")
    present = [name for name in arguments.sets if is_paired(folder_of(name))]
    if not present:
        parser.error(f"none of {', '.join(arguments.sets)} is there; see `workbench data prepare`")
    torch.set_num_threads(1)
    lpips = Lpips.load()
    try:
        restorers = [INPUT, *map(Restorer.load, arguments.restorer)]
        for name in present:
            pairs = Pairs(folder_of(name), arguments.limit)
            for restorer in restorers:
                for row in measure(name, pairs, restorer, lpips):
                    enter(arguments.csv, row)
                    print("  ".join(row[column] or "-" for column in COLUMNS), flush=True)
    except WorkbenchError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
