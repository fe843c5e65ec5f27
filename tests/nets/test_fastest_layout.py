"""Which memory layout networks are trained in."""

import pytest
import torch
from torch import nn

from workbench import nets
from workbench.nets.layout import layout_of
from workbench.nets.unet import Window

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
LAYOUTS = {
    torch.channels_last: ["unet-pocket", "unet-desk", "unet-non-local", "dncnn-pocket", "rcan-pocket", "ap-bsn-pocket",
                          "swinir-pocket", "uformer-pocket", "diffusion-pocket", "drdd-pocket", "identity"],
    torch.contiguous_format: ["unet-t", "dncnn", "nafnet-pocket", "restormer-pocket", "diffusion-t", "drdd-residual-s"],
}  # fmt: skip


@pytest.mark.parametrize(("layout", "name"), [(layout, name) for layout, names in LAYOUTS.items() for name in names])
def test_wide_networks_keep_pytorchs_layout_on_a_cpu(layout, name):
    network = nets.build(name)
    assert nets.fastest_layout(network, CPU) == layout
    assert nets.fastest_layout(network, CUDA) == torch.channels_last


def test_the_width_that_is_given_decides():
    assert nets.fastest_layout(nets.build("unet-t", width=16), CPU) == torch.channels_last
    assert nets.fastest_layout(nets.build("unet-pocket", width=32), CPU) == torch.contiguous_format


def test_a_network_that_says_nothing_is_channels_last():
    assert nets.fastest_layout(nn.Conv2d(3, 64, 3), CPU) == torch.channels_last


@pytest.mark.parametrize("name", ["unet-pocket", "unet-non-local"])
def test_tiles_are_restored_in_the_layout_they_come_in(name):
    """Upsampling a tile, and non-local means, would leave it."""
    network, seen = nets.build(name).eval(), []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_pre_hook(lambda _, given: seen.append(layout_of(given[0])))
    picture = torch.rand(1, 3, 64, 48).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        network(picture, Window(0, 0, 128, 128))
    assert seen and set(seen) == {torch.channels_last}
