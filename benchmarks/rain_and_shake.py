"""How much the simulated rain and camera shake are like real ones, and how far the synthetic source is from both.

Measures the same statistics on pairs of degraded and clean pictures: the data sets, the source domain's synthetic
degradation of the embedded held-out photographs, and both rolls of the simulated target. Writes them to
``results/rain_and_shake.csv``. The simulators' constants were chosen by eye beside real photographs and checked here;
nothing trains.

Data sets are named as in recipes, below the folder ``WORKBENCH_DATA``: ``spa/test`` (real rain), ``rain100l/test``,
``gopro/test`` (blur by averaged frames), and two not of ``workbench data``: ``rain_sirr`` (synthetic rain)
and ``levin`` (real shake, aligned here by whole pixels). Sets that are absent are left out. With ``--figure`` it also
draws source and target side by side.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter, sobel

from workbench.data.collections import read_pairs
from workbench.data.domains import source_validation_pairs
from workbench.data.embedded import simulated_target
from workbench.data.root import folder_of
from workbench.evaluation.metrics import psnr
from workbench.figures import panel, save_figure
from workbench.files import write_text
from workbench.images import to_uint
from workbench.recipes import load_recipe

HERE = Path(__file__).parent
RAIN = {"SPA (real)": "dataset:spa/test", "Rain100L": "dataset:rain100l/test", "DDN-SIRR": "dataset:rain_sirr"}
SHAKEN = "Levin (real)"
BLUR = {SHAKEN: "dataset:levin", "GoPro": "dataset:gopro/test"}
LUMA = np.array([0.299, 0.587, 0.114])
LARGEST_SHIFT = 10
VEIL = 15.0
"""Standard deviation in pixels of the Gaussian that holds what is no streak."""
TILES = 4

Pair = tuple[np.ndarray, np.ndarray]


def source_pairs(recipe: str) -> Iterator[Pair]:
    """The embedded held-out photographs with a recipe's synthetic degradation, as 8-bit pictures."""
    for pair in source_validation_pairs(load_recipe(recipe).data):
        yield to_uint(pair.degraded), pair.reference


def target_pairs(recipe: str) -> Iterator[Pair]:
    """Both rolls of a recipe's simulated target."""
    data = load_recipe(recipe).data
    for split in ("train", "held-out"):
        for shot in simulated_target(split, data.camera, domain=data.target):
            yield shot.photograph, shot.reference


def rain_statistics(degraded: np.ndarray, clean: np.ndarray) -> dict[str, float]:
    """Statistics of one rainy picture and its clean twin, uint8 (H, W, 3).

    Returns
    -------
    dict
        ``psnr`` (dB); ``added``: mean of what the rain adds to the luma (grey levels); ``covered``: share of pixels
        whose luma it raises by more than 10; ``upright``: how much longer than wide is what is added, as the
        ratio of its correlation lengths down and across the picture; ``width``: the one across, in pixels (both without
        what varies over more than 30 pixels, such as a veil);
        ``colour``: standard deviation of the added chroma relative to that of the added luma; ``dark``, ``bright``:
        mean added where the clean luma is below 64 and above 192.
    """
    added = degraded.astype(float) - clean
    luma, background = added @ LUMA, clean @ LUMA
    streaks = luma - gaussian_filter(luma, VEIL)
    down, across = (_correlation_length(streaks, axis) for axis in (0, 1))
    chroma = added - luma[..., None]
    values = {
        "psnr": psnr(degraded, clean, 255),
        "added": luma.mean(),
        "covered": (luma > 10).mean(),
        "upright": down / across,
        "width": across,
        "colour": chroma.std() / luma.std(),
    }
    for name, where in (("dark", background < 64), ("bright", background > 192)):
        values[name] = luma[where].mean() if where.mean() > 0.01 else np.nan
    return values


def blur_statistics(degraded: np.ndarray, clean: np.ndarray) -> dict[str, float]:
    """Statistics of one blurred picture and its sharp twin, uint8 (H, W, 3).

    Returns
    -------
    dict
        ``psnr`` (dB); ``gradient``: mean gradient of the luma relative to the sharp picture's; ``direction``: how
        unequally, 0 to 1, the blur takes gradients of different directions; ``variation``: standard deviation over
        4 x 4 tiles of the logarithm of ``gradient``; ``saturated``: share of clipped pixels (percent) in the blurred
        picture; ``noise``: robust standard deviation of the finest detail where the sharp picture is flat (grey
        levels).
    """
    blurred, sharp = degraded @ LUMA, clean @ LUMA
    # Noise would count as gradients.
    tensors = [_gradients(gaussian_filter(plane, 1.0)) for plane in (blurred, sharp)]
    ratio = [np.sqrt(tensors[0][..., i].mean() / tensors[1][..., i].mean()) for i in range(4)]
    energy = [_tiled(tensor[..., :2].sum(axis=2)) for tensor in tensors]
    textured = energy[1] > np.median(energy[1]) / 4
    flat = np.hypot(*np.moveaxis(_first_derivatives(gaussian_filter(sharp, 2.0)), 2, 0)) < 1
    fine = blurred - gaussian_filter(blurred, 1.0)
    return {
        "psnr": psnr(degraded, clean, 255),
        "gradient": np.sqrt(tensors[0][..., :2].sum() / tensors[1][..., :2].sum()),
        "direction": (max(ratio) - min(ratio)) / max(ratio),
        "variation": np.std(np.log(energy[0][textured] / energy[1][textured]) / 2),
        "saturated": 100 * (degraded == 255).any(axis=2).mean(),
        "noise": 1.4826 * np.median(np.abs(fine[flat])) if flat.mean() > 0.02 else np.nan,
    }


