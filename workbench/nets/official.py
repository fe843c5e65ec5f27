"""Import of restoration networks trained with the paper authors' code."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from pathlib import Path

import torch
from torch import Tensor, nn

from workbench.errors import WorkbenchError
from workbench.nets.budget import Budget
from workbench.nets.unet import UNet

_DEEPEST = 12
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
    if first is None or first.ndim != 4 or 0 in first.shape:
        raise WorkbenchError(f"no restoration network found: expected keys like '{PREFIX}down_path.0.block.0.weight'")
    width = first.shape[0]
    levels = {match[1] for key in weights if (match := re.match(r"encoder\.(\d+)\.", key))}
    depth = len(levels)
    if depth > _DEEPEST or levels != {str(level) for level in range(depth)}:
        raise WorkbenchError(f"its levels are not those of a restoration U-Net: 0 to {_DEEPEST - 1}, none left out")
    try:
        with Budget.of_weights(sum(value.numel() for value in weights.values())):
            restorer = UNet(width=width, depth=depth)
        restorer.load_state_dict(weights)
    except (RuntimeError, MemoryError, ZeroDivisionError) as error:
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
        _check_archive(path)
        with warnings.catch_warnings(action="ignore"):  # advice on how it was written helps nobody here
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what anybody may have made fails in as many ways
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if isinstance(error, pickle.UnpicklingError):  # torch's own words advise to run the file's code
            reason = "it holds something else, or is no checkpoint at all"
        raise WorkbenchError(f"{path}: not a checkpoint of plain tensors, refused ({reason})") from error
    for name in ("state_dict", "ema", "model"):  # the latter two of DRDD's code: averaged weights before those trained
        if isinstance(state, dict) and isinstance(state.get(name), dict):
            state = state[name]
            break
    if not isinstance(state, dict):
        raise WorkbenchError(f"{path}: holds a {type(state).__name__}, not a state dict")
    tensors = {str(key): value for key, value in state.items() if isinstance(value, Tensor)}
    for key, value in tensors.items():
        if not _whole(value):
            raise WorkbenchError(f"{path}: not a checkpoint of plain tensors, refused ({key!r} is not held as a whole)")
    return tensors


def _check_archive(path: Path) -> None:
    """Refuse packed archives, which torch never writes and of which a small one may hold any number of zeros; and parts
    that do not fit their checksums, which torch does not read. Files from before torch 1.6 are no archives.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            held = sum(entry.file_size for entry in entries)
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries) or held > path.stat().st_size:
                raise ValueError("its archive is packed")
            if (damaged := archive.testzip()) is not None:
                raise ValueError(f"damaged: the checksum of its part {damaged} is another")


def _whole(tensor: Tensor) -> bool:
    """Whether a tensor's numbers are all in memory, as those of an expanded or a sparse one are not."""
    plain = tensor.layout == torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized
    return plain and tensor.untyped_storage().nbytes() >= tensor.numel() * tensor.element_size()
