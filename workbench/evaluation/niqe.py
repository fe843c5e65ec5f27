"""NIQE by deepinv, with the statistics of undistorted photographs that its authors fitted, which have to be found."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from workbench.evaluation.metric import Metric, NoValue, Sample, Unavailable
from workbench.evaluation.weights import WeightsError, read_archive, read_checkpoint

if TYPE_CHECKING:
    import deepinv

PATCH = 96
"""Side of the patches whose statistics are compared, in pixels."""
ARCHIVE, MEAN, COVARIANCE = "niqe_pris_params.npz", "mu_pris_param", "cov_pris_param"
"""The authors' statistics as arrays, as BasicSR ships them; deepinv's checkpoint has the same as ``mu`` and ``cov``."""


class Niqe(Metric):
    """Distance of a picture's local statistics from those of undistorted photographs; lower is more natural.

    Of luma on 8 bits, patches of `PATCH` pixels a side at two scales. It looks at the picture alone: noise that is
    taken off with the detail below it can lower it, and a picture of something else has a value as good as any. Make
    one with :meth:`load`.

    References
    ----------
    Mittal, Soundararajan, Bovik: Making a "Completely Blind" Image Quality Analyzer, IEEE Signal Processing Letters
    20 (3), 2013.
    """

    name, title, better, digits, needs_reference = "niqe", "NIQE", "lower", 2, False

    def __init__(self, distance: deepinv.loss.metric.NIQE):
        self.distance = distance

    @classmethod
    def load(cls) -> Niqe | Unavailable:
        """Find the statistics of undistorted photographs and build the metric."""
        import torch
        from deepinv.loss.metric import NIQE
        from deepinv.models.utils import get_weights_url

        distance = NIQE(weights_path=None, round_tensor=True, dtype=torch.float64)
        try:
            found = read_archive(ARCHIVE)
            names = (MEAN, COVARIANCE) if found else ("mu", "cov")
            found = found or read_checkpoint(
                get_weights_url("demo", "niqe_weights.pt"), "statistics of undistorted photographs", cls.title, ARCHIVE
            )
            mean, covariance = (found[name].to(distance.dtype).squeeze() for name in names)
        except WeightsError as error:
            return _unavailable(str(error))
        except KeyError as error:
            return _unavailable(f"the statistics of undistorted photographs that were found lack {error}")
        if mean.shape != (36,) or covariance.shape != (36, 36):
            return _unavailable("the statistics of undistorted photographs that were found are not of 36 features")
        distance.mu_p, distance.cov_p = mean, covariance
        return cls(distance)

    def measure(self, sample: Sample) -> float:
        """At least 0; of the whole picture, whatever the protocol cuts."""
        import torch

        from workbench.images import to_float, to_uint

        height, width = sample.picture.shape[:2]
        if (height // PATCH) * (width // PATCH) < 2:
            raise NoValue(f"NIQE needs two patches of {PATCH}x{PATCH} pixels")
        pixels = torch.from_numpy(to_uint(to_float(sample.picture))).permute(2, 0, 1)[None].double()
        try:
            value = float(self.distance(pixels))
        except torch.linalg.LinAlgError:  # of flat patches there are no statistics
            value = math.nan
        if not math.isfinite(value):
            raise NoValue("NIQE needs two patches with contrast")
        return value


def _unavailable(why: str) -> Unavailable:
    return Unavailable(f"NIQE not available, because {why}")