def aligned(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """Shift the blurred picture by the whole pixels that bring it closest to the sharp one; cut the border."""
    for degraded, clean in pairs:
        border, shifts = LARGEST_SHIFT, range(-LARGEST_SHIFT, LARGEST_SHIFT + 1)
        inner = clean[border:-border, border:-border]
        moved = (np.roll(degraded, (y, x), axis=(0, 1))[border:-border, border:-border] for y in shifts for x in shifts)
        yield min(moved, key=lambda image, inner=inner: np.square(image - inner.astype(float)).sum()), inner


def _correlation_length(plane: np.ndarray, axis: int) -> float:
    """Pixels at which the autocorrelation along an axis falls to a half, interpolated."""
    before = 1.0
    for lag in range(1, plane.shape[axis] // 2):
        first, second = (np.take(plane, range(begin, plane.shape[axis] - lag + begin), axis) for begin in (0, lag))
        now = float((first * second).mean() / (plane**2).mean())
        if now < 0.5:
            return lag - 1 + (before - 0.5) / (before - now)
        before = now
    return float(plane.shape[axis] // 2)


def _first_derivatives(plane: np.ndarray) -> np.ndarray:
    return np.stack([sobel(plane, axis) / 8 for axis in (0, 1)], axis=2)


def _gradients(plane: np.ndarray) -> np.ndarray:
    """Squared derivatives along the rows, the columns and the two diagonals, (H, W, 4)."""
    down, across = np.moveaxis(_first_derivatives(plane), 2, 0)
    return np.stack([down, across, (down + across) / np.sqrt(2), (down - across) / np.sqrt(2)], axis=2) ** 2


def _tiled(plane: np.ndarray) -> np.ndarray:
    """Means over a grid of tiles."""
    rows = np.array_split(plane, TILES, axis=0)
    return np.array([[tile.mean() for tile in np.array_split(row, TILES, axis=1)] for row in rows])


def draw(path: Path) -> None:
    """Draw held-out samples of both tasks: source pair and target pair."""
    pictures, notes = [], []
    for recipe, domains in (
        ("derain-pocket", ("additive streaks (source)", "simulated rain (target)")),
        ("deblur-pocket", ("straight motion (source)", "simulated camera shake (target)")),
    ):
        rolls = [list(source_pairs(recipe)), list(target_pairs(recipe))[-9:]]
        for number in (0, 5):
            pictures.append([image for roll in rolls for image in roll[number]])
            notes.append([kind for domain in domains for kind in (domain, "reference")])
    figure = panel(pictures, [""] * 4, notes=notes, side=3)
    save_figure(figure, path, dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--csv", type=Path, default=HERE / "results" / "rain_and_shake.csv")
    parser.add_argument("--figure", type=Path, help="also draw samples into this file")
    arguments = parser.parse_args()
    rows = []
    for task, recipe, names, statistics in (
        ("rain", "derain-pocket", RAIN, rain_statistics),
        ("blur", "deblur-pocket", BLUR, blur_statistics),
    ):
        folders = {label: folder_of(location) for label, location in names.items()}
        sets = {label: zip(*read_pairs(folder), strict=True) for label, folder in folders.items() if folder.is_dir()}
        if SHAKEN in sets:
            sets[SHAKEN] = aligned(sets[SHAKEN])
        sets |= {"source (synthetic)": source_pairs(recipe), "target (simulated)": target_pairs(recipe)}
        for label, pairs in sets.items():
            table = pd.DataFrame([statistics(*pair) for pair in pairs])
            means = {"psnr_min": table.psnr.min(), "psnr_max": table.psnr.max(), **table.mean()}
            rows += [(task, label, len(table), name, value) for name, value in means.items()]
    table = pd.DataFrame(rows, columns=["task", "set", "pictures", "statistic", "value"])
    write_text(arguments.csv, table.to_csv(index=False, float_format="%.4g"))
    for task, part in table.groupby("task", sort=False):
        wide = part.pivot(index="statistic", columns="set", values="value")
        print(task, wide.to_string(float_format="%.3f"), sep="\n")
    if arguments.figure:
        draw(arguments.figure)


if __name__ == "__main__":
    main()
