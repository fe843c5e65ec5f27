"""The networks' names and their default hyper-parameters; other packages may bring more (docs/adding-a-network.md)."""

from __future__ import annotations

from torch import nn

from workbench.errors import WorkbenchError, is_out_of_memory
from workbench.nets.blind_deconvolution import SelfDeblur, Vdip
from workbench.nets.blind_spot import BlindSpot
from workbench.nets.budget import Budget
from workbench.nets.diffusion_unet import DiffusionUNet, LeanDiffusionUNet
from workbench.nets.identity import Identity
from workbench.nets.library import RCAN, DnCNN, NAFNet, Restormer, SwinIR, Uformer
from workbench.nets.masked_swinir import MaskedSwinIR
from workbench.nets.non_local import NonLocalUNet
from workbench.nets.standardised_unet import StandardisedTimedUNet
from workbench.nets.timed_unet import LeanTimedUNet, TimedUNet
from workbench.nets.unet import UNet
from workbench.plugins import installed

GROUP = "workbench.networks"

_PER_IMAGE_POCKET = {
    "steps": 300, "width": 16, "skip": 4, "levels": 3, "hidden": 200, "kernel_learning_rate": 1e-3,
}  # fmt: skip

RESTORERS: dict[str, tuple[type[nn.Module], dict]] = {
    "unet-t": (UNet, {"width": 32}),
    "unet-s": (UNet, {"width": 64}),
    "unet-b": (UNet, {"width": 76}),
    "unet-pocket": (UNet, {"width": 16, "depth": 3, "init": "kaiming"}),
    "unet-desk": (UNet, {"width": 16, "depth": 4, "init": "kaiming"}),
    "unet-non-local": (NonLocalUNet, {"width": 16, "depth": 4, "init": "kaiming"}),
    "uformer-t": (Uformer, {"width": 16}),
    "uformer-s": (Uformer, {"width": 32}),
    "uformer-b": (Uformer, {"width": 32, "depths": (1, 2, 8, 8)}),
    "uformer-pocket": (Uformer, {"width": 8, "window": 4}),
    "dncnn": (DnCNN, {}),
    "dncnn-pocket": (DnCNN, {"width": 24, "depth": 10}),
    "restormer": (Restormer, {}),
    "restormer-pocket": (Restormer, {"width": 8, "blocks": (1, 1, 1, 1), "refinement": 1}),
    "swinir": (SwinIR, {}),
    "swinir-light": (SwinIR, {"width": 60, "depths": (6,) * 4, "heads": (6,) * 4}),
    "swinir-pocket": (SwinIR, {"width": 24, "depths": (2, 2), "heads": (3, 3)}),
    "rcan": (RCAN, {}),
    "rcan-pocket": (RCAN, {"width": 16, "groups": 2, "blocks": 4, "reduction": 4}),
    "nafnet": (NAFNet, {}),
    "nafnet-pocket": (NAFNet, {"width": 8, "encoder": (1, 1, 1), "middle": 1, "decoder": (1, 1, 1)}),
    "ap-bsn": (BlindSpot, {}),
    "ap-bsn-pocket": (BlindSpot, {"width": 16, "modules": 3, "init": "kaiming"}),
    "swinir-masked": (MaskedSwinIR, {"width": 60, "depths": (6,) * 4, "heads": (6,) * 4}),
    "swinir-masked-pocket": (MaskedSwinIR, {"width": 24, "depths": (2, 2), "heads": (3, 3)}),
    "selfdeblur": (SelfDeblur, {}),
    "selfdeblur-pocket": (SelfDeblur, {**_PER_IMAGE_POCKET}),
    "vdip": (Vdip, {}),
    "vdip-pocket": (Vdip, {**_PER_IMAGE_POCKET}),
    "identity": (Identity, {}),
}
DIFFUSION_NETWORKS: dict[str, tuple[type[nn.Module], dict]] = {
    "diffusion-t": (DiffusionUNet, {"widths": (32, 32, 64, 64)}),
    "diffusion-s": (DiffusionUNet, {"widths": (32, 64, 128, 128)}),
    "diffusion-b": (DiffusionUNet, {"widths": (64, 128, 256, 512)}),
    "diffusion-pocket": (LeanDiffusionUNet, {"widths": (16, 32, 64)}),
}
TIMED_NETWORKS: dict[str, tuple[type[nn.Module], dict]] = {
    "drdd-residual-s": (TimedUNet, {"widths": (32, 64, 128, 128), "resample": "conv", "groups": 8}),
    "drdd-residual-l": (
        TimedUNet,
        {"widths": (64, 128, 256, 512), "blocks": 1, "resample": "conv", "groups": 8},
    ),  # fmt: skip
    "drdd-residual-released": (StandardisedTimedUNet, {"widths": (64, 128, 256, 512)}),
    "drdd-noise-s": (TimedUNet, {"widths": (64, 64, 128, 128, 256, 256), "attention": 3}),
    "drdd-noise-l": (TimedUNet, {"widths": (128, 128, 256, 256, 512, 512), "attention": 3}),
    "drdd-pocket": (LeanTimedUNet, {"widths": (32, 64)}),
}
_OURS = RESTORERS | DIFFUSION_NETWORKS | TIMED_NETWORKS
RESTORERS |= {name: (network, {}) for name, network in installed(GROUP, nn.Module, "torch.nn.Module", _OURS).items()}
NETWORKS = RESTORERS | DIFFUSION_NETWORKS | TIMED_NETWORKS


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
        ``(noised, conditions, alpha_bar)`` to the predicted noise; a timed network maps images and a
        ``time`` to an image.

    Raises
    ------
    WorkbenchError
        When the name or a hyper-parameter is unknown, or the network is too large for this machine.
    """
    if name not in NETWORKS:
        raise WorkbenchError(f"no network is called {name!r}; choose one of {', '.join(NETWORKS)}")
    network, defaults = NETWORKS[name]
    try:
        with Budget.of_machine():
            built = network(**{**defaults, **overrides})
        if any(0 in parameter.shape for parameter in built.parameters()):
            raise ValueError("it would have layers without channels")
        return built
    except (TypeError, ValueError, RuntimeError, IndexError, ZeroDivisionError, AssertionError, MemoryError) as error:
        reason = error
        if is_out_of_memory(error) and not isinstance(error, MemoryError):  # which a budget raises, and says of what
            reason = "it needs more memory than this machine has"
        raise WorkbenchError(f"network {name!r} does not take {overrides}: {reason}") from error
