"""LPIPS by the lpips package, with backbone weights that may have to be found first.

The package ships its small linear heads but not the ImageNet backbone below them (`workbench.evaluation.weights`).
Without it the metric is :class:`Unavailable`, which says why: a missing metric must not stop an evaluation. Torch is
imported where it is needed: tables know this metric without it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.evaluation.metric import Metric, NoValue, Sample, Unavailable
from workbench.evaluation.weights import WeightsError, read_archive, read_checkpoint

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import nn


@dataclass(frozen=True)
class _Backbone:
    """Where the weights of a network lie, and the least image side that its pooling layers admit."""

    label: str
    archive: str
    url: str
    min_side: int


# The URLs are torchvision's.
_BACKBONES = {
    "alex": _Backbone(
        "AlexNet", "alexnet_features.npz", "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth", 31
    ),
    "squeeze": _Backbone(
        "SqueezeNet 1.1",
        "squeezenet1_1_features.npz",
        "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth",
        17,
    ),
}
_HEADS_ARCHIVE = "lpips_v0.1_lin.npz"
_REMEMBERED = 2**20
"""Pixels of the largest reference whose features are kept: of a larger one they take more than 40 MB."""


class Lpips(Metric):
    """Learned perceptual distance between two images; 0 for equal ones, lower is better.

    Make one with :meth:`load`.

    References
    ----------
    Zhang, Isola, Efros, Shechtman, Wang: The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR
    2018. Version 0.1 of the linear heads.
    """

    name, title, better = "lpips", "LPIPS", "lower"

    def __init__(self, network: nn.Module, min_side: int):
        self.network = network
        self.min_side = min_side
        self._reference: tuple[np.ndarray, list[torch.Tensor]] | None = None

    @classmethod
    def load(cls, net: str = "alex", device: torch.device | str = "cpu", download: bool = True) -> Lpips | Unavailable:
        """Find the weights and build the metric.

        Parameters
        ----------
        net : {"alex", "squeeze"}
            Backbone; ``"alex"`` is what papers report.
        device : torch.device or str
            Where to compute.
        download : bool
            Whether weights that are not on this machine may be fetched.

        Returns
        -------
        Lpips or Unavailable
        """
        backbone = _BACKBONES[net]
        import torch

        try:
            import lpips
        except ImportError as error:
            return _unavailable(f"the package lpips cannot be imported ({error})")
        try:
            features = read_archive(backbone.archive) or read_checkpoint(
                backbone.url, f"{backbone.label} weights", cls.title, backbone.archive, download
            )
            heads = read_archive(_HEADS_ARCHIVE)
        except WeightsError as error:
            return _unavailable(str(error))
        # The backbone is drawn at random before it is overwritten; that must not disturb the caller's random numbers.
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # lpips calls torchvision in a way that torchvision deprecates
            network = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
        names = network.state_dict()
        # The backbone is cut into slices: features.3.weight is net.slice2.3.weight there.
        weights = {f"features.{name.split('.', 2)[2]}": name for name in names if name.startswith("net.")}
        try:
            state = {name: features[key] for key, name in weights.items()}
            if heads is not None:
                # The heads are there twice, as lin0, lin1, ... and in the list lins.
                head_names = [name for name in names if name.startswith("lin") and not name.startswith("lins.")]
                state |= {name: heads[f"{net}.{name}"] for name in head_names}
            network.load_state_dict(state, strict=False)
        except (KeyError, RuntimeError) as error:
            return _unavailable(f"the {backbone.label} weights found do not fit ({' '.join(str(error).split())})")
        return cls(network.eval().requires_grad_(False).to(device), backbone.min_side)

    def __call__(self, restored: np.ndarray, reference: np.ndarray) -> float:
        """The distance of two images; what the network makes of the last reference is remembered for the next picture.

        Parameters
        ----------
        restored, reference : ndarray, equal shapes (H, W, 3), uint8, uint16 or floating point in [0, 1]
            Sides of at least ``min_side`` pixels.

        Returns
        -------
        float
            At least 0.
        """
        import numpy as np
        import torch

        with torch.inference_mode():
            known, expected = self._reference or (None, [])
            if known is None or known.dtype != reference.dtype or not np.array_equal(known, reference):
                expected = self._features(reference)
                small = reference.shape[0] * reference.shape[1] <= _REMEMBERED
                self._reference = (reference.copy(), expected) if small else None
            levels = zip(self.network.lins, self._features(restored), expected, strict=True)
            return float(sum(head((ours - theirs) ** 2).mean((2, 3)) for head, ours, theirs in levels))

    def _features(self, image: np.ndarray) -> list[torch.Tensor]:
        """Of every level of the backbone, (1, C, H', W') each, with channels of length one."""
        import torch
        from lpips import normalize_tensor

        from workbench.images import to_float

        device = next(self.network.parameters()).device
        scaled = 2 * torch.from_numpy(to_float(image)).permute(2, 0, 1)[None].to(device) - 1
        return [normalize_tensor(level) for level in self.network.net(self.network.scaling_layer(scaled))]

    def measure(self, sample: Sample) -> float:
        """At least 0; of whole pictures, whatever the protocol cuts."""
        if min(sample.reference.shape[:2]) < self.min_side:
            raise NoValue(f"LPIPS not available for images smaller than {self.min_side} pixels")
        return self(sample.picture, sample.reference)


def _unavailable(why: str) -> Unavailable:
    return Unavailable(f"LPIPS not available, because {why}")
