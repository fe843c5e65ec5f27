"""Noise-prediction error against the quality of the condition: Fig. 1(a) of Liao et al. (ICLR 2025)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from torch import Tensor

from workbench.probes.bands import ALL_BANDS, BANDS, Band, band_steps
from workbench.probes.corruptions import CORRUPTIONS
from workbench.probes.intervals import mean_interval
from workbench.probes.noise_prediction import NoisePredictor, noise_errors


def condition_quality(
    predictor: NoisePredictor,
    clean: Tensor,
    corruption: str = "awgn",
    levels: Sequence[float] | None = None,
    bands: Sequence[Band] = BANDS,
    steps_per_band: int = 4,
    seed: int = 0,
) -> pd.DataFrame:
    """How well the noise is predicted when the condition is a corrupted copy of the image that is noised.

    The corrupted copy is the first condition and the second is blank, as method ``condition-quality`` trains it. All
    levels see the same diffusion noise.

    Parameters
    ----------
    predictor : NoisePredictor
    clean : Tensor, shape (N, 3, H, W), range [0, 1]
        Images that training did not see.
    corruption : str
        Key of `CORRUPTIONS`.
    levels : sequence of float, optional
        Levels of the corruption; by default those of `CORRUPTIONS`.
    bands : sequence of (int, int)
        Timestep ranges.
    steps_per_band : int
        Timesteps measured in each, evenly spread.
    seed : int

    Returns
    -------
    DataFrame
        A row for each level and band: ``corruption``, ``level``, ``unit``, ``band`` ("1-100", ..., and "all" for the
        mean over bands), ``mean`` (MSE over images), ``low`` and ``high`` (its 95 % confidence interval over images),
        ``images``.

    Raises
    ------
    KeyError
        When the corruption is unknown.

    References
    ----------
    .. [1] K. Liao, Z. Yue, Z. Wang and C. C. Loy. Denoising as adaptation: noise-space domain adaptation for image
           restoration. ICLR 2025, Fig. 1(a) and Appendix A1.1: AWGN of sigma 0 to 80 on 1,000 images of MS-COCO.
    """
    kind = CORRUPTIONS[corruption]
    timesteps = [step for band in bands for step in band_steps(band, steps_per_band)]
    names = [f"{first}-{last}" for first, last in bands]
    rows = []
    for level in kind.levels if levels is None else levels:
        condition = kind(clean, level, seed)
        errors = noise_errors(predictor, clean, condition, timesteps=timesteps, seed=seed).cpu().numpy()
        by_band = errors.reshape(len(clean), len(bands), steps_per_band).mean(axis=2)
        for name, values in [*zip(names, by_band.T, strict=True), (ALL_BANDS, by_band.mean(axis=1))]:
            mean, low, high = mean_interval(np.asarray(values))
            rows.append((corruption, float(level), kind.unit, name, mean, low, high, len(clean)))
    return pd.DataFrame(rows, columns=["corruption", "level", "unit", "band", "mean", "low", "high", "images"])
