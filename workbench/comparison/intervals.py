"""How far the mean gain over vanilla could lie by the choice of seeds and photographs: a paired bootstrap."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

LEVEL = 0.95
FEWEST = 5
"""Photographs below which there is no interval: so few, drawn again and again, say little of others."""
_RESAMPLES = 10_000
_LAST_NUMBER = re.compile(r"[-_]+\d+$")


def photographs(pictures: Sequence[str]) -> list[str]:
    """The photographs that pictures were cut from.

    Pictures whose names differ in nothing but a number at the end, after ``-`` or ``_``, count as crops of one. Where
    all would be of the same one, the numbers count photographs.

    Parameters
    ----------
    pictures : sequence of str
        Names, with or without the ending of a file.
    """
    stems = [re.sub(r"\.\w+$", "", name) for name in pictures]
    cut = [_LAST_NUMBER.sub("", stem) for stem in stems]
    return cut if len(set(cut)) > 1 else stems


def bootstrap_interval(gains: np.ndarray, photographs: Sequence[str]) -> tuple[float, float] | None:
    """The percentile interval of the mean of paired differences (Efron and Tibshirani, 1993, Sec. 13.3).

    Photographs are drawn with replacement, all crops of one together, and so are seeds, if there are several: they are
    crossed, for every seed is measured on the same pictures. It is reproducible.

    Parameters
    ----------
    gains : ndarray, shape (S, P)
        Difference of a seed on a picture.
    photographs : sequence of str, length P
        Which photograph a picture is of.

    Returns
    -------
    tuple of float or None
        The bounds of the central 95 %; None with fewer than five photographs.
    """
    names, crop_of = np.unique(np.asarray(photographs), return_inverse=True)
    if len(names) < FEWEST:
        return None
    rng = np.random.default_rng(0)
    seeds = rng.multinomial(len(gains), np.full(len(gains), 1 / len(gains)), _RESAMPLES)
    crops = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), _RESAMPLES)[:, crop_of]
    means = (seeds * (crops @ gains.T)).sum(axis=1) / (len(gains) * crops.sum(axis=1))
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def gain_interval(scores: pd.DataFrame, cell: str) -> tuple[float, float] | None:
    """The interval of a cell's mean gain over vanilla in PSNR, over the seeds and pictures that both have.

    Parameters
    ----------
    scores : DataFrame
        Of one test set: ``cell``, ``seed``, ``picture`` and ``psnr``, a row a run and picture.
    cell : str

    Returns
    -------
    tuple of float or None
        None where `bootstrap_interval` has none, or where there is nothing in common.
    """
    psnr = scores.pivot(index=["cell", "seed"], columns="picture", values="psnr")
    if cell == "vanilla" or not {cell, "vanilla"} <= set(psnr.index.get_level_values("cell")):
        return None
    gains = (psnr.loc[cell] - psnr.loc["vanilla"]).dropna(how="all").dropna(axis="columns")
    return bootstrap_interval(gains.to_numpy(), photographs(list(gains.columns))) if gains.size else None
