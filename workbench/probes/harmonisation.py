"""Whether noise brings domains together: distances between sets of pictures in a feature space, and what they cost.

The claim of Lin et al. (arXiv:2606.01048, Sec. 3.2 and 4.5) is that noise of a certain level "harmonises" the pictures
of several tasks or domains. Whether it does depends on the features that are compared, so these are named and the width
of the kernel is stated; a distance counts only outside the null band, that of two halves of one and the same domain.

Pictures are (N, 3, H, W) in [-1, 1], and noise levels are standard deviations on that scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from workbench.errors import WorkbenchError
from workbench.evaluation.lpips import Lpips

Features = Callable[[Tensor], Tensor]
"""From pictures to one vector a picture, (N, D)."""


def pixels(images: Tensor) -> Tensor:
    """All values of a picture."""
    return images.flatten(1)


def block_means(images: Tensor, side: int = 8) -> Tensor:
    """Means over squares of so many pixels: light and colour, to which noise on pixels does little."""
    return F.avg_pool2d(images, side).flatten(1)


def random_convolutions(seed: int = 0, widths: Sequence[int] = (32, 64)) -> Features:
    """Mean and standard deviation of the maps of convolutions that were never trained."""
    generator = torch.Generator().manual_seed(seed)
    sizes = zip((3, *widths[:-1]), widths, strict=True)
    weights = [torch.randn(after, before, 3, 3, generator=generator) / (9 * before) ** 0.5 for before, after in sizes]

    def features(images: Tensor) -> Tensor:
        for weight in weights:
            images = F.conv2d(images, weight.to(images), stride=2).relu()
        return _statistics(images)

    return features


def lpips_features(lpips: Lpips, layers: Sequence[int] = (2, 3, 4)) -> Features:
    """Mean and standard deviation of the maps of the network below LPIPS, AlexNet's third to fifth by default."""

    def features(images: Tensor) -> Tensor:
        with torch.inference_mode():
            maps = lpips.network.net(lpips.network.scaling_layer(images))
        return torch.cat([_statistics(maps[layer]) for layer in layers], dim=1)

    return features


def _statistics(maps: Tensor) -> Tensor:
    return torch.cat([maps.mean(dim=(2, 3)), maps.std(dim=(2, 3), correction=0)], dim=1)


def with_noise(images: Tensor, level: float, seed: Sequence[int]) -> Tensor:
    """Pictures with Gaussian noise; picture n draws from (*seed, n), at every level alike."""
    if not level:
        return images
    noise = [np.random.default_rng((*seed, index)).standard_normal(images.shape[1:]) for index in range(len(images))]
    return images + level * torch.from_numpy(np.stack(noise)).to(images)


def median_width(first: Tensor, second: Tensor) -> float:
    """The median distance of the vectors of two sets: the usual width of a Gaussian kernel."""
    return _median_distance(torch.cat([first, second]))


def _median_distance(vectors: Tensor) -> float:
    distances = torch.cdist(vectors.double(), vectors.double())
    return float(distances[torch.ones_like(distances).triu(diagonal=1) > 0].median())


def squared_mmd(first: Tensor, second: Tensor, width: float, unbiased: bool = True) -> float:
    """Squared maximum mean discrepancy of two sets under the kernel ``exp(-|x - y|^2 / (2 width^2))``.

    Parameters
    ----------
    first, second : Tensor, shapes (N, D) and (M, D)
    width : float
        Positive.
    unbiased : bool
        Leave a vector's distance to itself out: the mean is then 0 for sets of one distribution, and values may be
        negative. False: with it, as Lin et al., Eq. 46, print it (under the name of the distance, not its square).

    Raises
    ------
    WorkbenchError
        The width is not positive, or there are less than two vectors in a set.
    """
    if not width > 0 or min(len(first), len(second)) < 2:
        raise WorkbenchError(f"kernel width {width} must be positive, and each set must hold at least two pictures")

    def kernel(one: Tensor, other: Tensor) -> Tensor:
        return torch.exp(-torch.cdist(one.double(), other.double()).square() / (2 * width**2))

    def within(one: Tensor) -> Tensor:
        values, count = kernel(one, one), len(one)
        return (values.sum() - values.trace()) / (count * (count - 1)) if unbiased else values.mean()

    return float(within(first) + within(second) - 2 * kernel(first, second).mean())


