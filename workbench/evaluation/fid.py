"""FID: Inception features by torch-fidelity, their distance by torchmetrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from workbench.evaluation.metric import Metric, NoValue, Sample, Unavailable
from workbench.evaluation.weights import WeightsError, read_checkpoint

if TYPE_CHECKING:
    from torch import Tensor

FEATURES = 2048
"""Of the last pooling layer."""


class Fid(Metric):
    """Fréchet distance between the Inception features of the restored pictures and of the references; lower is better.

    A number of a set. It is biased upwards, the more the fewer pictures there are (Gaussians of `FEATURES` dimensions
    are fitted to them), so it compares sets of equal size only; and it sees whether pictures look alike as a set, not
    whether each is restored. The features are those that the metric is defined by: the network that Heusel et al. used,
    with pictures scaled to 299x299 as it did. Make one with :meth:`load`.

    Parameters
    ----------
    features : callable
        From a picture, uint8, shape (1, 3, H, W), to its features, shape (1, D).

    References
    ----------
    Heusel, Ramsauer, Unterthiner, Nessler, Hochreiter: GANs Trained by a Two Time-Scale Update Rule Converge to a Local
    Nash Equilibrium, NeurIPS 2017.
    """

    name, title, better, digits, per_set = "fid", "FID", "lower", 2, True

    def __init__(self, features: Callable[[Tensor], Tensor]):
        self.features = features

    @classmethod
    def load(cls) -> Fid | Unavailable:
        """Find the network and its weights; the package torch-fidelity, which has them, is an extra (``fid``)."""
        try:
            from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3, FeatureExtractorInceptionV3
        except ImportError:
            return _unavailable("the package torch-fidelity is not installed: pip install torch-fidelity")
        import torch

        try:
            weights = read_checkpoint(URL_INCEPTION_V3, "Inception weights", cls.title)
        except WeightsError as error:
            return _unavailable(str(error))
        # The package unpickles what it is given: it gets a copy of the tensors that have been read safely.
        with TemporaryDirectory() as folder, torch.random.fork_rng(devices=[]):
            copy = Path(folder, "weights.pth")
            torch.save(dict(weights), copy)
            try:
                network = FeatureExtractorInceptionV3("inception", [str(FEATURES)], str(copy))
            except RuntimeError as error:
                return _unavailable(f"the Inception weights found do not fit ({str(error).splitlines()[0]})")
        return cls(lambda pixels: network(pixels)[0])

    def measure(self, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
        """The features of picture and reference, whole, whatever the protocol cuts."""
        return self._of(sample.picture), self._of(sample.reference)

    def of_set(self, measured: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
        """At least 0, but for rounding."""
        import torch
        from torchmetrics.image.fid import FrechetInceptionDistance

        if len(measured) < 2:
            raise NoValue("FID needs two pictures")
        ours, theirs = (torch.from_numpy(np.stack(side)).double() for side in zip(*measured, strict=True))
        as_they_are = torch.nn.Identity()
        as_they_are.num_features = ours.shape[1]
        distance = FrechetInceptionDistance(as_they_are)
        distance.update(ours, real=False)
        distance.update(theirs, real=True)
        return float(distance.compute())

    def _of(self, picture: np.ndarray) -> np.ndarray:
        import torch

        from workbench.images import to_float, to_uint

        with torch.inference_mode():
            pixels = torch.from_numpy(to_uint(to_float(picture))).permute(2, 0, 1)[None]
            return self.features(pixels)[0].numpy()


def _unavailable(why: str) -> Unavailable:
    return Unavailable(f"FID not available, because {why}")
