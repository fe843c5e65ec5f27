"""LPIPS by the lpips package, with backbone weights that may have to be found first.

The package ships its small linear heads but not the ImageNet backbone below them. That comes, in this order, from the
folder named by ``WORKBENCH_WEIGHTS``, from torch's cache of downloads, or from the network. Without any of them the
metric is :class:`Unavailable`, which says why: a missing metric must not stop an evaluation. Torch is imported where it
is needed: tables know this metric without it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
import urllib.request
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.evaluation.metric import Metric, NoValue, Sample, Unavailable
from workbench.files import CannotWrite, make_folder, write_bytes

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor, nn

WEIGHTS_VARIABLE = "WORKBENCH_WEIGHTS"
ANSWER_SECONDS = 6
DOWNLOAD_SECONDS = 600

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Backbone:
    """Where the weights of a network lie, and the least image side that its pooling layers admit."""

    label: str
    archive: str
    url: str
    min_side: int

    @property
    def checkpoint(self) -> str:
        return self.url.rsplit("/", 1)[-1]


# The URLs are torchvision's; the end of each stem is the beginning of the file's SHA-256.
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
            features = _find_features(backbone, download)
            heads = _read_archive(_HEADS_ARCHIVE)
        except _WeightsError as error:
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
        """The distance of two images.

        Parameters
        ----------
        restored, reference : ndarray, equal shapes (H, W, 3), uint8, uint16 or floating point in [0, 1]
            Sides of at least ``min_side`` pixels.

        Returns
        -------
        float
            At least 0.
        """
        import torch

        from workbench.images import to_float

        device = next(self.network.parameters()).device
        with torch.inference_mode():
            pair = [
                torch.from_numpy(to_float(image)).permute(2, 0, 1)[None].to(device) for image in (restored, reference)
            ]
            return float(self.network(*pair, normalize=True))

    def measure(self, sample: Sample) -> float:
        """At least 0; of whole pictures, whatever the protocol cuts."""
        if min(sample.reference.shape[:2]) < self.min_side:
            raise NoValue(f"LPIPS not available for images smaller than {self.min_side} pixels")
        return self(sample.picture, sample.reference)


class _WeightsError(Exception):
    """Weights are missing or damaged; the message says which and why."""


def _unavailable(why: str) -> Unavailable:
    return Unavailable(f"LPIPS not available, because {why}")


def _find_features(backbone: _Backbone, download: bool) -> Mapping[str, Tensor]:
    import torch

    features = _read_archive(backbone.archive)
    if features is not None:
        return features
    cached = Path(torch.hub.get_dir(), "checkpoints", backbone.checkpoint)
    if not cached.is_file() and not download:
        raise _WeightsError(
            f"the {backbone.label} weights are not on this machine; `workbench evaluate` fetches them once, or set"
            f" {WEIGHTS_VARIABLE} to a folder that holds {backbone.archive}"
        )
    if not cached.is_file():
        try:
            _download(backbone.url, cached)
        except (OSError, HTTPException, CannotWrite) as error:
            raise _WeightsError(
                f"the {backbone.label} weights are not on this machine and downloading them failed "
                f"({getattr(error, 'reason', None) or error}); set {WEIGHTS_VARIABLE} to a folder that holds "
                f"{backbone.archive}, or put {backbone.checkpoint} into {cached.parent}"
            ) from error
    try:
        return torch.load(cached, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged file makes the reader raise
        raise _WeightsError(f"{cached} is damaged; delete it and try again") from error


def _read_archive(name: str) -> dict[str, Tensor] | None:
    """The arrays of a file in the folder of weights; None without such a folder or file."""
    import numpy as np
    import torch

    folder = os.environ.get(WEIGHTS_VARIABLE)
    path = Path(folder or "", name)
    if not folder or not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: torch.from_numpy(archive[key]) for key in archive.files}
    except Exception as error:  # whatever a damaged file makes the reader raise
        raise _WeightsError(f"{path} is damaged or no archive of plain arrays; replace it") from error


def _download(url: str, target: Path) -> None:
    """Fetch a file whose SHA-256 begins with the end of its stem; OSError, HTTPException or CannotWrite if not."""
    deadline = time.monotonic() + DOWNLOAD_SECONDS
    content = bytearray()
    with _connect(url) as response:
        _log.warning("Downloading %s for LPIPS, once, to %s", url, target)
        while chunk := response.read(1 << 20):
            content += chunk
            if time.monotonic() > deadline:
                raise TimeoutError(f"not done after {DOWNLOAD_SECONDS} s")
    if not hashlib.sha256(content).hexdigest().startswith(target.stem.rsplit("-", 1)[-1]):
        raise OSError("the file arrived damaged")
    make_folder(target.parent)
    write_bytes(target, content)


def _connect(url: str):
    """Open a URL within ``ANSWER_SECONDS``, looking up the name included, for which sockets have no time limit."""
    outcome = []

    def connect():
        try:
            outcome.append(urllib.request.urlopen(url, timeout=ANSWER_SECONDS))
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS)
    if not outcome:
        raise TimeoutError(f"no answer within {ANSWER_SECONDS} s")
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]
