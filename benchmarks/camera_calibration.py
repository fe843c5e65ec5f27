"""How much the simulated camera's noise is like that of real photographs.

Measures the same statistics of the noise (input minus target) on paired real photographs and on the training and
held-out rolls of the simulated cameras, writes them to a CSV file and draws them side by side. SIDD's sample has one
pair only, so its unpaired pictures and the night camera's are compared by their flattest places as well, where a
blurred picture stands in for the reference. The cameras' constants were chosen by hand from this table; nothing here
trains.

Data sets are named as in recipes, below the folder ``WORKBENCH_DATA``: ``polyu``, ``cc``, ``nam``, and two samples of
SIDD that ``workbench data`` does not prepare, ``sidd_pair`` and ``sidd_unpaired``. Sets that are absent are left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from workbench.data.camera import CAMERAS
from workbench.data.collections import read_folder, read_pairs
from workbench.data.embedded import simulated_target
from workbench.data.root import folder_of
from workbench.evaluation.metrics import psnr
from workbench.figures import save_figure
from workbench.files import write_text

HERE = Path(__file__).parent
REAL_SETS = {
    "PolyU": "dataset:polyu", "CC": "dataset:cc", "Nam": "dataset:nam", "SIDD": "dataset:sidd_pair"
}  # fmt: skip
UNPAIRED = "dataset:sidd_unpaired"
FLAT = ", flat"
"""After the name of a set of which flat places are measured."""
# RGB -> Y, Cb, Cr as in JPEG, without offsets.
YCBCR = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
BINS = 16
"""Bands of the radial spectrum, from 0 to the Nyquist frequency; corners beyond are left out."""
LEVELS = 8
"""Equal ranges of intensity."""

Pair = tuple[np.ndarray, np.ndarray]


def simulated_pairs(camera: str) -> Iterator[Pair]:
    """All pairs (photograph, reference) of both rolls of one simulated camera."""
    for split in ("train", "held-out"):
        for shot in simulated_target(split, camera):
            yield shot.photograph, shot.reference


def flat_pairs(pictures: Iterable[np.ndarray], side: int = 64, blur: float = 6.0, count: int = 4) -> Iterator[Pair]:
    """The flattest squares of each picture, and as reference themselves after Gaussian blur of so many pixels."""
    for picture in pictures:
        smooth = gaussian_filter(picture.astype(np.float32), (blur, blur, 0))
        corners = product(*(range(0, length - side + 1, side // 2) for length in picture.shape[:2]))
        squares = [np.s_[top : top + side, left : left + side] for top, left in corners]
        flattest = sorted(squares, key=lambda square: smooth[square].std(axis=(0, 1)).mean())
        yield from ((picture[square], np.rint(smooth[square]).astype(np.uint8)) for square in flattest[:count])


def picture_statistics(degraded: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Statistics of one pair.

    Parameters
    ----------
    degraded, reference : ndarray, shape (H, W, 3), uint8

    Returns
    -------
    dict
        ``psnr`` (dB); ``std_r/g/b/y/cb/cr``: standard deviation of the noise (grey levels); ``corr_y_h1`` ...
        ``corr_c_v2``: correlation with the neighbour 1 or 2 pixels to the right (h) or below (v), of luma and of chroma
        (mean of Cb and Cr); ``corr_rg``, ``corr_gb``, ``corr_rb``: correlation between channels; ``power_y_00`` ...:
        share of the noise power per band of radial frequency, as density relative to white noise (1 everywhere), luma
        and chroma; ``ref_gradient``: mean absolute luma difference between neighbours in the reference (grey levels);
        ``ref_highfreq``: standard deviation of the reference's luma above half the Nyquist frequency (grey levels).
    """
    noise = degraded.astype(np.float64) - reference
    noise -= noise.mean(axis=(0, 1))
    planes = noise @ YCBCR.T
    values = {"psnr": psnr(degraded, reference, 255)}
    for name, plane in zip("rgb", np.moveaxis(noise, 2, 0), strict=True):
        values[f"std_{name}"] = plane.std()
    for name, plane in zip(("y", "cb", "cr"), np.moveaxis(planes, 2, 0), strict=True):
        values[f"std_{name}"] = plane.std()
    for name, channels in (("y", (0,)), ("c", (1, 2))):
        for lag in (1, 2):
            h = [_correlation(planes[:, lag:, c], planes[:, :-lag, c]) for c in channels]
            v = [_correlation(planes[lag:, :, c], planes[:-lag, :, c]) for c in channels]
            values[f"corr_{name}_h{lag}"], values[f"corr_{name}_v{lag}"] = np.mean(h), np.mean(v)
        spectrum = np.mean([radial_spectrum(planes[..., c] / planes[..., c].std()) for c in channels], axis=0)
        values |= {f"power_{name}_{band:02d}": power for band, power in enumerate(spectrum)}
    for name, (a, b) in {"rg": (0, 1), "gb": (1, 2), "rb": (0, 2)}.items():
        values[f"corr_{name}"] = _correlation(noise[..., a], noise[..., b])
    grey = reference @ YCBCR[0]
    values["ref_gradient"] = (np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()) / 2
    values["ref_highfreq"] = np.sqrt(_power(grey)[_radius(grey.shape) > 0.25].sum() / grey.size)
    return values


def radial_spectrum(plane: np.ndarray) -> np.ndarray:
    """Mean power density in `BINS` equal bands of radial frequency below Nyquist; 1 for white noise of variance 1."""
    band = (_radius(plane.shape) * 2 * BINS).astype(int)
    inside = band < BINS
    power = _power(plane - plane.mean())
    return np.bincount(band[inside], power[inside]) / np.bincount(band[inside])


