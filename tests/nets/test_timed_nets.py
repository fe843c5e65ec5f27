"""The networks of residual diffusion."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from workbench import nets
from workbench.nets.registry import TIMED_NETWORKS

SMALL = {
    "drdd-pocket": {}, "drdd-residual-s": {"widths": (8, 16)}, "drdd-residual-l": {"widths": (8, 16)},
    "drdd-residual-released": {"widths": (8, 16)},
    "drdd-noise-s": {"widths": (8, 16), "attention": 1, "groups": 4},
    "drdd-noise-l": {"widths": (8, 16), "attention": 1, "groups": 4},
}  # fmt: skip


def size(name, side, **overrides):
    """Millions of parameters and milliards of multiplications, without a weight being made."""
    with torch.device("meta"):
        network = nets.build(name, **overrides)
        images = torch.zeros(1, 6, side, side)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(images, time=0.0)
    return sum(parameter.numel() for parameter in network.parameters()) / 1e6, counter.get_total_flops() / 2e9


# Counted on the authors' code: 138.29, 34.6, 552.8 and 36.26 M; Table 9 prints 278 and 69 GMACs at 256x256 for the
# first two.
@pytest.mark.parametrize(
    ("name", "overrides", "millions", "gmacs"),
    [
        ("drdd-noise-l", {}, 138.29, 281.8),
        ("drdd-noise-s", {}, 34.62, 71.4),
        ("drdd-noise-l", {"widths": (256, 256, 512, 512, 1024, 1024)}, 552.81, 1119.8),
        ("drdd-residual-l", {}, 40.71, 125.4),
        ("drdd-residual-s", {}, 6.27, 34.0),
        ("drdd-residual-released", {}, 36.26, 119.2),
    ],
)
def test_sizes_of_the_papers_networks(name, overrides, millions, gmacs):
    counted = size(name, 256, **overrides)
    assert counted == (pytest.approx(millions, abs=0.01), pytest.approx(gmacs, abs=0.1))


@pytest.mark.parametrize("name", ["drdd-pocket", "drdd-residual-s", "drdd-residual-released"])
@pytest.mark.parametrize("shape", [(1, 1), (7, 13), (16, 16), (33, 50)])
def test_any_size_and_number_of_channels(name, shape):
    network = nets.build(name, in_channels=3, out_channels=6, **SMALL[name])
    assert network(torch.rand(2, 3, *shape), time=torch.tensor([0.0, 999.5])).shape == (2, 6, *shape)


@pytest.mark.parametrize("name", sorted(TIMED_NETWORKS))
def test_images_and_time_are_read(name):
    torch.manual_seed(0)
    network = nets.build(name, **SMALL[name])
    network.eval()
    images, time = torch.randn(2, 6, 16, 16), torch.tensor([300.0, 900.0])
    with torch.no_grad():
        predicted = network(images, time=time)
        torch.testing.assert_close(network(images[:, :2], images[:, 2:], time=time), predicted)
        other = images.clone()
        other[:, 5] += 1
        assert not torch.allclose(network(other, time=time), predicted, atol=1e-4)
        near = network(images, time=time + torch.tensor([0.0, 0.5]))
    assert torch.equal(near[0], predicted[0]) and not torch.equal(near[1], predicted[1]), "the time is a real number"


def test_the_border_is_reflected():
    torch.manual_seed(0)
    network = nets.build("drdd-pocket")
    images, time = torch.rand(1, 6, 13, 21), torch.tensor([1.0])
    padded = torch.nn.functional.pad(images, (0, 3, 0, 3), mode="reflect")
    with torch.no_grad():
        assert torch.allclose(network(images, time=time), network(padded, time=time)[..., :13, :21], atol=1e-6)


def test_the_pocket_network_starts_small():
    torch.manual_seed(0)
    with torch.no_grad():
        predicted = nets.build("drdd-pocket")(torch.rand(1, 6, 32, 32), time=500.0)
    assert 0 < predicted.abs().mean() < 0.2


@pytest.mark.parametrize("widths", [(16,), (16, 32), (16, 16, 32)])
def test_no_pixel_reaches_further_than_the_halo(widths):
    torch.manual_seed(0)
    network = nets.build("drdd-pocket", widths=widths).double()
    images = torch.rand(1, 6, 128, 128, dtype=torch.float64)
    reach = 0
    with torch.no_grad():
        plain = network(images, time=1.0)
        for place in range(64 - network.multiple, 64):
            other = images.clone()
            other[..., place, place] += 1000
            changed = (network(other, time=1.0) != plain).any(dim=1)[0].nonzero()
            reach = max(reach, int((changed - place).abs().max()))
    assert network.halo - network.multiple <= reach <= network.halo
