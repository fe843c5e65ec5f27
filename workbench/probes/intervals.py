"""Confidence intervals of means over images."""

from __future__ import annotations

import numpy as np
import scipy


def mean_interval(values: np.ndarray, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean of independent values and its two-sided confidence interval by Student's t.

    Parameters
    ----------
    values : ndarray, shape (N,)
    confidence : float

    Returns
    -------
    mean, low, high : float
        The interval is (-inf, inf) for a single value: nothing is known of the spread.
    """
    values = np.asarray(values, dtype=np.float64)
    mean, count = float(values.mean()), len(values)
    if count < 2:
        return mean, -np.inf, np.inf
    half = float(scipy.special.stdtrit(count - 1, 0.5 + confidence / 2) * values.std(ddof=1) / np.sqrt(count))
    return mean, mean - half, mean + half
