"""What the methods of residual diffusion share: networks by name, pictures in [-1, 1], a loss for each task alike."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from workbench import nets
from workbench.errors import WorkbenchError
from workbench.methods.base import Batch, Method
from workbench.methods.random_numbers import RandomNumbers
from workbench.recipes import Recipe
from workbench.recipes.schema import Network, Section
from workbench.restorers import KINDS, Restorer

NETWORKS = {
    "pocket": {"network": {"name": "drdd-pocket"}},
    "bench": {"network": {"name": "drdd-residual-s"}},
    "paper": {"network": {"name": "drdd-residual-l"}},
}
"""The networks of a method at each scale."""


class Networks(nn.ModuleDict):
    """Networks by the names that a kind of restorer gives them; trained, averaged and kept together."""

    @property
    def multiple(self) -> int:
        """What the sides of patches must be multiples of."""
        return math.lcm(*(network.multiple for network in self.values()))

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout that is the fastest of all of them on a CPU; channels-last where they differ."""
        said = {nets.fastest_layout(network, torch.device("cpu")) for network in self.values()}
        return said.pop() if len(said) == 1 else torch.channels_last

    def forward(self, *_images: Tensor) -> Tensor:
        """Refused: what measures a network by a pass of it cannot measure these.

        Raises
        ------
        WorkbenchError
        """
        raise WorkbenchError("this method restores by a procedure, not by a pass of one network; this needs the latter")


class ResidualDiffusion(Method):
    """Base of these methods: trains the networks of a kind of restorer and restores by its procedure.

    A subclass names its `kind`, describes its networks (`described`) and computes its losses. Its `Options` are the
    shared ones below and those of the kind's procedure.
    """

    parts: ClassVar[frozenset[str]] = frozenset({"source", "seed"})
    restores_pairs: ClassVar[bool] = False
    brings_network: ClassVar[bool] = True
    family: ClassVar[str] = "residual diffusion"
    kind: str
    """The kind of the restorer (`workbench.restorers.KINDS`)."""
    data_range: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    class Options(Section):
        """What all of them can be told."""

        network: Network = Field(Network(name="drdd-pocket"), description="a timed network of workbench.nets")
        loss: Literal["l1", "l2"] = Field("l1", description="l1: as the paper's equations have it; l2: as its code")
        balanced: bool = Field(
            True, description="divide the loss of each entry of a mixture by the root mean square of its residuals"
        )

    by_scale: ClassVar[dict[str, dict]] = NETWORKS

    def __init__(self, recipe: Recipe):
        super().__init__(recipe)
        entries = len(self.recipe.data.entries)
        # Squares and how many. Checkpoints keep them: a run that is continued weighs its tasks as if never interrupted.
        self.register_buffer("residual_sum", torch.zeros(entries, dtype=torch.float64))
        self.register_buffer("residual_count", torch.zeros(entries, dtype=torch.float64))

    def described(self) -> dict[str, dict]:
        """The networks by name: ``{"name": ..., **overrides}`` of each."""
        raise NotImplementedError

    def build_restorer(self) -> Networks:
        """The networks with fresh weights."""
        return Networks({role: nets.build(**network) for role, network in self.described().items()})

    def exported(self) -> Restorer:
        """The networks with the kind's procedure and its options."""
        chosen = {key: getattr(self.options, key) for key in KINDS[self.kind].Options.model_fields}
        return Restorer(
            dict(self.evaluated.items()), self.kind, chosen, described=self.described(), data_range=self.data_range
        )

    def scaled(self, images: Tensor) -> Tensor:
        """Images in [0, 1] in the range that the networks work in."""
        low, high = self.data_range
        return images * (high - low) + low

    def pair(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Clean and degraded images of a batch, in the networks' range."""
        return self.scaled(batch["clean"]), self.scaled(batch["degraded"])

    def distance(self, predicted: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
        """The loss of a prediction; ``weights`` of shape (N,) are those of the samples."""
        difference = predicted - target
        size = difference.abs() if self.options.loss == "l1" else difference.square()
        each = size.flatten(1).mean(dim=1)
        return (each if weights is None else each * weights).mean()

    def weights(self, batch: Batch, residual: Tensor) -> Tensor | None:
        """The weights of a batch's samples, by the size of the residuals that their entries had so far.

        The residuals of one task may be ten times those of another, which then learns nothing while the first takes
        all of the gradient. Their root mean square is what counts: by their mean, a sparse residual such as that of
        rain would weigh double, and the network would not begin to remove white noise (docs/drdd.md).

        Parameters
        ----------
        batch : dict of str to Tensor
        residual : Tensor, shape (N, C, H, W)

        Returns
        -------
        Tensor of shape (N,), or None
            Of mean 1 over the entries; None where there is nothing to balance.
        """
        if not self.options.balanced or "entry" not in batch:
            return None
        entry = batch["entry"]
        squares = residual.detach().square().flatten(1).mean(dim=1).double()
        self.residual_sum.index_add_(0, entry, squares)
        self.residual_count.index_add_(0, entry, torch.ones_like(squares))
        seen = self.residual_count > 0
        inverse = (self.residual_count[seen] / self.residual_sum[seen].clamp(min=1e-24)).sqrt()
        weight = torch.zeros_like(self.residual_sum)
        weight[seen] = inverse / inverse.mean()
        return weight[entry].to(residual.dtype)


def steps_of(rng: RandomNumbers, *totals: int) -> list[Tensor]:
    """A step of 1..T for each sample, at the same place in each of several tables of lengths T."""
    place = rng.uniform(1)[:, 0].double()
    return [1 + (place * total).long().clamp(max=total - 1) for total in totals]
