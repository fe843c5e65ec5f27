"""Densities on a line whose divergence is known with and without noise: what Proposition 3.1 of DRDD rests on.

Lin et al. (arXiv:2606.01048, A.1) prove that Gaussian noise brings two distributions closer, ``KL(P_noisy || Q_noisy) <
KL(P || Q)``. The statement is right, being the data processing inequality. The printed proof is not:

* It takes ``p(x | y)``, the distribution of a clean value given the noisy one, to be the kernel ``K(y | x)`` of the
  noise for both P and Q. Then the conditional divergence below would be 0 and nothing would shrink.
* Its Eq. 23 has the inequality the wrong way round. By Eq. 21 and 22, ``KL(P || Q) = KL(joint) = KL(P_noisy ||
  Q_noisy) + conditional`` with ``conditional > 0``: the joint divergence is the larger, not the smaller one.

Any channel that treats both alike does the same, blur or a constant included, so that the inequality by itself does not
say that a picture becomes easier to restore.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from scipy.stats import norm

POINTS, REACH = 1601, 9.0


@dataclass(frozen=True)
class Mixture:
    """A mixture of normal distributions on a line.

    Parameters
    ----------
    weights, means, deviations : sequence of float
        Of the components; the weights add up to 1 and the standard deviations are positive.
    """

    weights: Sequence[float]
    means: Sequence[float]
    deviations: Sequence[float]

    def noised(self, level: float) -> Mixture:
        """The distribution of a value with independent normal noise of this standard deviation on it."""
        return Mixture(self.weights, self.means, [float(np.hypot(each, level)) for each in self.deviations])

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """The logarithm of the density at values of any shape."""
        parts = norm.logpdf(np.asarray(values)[..., None], self.means, self.deviations)
        return logsumexp(parts, b=self.weights, axis=-1)

    def _grid(self) -> np.ndarray:
        reach = REACH * max(self.deviations)
        return np.linspace(min(self.means) - reach, max(self.means) + reach, POINTS)


def divergence(first: Mixture, second: Mixture) -> float:
    """``KL(first || second)`` by the trapezoid rule."""
    grid = first._grid()
    density, other = first.log_density(grid), second.log_density(grid)
    return float(np.trapezoid(np.exp(density) * (density - other), grid))


def conditional_divergence(first: Mixture, second: Mixture, level: float) -> float:
    """The divergence of clean values given noisy ones, ``KL(P(x | y) || Q(x | y))`` in the mean over noisy values of P.

    What `divergence` loses to noise of this level (a positive standard deviation), by integrating over both values.
    """
    clean, noisy = first._grid(), first.noised(level)._grid()
    kernel = norm.logpdf(noisy, clean[:, None], level)
    joint = np.exp(first.log_density(clean)[:, None] + kernel)
    ratio = first.log_density(clean) - second.log_density(clean)
    ratio = ratio[:, None] - (first.noised(level).log_density(noisy) - second.noised(level).log_density(noisy))
    return float(np.trapezoid(np.trapezoid(joint * ratio, noisy, axis=1), clean))
