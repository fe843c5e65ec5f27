"""NLCL, non-local contrastive learning (Ye et al., CVPR 2022): deraining by taking a rainy image apart, without pairs.

From the paper: one network makes the background of a rainy image, another its rain, and the two must add up to it. A
discriminator compares backgrounds with clean photographs of something else. The layer contrast draws patches of the
background together that look alike, does the same for the rain, and pushes the two sets apart; the location contrast
ties a place of the background to the same place of the rainy image. Patches are compared by projected features, at a
temperature of 0.07, with 8 patches of background and 128 of rain that are most like a random one (self-similarity).
Weights and the form of the losses are those of the authors' code (least-squares GAN; a loss on background minus input).

Decided to bring it into this trainer
-------------------------------------
* The restorer makes the background; a second network like it makes the rain, as the input minus its output. It starts
  fresh and is discarded after training.
* The location contrast compares features of the discriminator, as the layer contrast does; the paper's are of the
  background network's encoder, which a restorer here need not have.
* Background and rain share a projection in the layer contrast. With one each, as in the authors' code, the two random
  projections alone tell the layers apart: the loss was at its minimum before anything was learned.
* The clean photographs are those of the source (``data.unpaired``), never with synthetic rain. The recipe's warm start
  has seen pairs with synthetic rain; it is shared by all methods of a comparison, and ``warm_start=null`` goes without.
* Small patches have fewer places than 128 at the coarser levels of features; then all of them are taken.

The pocket learning rate is the better of two that were tried on simulated rain
(`benchmarks/results/rivals-settings.csv`); nothing else of the pocket and bench settings has been tuned.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from workbench import nets
from workbench.errors import WorkbenchError
from workbench.methods.base import Batch, Method
from workbench.methods.gradients import held
from workbench.methods.random_numbers import RandomNumbers
from workbench.recipes import Recipe
from workbench.recipes.schema import Section

LEVELS = 3


class Discriminator(nn.Module):
    """Convolutions that halve the sides three times, and a rating of every place of the last level.

    Parameters
    ----------
    width : int
        Channels of the first level; doubled at each further level.
    """

    def __init__(self, width: int = 64):
        super().__init__()
        self.widths = [width * 2**level for level in range(LEVELS)]
        self.levels = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, after, 4, stride=2, padding=1), nn.LeakyReLU(0.2))
            for before, after in zip([3, *self.widths], self.widths, strict=False)
        )
        self.last = nn.Conv2d(self.widths[-1], 1, 3, padding=1)

    def forward(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        """Features of each level, and the ratings (N, 1, H / 8, W / 8): 1 for a clean photograph, 0 for a made one."""
        features = []
        for level in self.levels:
            images = level(images)
            features.append(images)
        return features, self.last(images)


class Projection(nn.Module):
    """Features of patches (N, P, C) as vectors (N, P, D) of length 1."""

    def __init__(self, width: int, size: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, size), nn.ReLU(), nn.Linear(size, size))

    def forward(self, features: Tensor) -> Tensor:
        return F.normalize(self.layers(features), dim=-1)


def by_position(features: Tensor) -> Tensor:
    """Features (N, C, H, W) by place, (N, H * W, C)."""
    return features.flatten(2).transpose(1, 2)


def take(features: Tensor, which: Tensor) -> Tensor:
    """The places ``which`` (N, P) of features (N, H * W, C)."""
    return features.gather(1, which[..., None].expand(-1, -1, features.shape[-1]))


def alike(features: Tensor, count: int, rng: RandomNumbers) -> Tensor:
    """Indices (N, P) of the places most like a random one, itself among them; P is at most ``count``."""
    with torch.no_grad():
        directions = F.normalize(features, dim=-1)
        query = take(directions, rng.integers(features.shape[1], 1))
        return (directions @ query.transpose(1, 2)).squeeze(-1).topk(min(count, features.shape[1])).indices


def layer_contrast(background: Tensor, rain: Tensor, temperature: float) -> Tensor:
    """How much patches of two layers are told apart: the contrastive loss of two classes.

    Each patch is to be nearer to the patches of its own layer than to those of the other.

    Parameters
    ----------
    background, rain : Tensor, shapes (N, P, D) and (N, Q, D)
        Vectors of length 1.
    temperature : float

    Returns
    -------
    Tensor, scalar
        The mean over patches of the mean negative log probability of the others of its layer.
    """
    vectors = torch.cat([background, rain], dim=1)
    layer = torch.arange(vectors.shape[1], device=vectors.device) >= background.shape[1]
    own = torch.eye(len(layer), dtype=torch.bool, device=vectors.device)
    same = (layer[:, None] == layer) & ~own
    likeness = (vectors @ vectors.transpose(1, 2) / temperature).masked_fill(own, float("-inf"))
    log_probability = likeness.log_softmax(dim=-1).masked_fill(~same, 0.0)
    return -(log_probability.sum(-1) / same.sum(-1)).mean()


def location_contrast(made: Tensor, given: Tensor, temperature: float) -> Tensor:
    """Cross entropy of finding, for each patch of a made image, its place among those of the given image.

    Parameters
    ----------
    made, given : Tensor, shape (N, P, D)
        Vectors of length 1, of the same places.
    temperature : float

    Returns
    -------
    Tensor, scalar
    """
    likeness = made @ given.transpose(1, 2) / temperature
    right = torch.arange(made.shape[1], device=made.device).expand(len(made), -1)
    return F.cross_entropy(likeness.flatten(0, 1), right.flatten())


class Nlcl(Method):
    """Trains the restorer and a rain network to take target images apart."""

    parts: ClassVar[frozenset[str]] = frozenset({"target", "unpaired", "seed"})
    restores_pairs: ClassVar[bool] = False
    tasks: ClassVar[frozenset[str]] = frozenset({"deraining"})

    class Options(Section):
        """Settings of the authors' code."""

        learning_rate: float = Field(2e-4, gt=0, description="of the rain network, discriminator and projections")
        width: int = Field(64, ge=1, description="channels of the discriminator's first level")
        projection: int = Field(256, ge=1, description="length of the vectors that patches are compared by")
        temperature: float = Field(0.07, gt=0)
        positives: int = Field(8, ge=2, description="patches of the background in the layer contrast")
        negatives: int = Field(128, ge=2, description="patches of the rain in the layer contrast")
        patches: int = Field(256, ge=2, description="patches of the location contrast")
        adversarial: float = Field(1.0, ge=0, description="weight of the discriminator's verdict")
        location: float = Field(1.0, ge=0, description="weight of the location contrast")
        layer: float = Field(1.0, ge=0, description="weight of the layer contrast")
        reconstruction: float = Field(1.0, ge=0, description="weight of background plus rain minus input, squared")
        fidelity: float = Field(0.1, ge=0, description="weight of background minus input, absolute")

    by_scale: ClassVar[dict[str, dict]] = {
        "pocket": {"width": 16, "projection": 32, "patches": 64},
        "bench": {"width": 32, "projection": 128},
    }

    def __init__(self, recipe: Recipe):
        super().__init__(recipe)
        size = self.recipe.training.patch_size
        if size < 2 ** (LEVELS + 1):
            raise WorkbenchError(f"training.patch_size {size}: nlcl compares patches at least {2 ** (LEVELS + 1)} wide")
        options, network = self.options, self.recipe.restorer
        self.rain = nets.build(network.name, **network.overrides)
        self.discriminator = Discriminator(options.width)
        self.lay_out(torch.channels_last)
        # One for each contrast and level
        self.projections = nn.ModuleDict(
            {
                name: nn.ModuleList(Projection(width, options.projection) for width in self.discriminator.widths)
                for name in ("location", "layer")
            }
        )

    def extra_parameters(self) -> list[dict]:
        """The parameters of rain network, discriminator and projections."""
        networks = {"rain": self.rain, "discriminator": self.discriminator, "projections": self.projections}
        settings = {"lr": self.options.learning_rate, "betas": (0.5, 0.999)}
        return [{"name": name, "params": list(each.parameters()), **settings} for name, each in networks.items()]

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The discriminator's loss and, with the discriminator held, those of background and rain."""
        options, rainy, clean, rng = self.options, batch["target"], batch["unpaired"], RandomNumbers(batch["seed"])
        made = self.restorer(torch.cat([rainy, clean]))
        background, _ = made.chunk(2)
        rain = rainy - self.rain(rainy)
        seen, verdicts = held(self.discriminator, torch.cat([made, rainy, clean, rain]))
        levels = [by_position(features).split([2 * len(rainy), 2 * len(rainy), len(rain)]) for features in seen]
        losses = {
            "adversarial": (verdicts[: len(background)] - 1).square().mean(),
            "location": self._location([(made, given) for made, given, _ in levels], rng),
            "layer": self._layer([(made[: len(rain)], of_rain) for made, _, of_rain in levels], rng),
            "reconstruction": F.mse_loss(background + rain, rainy),
            "fidelity": F.l1_loss(background, rainy),
        }
        generators = sum(getattr(options, name) * value for name, value in losses.items())
        _, of_made = self.discriminator(background.detach())
        _, of_clean = self.discriminator(clean)
        losses["discriminator"] = 0.5 * (of_made.square().mean() + (of_clean - 1).square().mean())
        return {"loss": generators + losses["discriminator"], **losses}

    def _location(self, levels: list[tuple[Tensor, Tensor]], rng: RandomNumbers) -> Tensor:
        """Of made against given images; the rainy images come first, then the clean ones, whose places are the same."""
        total = 0.0
        for project, (made, given) in zip(self.projections["location"], levels, strict=True):
            which = rng.uniform(made.shape[1]).argsort(dim=1)[:, : self.options.patches].repeat(2, 1)
            vectors = (project(take(each, which)) for each in (made, given))
            total = total + location_contrast(*vectors, self.options.temperature)
        return total / len(levels)

    def _layer(self, levels: list[tuple[Tensor, Tensor]], rng: RandomNumbers) -> Tensor:
        total = 0.0
        for project, (background, rain) in zip(self.projections["layer"], levels, strict=True):
            total = total + layer_contrast(
                project(take(background, alike(background, self.options.positives, rng))),
                project(take(rain, alike(rain, self.options.negatives, rng))),
                self.options.temperature,
            )
        return total / len(levels)
