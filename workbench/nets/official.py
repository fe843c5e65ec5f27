"""Import of restoration networks trained with the paper authors' code."""

from __future__ import annotations

import pickle
import re
import struct
from pathlib import Path

import torch
from torch import Tensor, nn

from workbench.errors import WorkbenchError
from workbench.nets.unet import UNet

PREFIX = "RestorationNet."
_RENAMES = [
    (re.compile(r"^down_path\.(\d+)\.block\."), r"encoder.\1."),
    (re.compile(r"^up_path\.(\d+)\.conv_up\."), r"decoder.\1.reduce."),
    (re.compile(r"^up_path\.(\d+)\.conv_block\.block\."), r"decoder.\1.block."),
]


def convert(state: dict[str, Tensor]) -> tuple[nn.Module, dict]:
    """Turn an official state dict into a `UNet`, its width and depth deduced from the keys.

    Parameters
    ----------
    state : dict of str to Tensor
        A flat state dict: restoration keys under ``RestorationNet.`` (or bare); other keys (diffusion network,
        schedule buffers) are ignored.

    Returns
    -------
    restorer : UNet
    network : dict
        The ``network`` entry of the restorer's card.

    Raises
    ------
    WorkbenchError
        When the state dict does not hold the authors' restoration U-Net.
    """
    prefixed = {key.removeprefix(PREFIX): value for key, value in state.items() if key.startswith(PREFIX)}
    weights = {}
    for key, value in (prefixed or state).items():
        for pattern, replacement in _RENAMES:
            key = pattern.sub(replacement, key)
        if key.startswith(("encoder.", "decoder.", "last.")):
            weights[key] = value
    first = weights.get("encoder.0.0.weight")
    if first is None:
        raise WorkbenchError(f"no restoration network found: expected keys like '{PREFIX}down_path.0.block.0.weight'")
    width = first.shape[0]
    levels = {match[1] for key in weights if (match := re.match(r"encoder\.(\d+)\.", key))}
    depth = 1 + max(map(int, levels))
    restorer = UNet(width=width, depth=depth)
    try:
        restorer.load_state_dict(weights)
    except RuntimeError as error:
        raise WorkbenchError(f"its weights do not form a restoration U-Net of width {width}: {error}") from error
    return restorer.eval(), {"name": "unet-s", "width": width, "depth": depth}


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Read a ``.pth`` file's tensors with torch's restricted unpickler, which runs no code of the file.

    Raises
    ------
    WorkbenchError
        When the file is missing, is not a checkpoint, or holds anything but tensors and plain containers.
    """
    path = Path(path)
    if not path.is_file():
        raise WorkbenchError(f"{path}: no such file")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (
        pickle.UnpicklingError,
        struct.error,
        RuntimeError,
        EOFError,
        LookupError,
        ValueError,
        TypeError,
        OSError,
    ) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WorkbenchError(f"{path}: not a checkpoint of plain tensors, refused ({first_line})") from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict):
        raise WorkbenchError(f"{path}: holds a {type(state).__name__}, not a state dict")
    return {key: value for key, value in state.items() if isinstance(value, Tensor)}