def harmonisation(
    domains: Mapping[str, Tensor], levels: Sequence[float], features: Features, seed: int = 0, splits: int = 10
) -> pd.DataFrame:
    """How far domains lie apart with more and more noise on them, and how well their pictures are told apart.

    Parameters
    ----------
    domains : mapping of str to Tensor
        The pictures of each of two domains or more, no two of one scene, or the scene would be what is told apart.
    levels : sequence of float
    features : callable
    seed : int
        Of noises and splits.
    splits : int
        Random halvings of each domain.

    Returns
    -------
    DataFrame
        A row a level: ``distance``, the mean over pairs of domains of the unbiased squared MMD, with the median width
        at that level; ``null_low`` and ``null_high``, between which 95 % of the distances of two halves of one domain
        lie (a little wide, the halves being smaller); ``accuracy`` of the nearest mean of a domain, told from one half
        and tried on the other; ``chance``.

    Raises
    ------
    WorkbenchError
        There are less than two domains, or less than four pictures in one.
    """
    if len(domains) < 2 or min(map(len, domains.values())) < 4:
        raise WorkbenchError("harmonisation: give at least two domains of at least four pictures each")
    rows = []
    for level in levels:
        vectors = [features(with_noise(images, level, (seed, index))) for index, images in enumerate(domains.values())]
        width = _median_distance(torch.cat(vectors))
        distances = [squared_mmd(one, other, width) for one, other in combinations(vectors, 2)]
        generator = torch.Generator().manual_seed(seed)
        null, accuracy = [], []
        for _ in range(splits):
            halves = [_halves(each, generator) for each in vectors]
            null += [squared_mmd(*both, width) for both in halves]
            means = torch.stack([known.mean(dim=0) for known, _ in halves])
            right = [torch.cdist(new, means).argmin(dim=1) == index for index, (_, new) in enumerate(halves)]
            accuracy.append(float(torch.stack([each.float().mean() for each in right]).mean()))
        low, high = np.quantile(null, [0.025, 0.975])
        rows.append(
            {
                "level": level, "distance": float(np.mean(distances)), "null_low": low, "null_high": high,
                "accuracy": float(np.mean(accuracy)), "chance": 1 / len(vectors),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def plane(sets: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Vectors of several sets in the plane in which all of them together vary most: their first two components.

    A projection: unlike in the maps of Lin et al. (Fig. 1, t-SNE), what is drawn far apart is far apart.

    Parameters
    ----------
    sets : mapping of str to Tensor, shapes (N, D)
        Of at least two vectors in all.

    Returns
    -------
    dict of str to Tensor, shapes (N, 2)
        About the common mean; each axis points to where its largest entry is positive.
    """
    vectors = torch.cat(list(sets.values())).double()
    centred = vectors - vectors.mean(dim=0)
    axes = torch.linalg.svd(centred, full_matrices=False).Vh[:2]
    axes = axes * axes.gather(1, axes.abs().argmax(dim=1, keepdim=True)).sign()
    return dict(zip(sets, (centred @ axes.T).split([len(each) for each in sets.values()]), strict=True))


def _halves(vectors: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    order = torch.randperm(len(vectors), generator=generator)
    return vectors[order[: len(order) // 2]], vectors[order[len(order) // 2 :]]


@dataclass(frozen=True)
class DualMmd:
    """The two distances by which Lin et al. choose a noise level (Eq. 11).

    Attributes
    ----------
    levels : ndarray, shape (L,)
    to_target : ndarray, shape (L,)
        ``A``: of the noisy source to the noisy target.
    to_source : ndarray, shape (L,)
        ``B``: of the noisy source to the source.
    """

    levels: np.ndarray
    to_target: np.ndarray
    to_source: np.ndarray

    def objective(self, weight: float = 0.5) -> np.ndarray:
        """``J = weight A + (1 - weight) B`` of the distances scaled to 0..1 over the levels (Eq. 12, 48, 49).

        Raises
        ------
        WorkbenchError
            The weight is out of range.
        """
        if not 0 <= weight <= 1:
            raise WorkbenchError(f"weight {weight}: give a number from 0 to 1")
        return weight * _scaled(self.to_target) + (1 - weight) * _scaled(self.to_source)

    def best(self, weight: float = 0.5) -> float:
        """The level at which `objective` is the smallest; on an even curve the first."""
        return float(self.levels[self.objective(weight).argmin()])


def _scaled(distances: np.ndarray) -> np.ndarray:
    return (distances - distances.min()) / (np.ptp(distances) + 1e-12)


def dual_mmd(
    source: Tensor,
    target: Tensor,
    levels: Sequence[float],
    features: Features,
    width: float | str = "each",
    repetitions: int = 1,
    seed: int = 0,
) -> DualMmd:
    """Measure the distances from which a noise level is chosen.

    The paper states neither features nor kernel width nor the grid of levels, and the choice depends on all three.
    Its Sec. 4.5 says that ``A`` rises with the level; it falls, as its own Proposition 3.1 demands.

    Parameters
    ----------
    source, target : Tensor, shape (N, 3, H, W)
        Degraded and clean pictures.
    levels : sequence of float
        The grid; the scaling of Eq. 48 makes the choice depend on where it ends.
    features : callable
    width : float or {"each", "first"}
        Of the kernel: a number, the median distance at each level, or that of the pictures without noise.
    repetitions : int
        Independent noises whose distances are averaged (R of Eq. 47).
    seed : int

    Returns
    -------
    DualMmd
        Of the squared MMD as printed in Eq. 46.

    Raises
    ------
    WorkbenchError
        The width or the number of repetitions is impossible.
    """
    if width not in ("each", "first") and not isinstance(width, (int, float)):
        raise WorkbenchError(f"kernel width {width!r}: give a number, 'each' or 'first'")
    if repetitions < 1:
        raise WorkbenchError(f"repetitions {repetitions}: give at least 1")
    plain = features(source)
    fixed = median_width(plain, features(target)) if width == "first" else width
    distances = np.zeros((2, len(levels)))
    for repetition in range(repetitions):
        for index, level in enumerate(levels):
            noisy = [features(with_noise(each, level, (seed, repetition, side)))
                     for side, each in enumerate((source, target))]  # fmt: skip
            for row, pair in enumerate([noisy, (noisy[0], plain)]):
                size = median_width(*pair) if fixed == "each" else fixed
                distances[row, index] += squared_mmd(*pair, size, unbiased=False) / repetitions
    return DualMmd(np.asarray(levels, dtype=float), *distances)
