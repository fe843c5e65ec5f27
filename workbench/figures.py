"""Pictures side by side, with what they are and how good: as notebooks, demo and studies show them."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter
from torch import Tensor, from_numpy, nn

from workbench.colours import OTHER, colour
from workbench.data.domains import Pair
from workbench.evaluation.metrics import psnr
from workbench.files import make_folder, replacing
from workbench.images import to_float
from workbench.probes.patches import texture
from workbench.probes.spectra import detail_and_noise
from workbench.restore import restore_array
from workbench.restorers import Restorer

CAPTION_WIDTH = 12
"""Characters of a caption in a line, by inch of the figure."""
INPUT, REFERENCE = "input", "reference"
BLURS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5)
"""Standard deviations in pixels of the Gaussian blurs that the plane of detail and noise is read against."""

Views = dict[str, np.ndarray | None]


def caption(figure: Figure, text: str) -> Figure:
    """Put a caption under a figure of constrained layout, in lines that fit its width; returns the figure."""
    width = int(CAPTION_WIDTH * figure.get_figwidth())
    figure.supxlabel("\n".join(textwrap.wrap(text, width)), fontsize=9, x=0.01, ha="left")
    return figure


def save_figure(figure: Figure, path: str | os.PathLike, dpi: int = 110, **options) -> None:
    """Write a figure as a picture of the kind that the file's name says, and close it.

    Parameters
    ----------
    figure : Figure
    path : path-like
        Its folder is made when missing.
    dpi : int
    **options
        Of `matplotlib.figure.Figure.savefig`.

    Raises
    ------
    CannotWrite
    """
    path = Path(path)
    make_folder(path.parent)
    with replacing(path) as file:
        figure.savefig(file, format=path.suffix[1:], dpi=dpi, **options)
    plt.close(figure)


def crop_of(image: np.ndarray, across: float = 0.5, down: float = 0.5, side: int = 112) -> np.ndarray:
    """A square part of a picture (H, W, 3); ``across`` and ``down`` say where, from 0 to 1."""
    height, width = image.shape[:2]
    side = min(side, height, width)
    top, left = round(down * (height - side)), round(across * (width - side))
    return image[top : top + side, left : left + side]


def textured_place(image: np.ndarray, side: int = 112) -> tuple[float, float]:
    """``across`` and ``down`` of the most textured of 64 crops (`crop_of`) of a picture that lie in rows and columns.

    To be asked of a reference, so that no result has a say in what is shown; dark and overexposed places count as flat.

    Examples
    --------
    >>> picture = np.full((64, 64, 3), 0.5)
    >>> picture[32:, 32:] += np.random.default_rng(0).uniform(-0.2, 0.2, (32, 32, 1))
    >>> textured_place(picture, side=32)
    (1.0, 1.0)
    """
    places = [(across, down) for across in np.linspace(0, 1, 8).tolist() for down in np.linspace(0, 1, 8).tolist()]
    return max(places, key=lambda place: texture(crop_of(image, *place, side)))


def views_of(pair: Pair, restorers: Mapping[str, Restorer | nn.Module]) -> Views:
    """A held-out pair by all restorers: ``input``, a view each, ``reference``; float (H, W, 3) in [0, 1]."""
    degraded = to_float(pair.degraded).clip(0, 1)
    restored = {name: restore_array(net, to_float(pair.degraded)).clip(0, 1) for name, net in restorers.items()}
    return {INPUT: degraded, **restored, REFERENCE: to_float(pair.reference)}


def side_by_side(
    rows: Mapping[str, Views],
    text: str = "",
    across: float = 0.5,
    down: float = 0.5,
    side: int = 112,
    whole: bool = False,
    columns: int | None = None,
    inches: float = 2.2,
) -> Figure:
    """The same crop of input, restorers and reference, with each one's PSNR.

    Parameters
    ----------
    rows : dict of str to dict of str to ndarray or None
        By picture the views as of `views_of`; None leaves a place empty.
    text : str
        The figure's caption: data, scale and seeds.
    across, down, side
        Of the crop, as in `crop_of`.
    whole : bool
        Whether the PSNR is that of the whole picture instead of the crop's.
    columns : int, optional
        Views in a line; all by default.
    inches : float
        Of a picture.

    Returns
    -------
    Figure
    """
    lines, names, notes = [], [], []
    for name, views in rows.items():
        crops = {key: None if view is None else crop_of(view, across, down, side) for key, view in views.items()}
        labels = [_label(key, views if whole else crops) for key in crops]
        width = columns or len(crops)
        fill = -len(crops) % width
        pictures, labels = [*crops.values(), *[None] * fill], [*labels, *[""] * fill]
        for start in range(0, len(pictures), width):
            lines.append(pictures[start : start + width])
            notes.append(labels[start : start + width])
            names.append("" if start else name)
    if len({len(line) for line in lines}) > 1:
        raise ValueError("rows of unequal numbers of views")
    return panel(lines, [""] * len(lines[0]), names if len(rows) > 1 else (), notes, text, inches)


def _label(name: str, views: Views) -> str:
    picture, reference = views[name], views.get(REFERENCE)
    if picture is None or reference is None or name == REFERENCE:
        return name
    return f"{name}  {psnr(picture, reference, 1.0):.2f} dB"


def panel(
    pictures: Sequence[Sequence[np.ndarray | None]],
    columns: Sequence[str],
    rows: Sequence[str] = (),
    notes: Sequence[Sequence[str]] = (),
    text: str = "",
    side: float = 2.4,
) -> Figure:
    """Pictures in lines and columns.

    Parameters
    ----------
    pictures : sequence of sequence of ndarray or None
        Rows of (H, W, 3) pictures, integers or floating point, which is clipped to [0, 1]; None leaves a place empty.
    columns, rows : sequence of str
        Titles above the first row and left of the first column.
    notes : sequence of sequence of str, optional
        A line below each picture.
    text : str
        The figure's caption: data, scale and seeds.
    side : float
        Inches a picture.

    Returns
    -------
    Figure
    """
    figure, axes = plt.subplots(
        len(pictures), len(columns), squeeze=False, layout="constrained",
        figsize=(side * len(columns) + 0.3 * bool(rows), (side + 0.25) * len(pictures) + 0.3 + 0.35 * bool(text)),
    )  # fmt: skip
    for row, line in enumerate(pictures):
        for column, picture in enumerate(line):
            axis = axes[row, column]
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            if picture is not None:
                axis.imshow(to_float(picture).clip(0, 1), interpolation="nearest")
            if row == 0:
                axis.set_title(columns[column], fontsize=10)
            if notes:
                axis.set_xlabel(notes[row][column], fontsize=9)
        if rows:
            axes[row, 0].set_ylabel(rows[row], fontsize=10)
    return caption(figure, text) if text else figure


def fine_parts(images: Tensor, reference: Tensor) -> tuple[float, float]:
    """Detail kept and noise left (`workbench.probes.spectra.detail_and_noise`), medians over images (N, 3, H, W)."""
    detail, noise = detail_and_noise(images, reference)
    return float(detail.median()), float(noise.median())


def blur_curve(images: Tensor, reference: Tensor, sigmas: Sequence[float] = BLURS) -> np.ndarray:
    """Detail kept and noise left of images under Gaussian blurs: what smoothing alone reaches.

    Parameters
    ----------
    images, reference : Tensor, shape (N, 3, H, W)
    sigmas : sequence of float
        In pixels; 0 leaves the images as they are.

    Returns
    -------
    ndarray, shape (len(sigmas), 2)
        `fine_parts` by blur.
    """
    pictures = images.detach().cpu().numpy()
    blurred = [from_numpy(gaussian_filter(pictures, (0, 0, sigma, sigma), mode="reflect")) for sigma in sigmas]
    return np.array([fine_parts(each, reference) for each in blurred])


def draw_plane(axis: Axes, parts: Mapping[str, tuple[float, float]], blurs: np.ndarray | None = None) -> None:
    """Detail kept over noise left, up and to the left being better, with the curve that blurring alone goes along.

    Above the curve something was gained over a blur of the input; below it, a blur would have done better.

    Parameters
    ----------
    axis : Axes
    parts : dict of str to (float, float)
        By label `fine_parts`; ``input`` and ``oracle`` are the anchors at both ends.
    blurs : ndarray, shape (S, 2), optional
        Of `blur_curve`, of the input.
    """
    if blurs is not None:
        axis.plot(blurs[:, 1], blurs[:, 0], color=OTHER, linewidth=1.2, zorder=1, label="input under Gaussian blurs")
    for (label, (detail, noise)), marker in zip(parts.items(), "osD^vP*Xhp<>d" * 3, strict=False):
        axis.scatter(noise, detail, s=46, marker=marker, color=colour(label), zorder=2, label=label)
    axis.set(xscale="log", xlabel="noise left [energy of the reference's band]", ylabel="detail kept [1: all]")
