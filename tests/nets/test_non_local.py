"""The U-Net over non-local means: the means as defined, the network as a mixture of them."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from workbench import nets
from workbench.errors import WorkbenchError
from workbench.nets.non_local import PATCH, SEARCH, non_local_means


def as_defined(images, strength):
    """Pixel by pixel, neighbour by neighbour."""
    height, width = images.shape[-2:]
    margin, side = SEARCH + PATCH, 2 * PATCH + 1
    around = F.pad(images, (margin,) * 4, mode="replicate")
    means = torch.zeros_like(images)
    offsets = [(row, column) for row in range(2 * SEARCH + 1) for column in range(2 * SEARCH + 1)]
    for top in range(height):
        for left in range(width):
            patch = around[..., top + SEARCH : top + SEARCH + side, left + SEARCH : left + SEARCH + side]
            weights, total = 0, 0
            for row, column in offsets:
                other = around[..., top + row : top + row + side, left + column : left + column + side]
                weight = torch.exp(-(patch - other).square().mean((1, 2, 3)) / strength**2)[:, None]
                weights, total = weights + weight, total + weight * other[..., PATCH, PATCH]
            means[..., top, left] = total / weights
    return means


def test_means_are_those_of_the_definition():
    images = torch.rand(2, 3, 7, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    strong, weak = non_local_means(images, 0.5, 2).unbind(1)
    torch.testing.assert_close(strong, as_defined(images, 0.5))
    torch.testing.assert_close(weak, as_defined(images, 0.25))


def test_network_can_choose_any_of_the_means():
    network = nets.build("unet-non-local", width=2, depth=2)
    images = torch.rand(1, 3, 12, 17)
    candidates = torch.cat([images[:, None], non_local_means(images, network.strongest, network.means)], dim=1)
    torch.nn.init.zeros_(network.last.weight)
    for chosen in range(1 + network.means):
        torch.nn.init.zeros_(network.last.bias)
        with torch.no_grad():
            network.last.bias[chosen] = 100
            torch.testing.assert_close(network(images), candidates[:, chosen])
    torch.testing.assert_close(network.residual(images), network(images) - images)
    torch.testing.assert_close(network.decode(network.encode(images), images), network(images))


def test_a_picture_that_comes_padded_gives_the_same():
    torch.manual_seed(0)
    network = nets.build("unet-non-local", width=4)
    torch.nn.init.normal_(network.last.weight)
    images = torch.rand(1, 3, 13, 22)
    padded = F.pad(images, (0, 2, 0, 3), mode="replicate")
    torch.testing.assert_close(network(padded)[..., :13, :22], network(images))


@pytest.mark.parametrize("wrong", [{"strongest": 0}, {"means": 0}, {"strongest": float("nan")}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(WorkbenchError, match="strongest must be above 0 and means at least 1"):
        nets.build("unet-non-local", **wrong)
