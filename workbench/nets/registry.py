"""The networks' names and their default hyper-parameters."""

from __future__ import annotations

from torch import nn

from workbench.errors import WorkbenchError
from workbench.nets.diffusion_unet import DiffusionUNet, LeanDiffusionUNet
from workbench.nets.unet import UNet

NETWORKS: dict[str, tuple[type[nn.Module], dict]] = {
    "unet-t": (UNet, {"width": 32}),
    "unet-s": (UNet, {"width": 64}),
    "unet-b": (UNet, {"width": 76}),
    "unet-pocket": (UNet, {"width": 16, "depth": 3, "init": "kaiming"}),
    "diffusion-t": (DiffusionUNet, {"widths": (32, 32, 64, 64)}),
    "diffusion-s": (DiffusionUNet, {"widths": (32, 64, 128, 128)}),
    "diffusion-b": (DiffusionUNet, {"widths": (64, 128, 256, 512)}),
    "diffusion-pocket": (LeanDiffusionUNet, {"widths": (16, 32, 64)}),
}


def build(name: str, **overrides) -> nn.Module:
    """Build a network with fresh weights.

    Parameters
    ----------
    name : str
        A key of `NETWORKS`, such as ``"unet-s"`` or ``"diffusion-b"``.
    **overrides
        Hyper-parameters that replace the name's defaults, such as ``width=48``.

    Returns
    -------
    nn.Module
        A restorer maps (N, 3, H, W) images in [0, 1] to restored ones of the same shape; a diffusion network maps
        ``(noised, conditions, alpha_bar)`` to the predicted noise.

    Raises
    ------
    WorkbenchError
        When the name or a hyper-parameter is unknown.
    """
    if name not in NETWORKS:
        raise WorkbenchError(f"no network is called {name!r}; choose one of {', '.join(NETWORKS)}")
    network, defaults = NETWORKS[name]
    try:
        return network(**{**defaults, **overrides})
    except (TypeError, ValueError, RuntimeError, IndexError, ZeroDivisionError) as error:
        raise WorkbenchError(f"network {name!r} does not take {overrides}: {error}") from error