def level_by_intensity(pairs: Iterable[Pair]) -> dict[str, float]:
    """Noise level (grey levels, root mean square over pictures and channels) by range of the reference's intensity.

    Ranges that hold less than 0.2 % of the set's samples are left out.
    """
    count, square = np.zeros(LEVELS), np.zeros(LEVELS)
    for degraded, reference in pairs:
        level = (reference.astype(int) * LEVELS // 256).ravel()
        error = (degraded.astype(np.float64) - reference).ravel() ** 2
        count += np.bincount(level, minlength=LEVELS)
        square += np.bincount(level, error, minlength=LEVELS)
    return {f"level_{i}": np.sqrt(square[i] / count[i]) for i in range(LEVELS) if count[i] > 0.002 * count.sum()}


def set_statistics(pairs: Iterable[Pair]) -> dict[str, float]:
    """Means over the pictures of a set, the spread of its PSNR, and its noise level by intensity."""
    pairs = list(pairs)
    table = pd.DataFrame([picture_statistics(*pair) for pair in pairs])
    spread = {"pictures": len(table), "psnr_min": table.psnr.min(), "psnr_max": table.psnr.max()}
    return spread | table.mean().to_dict() | level_by_intensity(pairs)


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw the table (one column a set): spectra, level by intensity, correlations, smoothness."""
    figure, axes = plt.subplots(2, 3, figsize=(15, 8.5), layout="constrained")
    table = table.drop(columns=[name for name in table if name.endswith(FLAT)])
    real = [name for name in table if name in REAL_SETS.values()]
    colours = dict(zip(table, plt.get_cmap("tab10").colors, strict=False))
    style = {name: {"color": colours[name], "ls": "-" if name in real else "--", "marker": "."} for name in table}
    frequency = (np.arange(BINS) + 0.5) / (2 * BINS)
    for axis, plane, title in ((axes[0, 0], "y", "luma"), (axes[0, 1], "c", "chroma")):
        for name in table:
            axis.semilogy(frequency, table.loc[_rows(table, f"power_{plane}_"), name], label=name, **style[name])
        axis.set(title=f"Noise spectrum, {title} (white noise: 1)", xlabel="frequency [cycles/pixel]")
    for name in table:
        levels = table.loc[_rows(table, "level_"), name]
        middles = [(int(row[-1]) + 0.5) * 256 / LEVELS for row in levels.index]
        axes[0, 2].plot(middles, levels, label=name, **style[name])
    axes[0, 2].set(title="Noise level by intensity", xlabel="reference [grey levels]", ylabel="rms [grey levels]")
    axes[0, 0].legend(loc="lower left")
    lags = [f"corr_{plane}_{direction}{lag}" for plane in "yc" for lag in (1, 2) for direction in "hv"]
    smoothness = ["std_y", "std_cb", "std_cr", "ref_gradient", "ref_highfreq"]
    panels = (
        (axes[1, 0], lags, "Correlation with neighbours (luma y, chroma c)"),
        (axes[1, 1], ["corr_rg", "corr_gb", "corr_rb"], "Correlation between channels"),
        (axes[1, 2], smoothness, "Noise level; smoothness of the reference [grey levels]"),
    )
    for axis, rows, title in panels:
        width = 0.8 / len(table.columns)
        for number, name in enumerate(table):
            places = np.arange(len(rows)) + (number - len(table.columns) / 2 + 0.5) * width
            hatch = None if name in real else "///"
            axis.bar(places, table.loc[rows, name], width, color=colours[name], hatch=hatch, edgecolor="white")
        short = [row.removeprefix("corr_").replace("ref_", "ref\n").replace("_", " ") for row in rows]
        axis.set(title=title, xticks=np.arange(len(rows)), xticklabels=short)
    figure.suptitle("Noise of real photographs (solid) and of the simulated cameras (dashed, hatched)")
    save_figure(figure, path, dpi=80)


def _rows(table: pd.DataFrame, prefix: str) -> list[str]:
    return [row for row in table.index if row.startswith(prefix)]


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def _power(plane: np.ndarray) -> np.ndarray:
    """Periodogram normalised so that its mean is the mean square."""
    return np.abs(np.fft.fft2(plane)) ** 2 / plane.size


def _radius(shape: tuple[int, int]) -> np.ndarray:
    """Radial frequency in cycles a pixel, as laid out by `numpy.fft.fft2`."""
    return np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--csv", type=Path, default=HERE / "results" / "camera_calibration.csv")
    parser.add_argument("--figure", type=Path, default=HERE.parent / "docs" / "figures" / "camera_calibration.png")
    arguments = parser.parse_args()
    folders = {label: folder_of(location) for label, location in REAL_SETS.items()}
    sets = {label: zip(*read_pairs(folder), strict=True) for label, folder in folders.items() if folder.is_dir()}
    sets |= {f"simulated {camera}": simulated_pairs(camera) for camera in CAMERAS}
    if folder_of(UNPAIRED).is_dir():
        sets[f"SIDD, unpaired{FLAT}"] = flat_pairs(read_folder(folder_of(UNPAIRED)))
        sets[f"simulated night{FLAT}"] = flat_pairs(photograph for photograph, _ in simulated_pairs("night"))
    table = pd.DataFrame({name: set_statistics(pairs) for name, pairs in sets.items()})
    table = table.sort_index(key=lambda rows: rows.str.startswith(("power_", "level_")), kind="stable")
    write_text(arguments.csv, table.to_csv(float_format="%.4g", index_label="statistic"))
    draw(table, arguments.figure)
    print(table.drop(index=_rows(table, "power_")).to_string(float_format="%.3f"))


if __name__ == "__main__":
    main()
