"""Restorer weights on disk: safetensors with a JSON card of the same stem beside them."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn
from torch.overrides import TorchFunctionMode

from workbench.errors import WorkbenchError
from workbench.files import write_bytes, write_json
from workbench.nets.registry import build

FORMAT = 1


def save_restorer(
    path: Path, restorer: nn.Module, network: dict, *, data_range: tuple[float, float] = (0.0, 1.0), provenance: dict
) -> None:
    """Write ``path`` (safetensors) and the card ``path.with_suffix(".json")``, each replaced in one step.

    Parameters
    ----------
    path : Path
        File to write, ending in ``.safetensors``.
    restorer : nn.Module
        The network whose state is written.
    network : dict
        ``{"name": ..., **overrides}``: what `workbench.nets.build` needs to build it again.
    data_range : tuple of float
        The range of the network's images: (0, 1), or (-1, 1) for some of the authors' checkpoints.
    provenance : dict
        Anything JSON takes that tells where the weights come from: recipe, seed, data, commit.
    """
    path = Path(path)
    card = {"format": FORMAT, "network": network, "data_range": list(data_range), "provenance": provenance}
    state = {name: value.detach().cpu().contiguous() for name, value in restorer.state_dict().items()}
    write_bytes(path, save(state))
    write_json(path.with_suffix(".json"), card)


def load_restorer(path: Path) -> tuple[nn.Module, dict]:
    """Read a restorer that `save_restorer` wrote.

    Parameters
    ----------
    path : Path
        A ``.safetensors`` file with its card beside it, or a run folder that holds ``restorer.safetensors``.

    Returns
    -------
    restorer : nn.Module
        In evaluation mode, on the CPU; takes and returns images in [0, 1] whatever the card's data range.
    card : dict
        The JSON card.

    Raises
    ------
    WorkbenchError
        When a file is missing, is not safetensors, or does not fit the network its card names.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "restorer.safetensors"
    if path.suffix == ".json":
        path = path.with_suffix(".safetensors")
    if not path.is_file():
        raise WorkbenchError(f"{path}: no restorer here; give a finished run folder or a restorer.safetensors file")
    if path.suffix in {".pth", ".pt", ".ckpt"}:
        raise WorkbenchError(f"{path}: not safetensors; convert it first with `workbench import-official {path}`")
    card = read_card(path.with_suffix(".json"))
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WorkbenchError(f"{path}: not a readable safetensors file ({error})") from error
    restorer = _build(path.with_suffix(".json"), card["network"], sum(value.numel() for value in state.values()))
    try:
        restorer.load_state_dict(state)
    except RuntimeError as error:
        name = card["network"]["name"]
        raise WorkbenchError(f"{path}: its weights do not fit the network {name!r} of its card") from error
    low, high = card["data_range"]
    if (low, high) != (0.0, 1.0):
        restorer = RangeAdapter(restorer, low, high)
    return restorer.eval(), card


def read_card(path: Path) -> dict:
    """Read and check the JSON card of a restorer.

    Raises
    ------
    WorkbenchError
        When the card is missing, is not JSON, or lacks a key.
    """
    try:
        card = json.loads(Path(path).read_text())
        if card["format"] != FORMAT:
            raise WorkbenchError(f"{path}: card format {card['format']} is not known to this version")
        card["network"]["name"], [float(bound) for bound in card["data_range"]]
    except FileNotFoundError:
        raise WorkbenchError(f"{path}: missing; a restorer needs the JSON card that was written beside it") from None
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise WorkbenchError(f"{path}: not the card of a restorer ({error!r})") from error
    return card


def _build(path: Path, network: dict, held: int) -> nn.Module:
    """Build a card's network, unless it is far larger than its weights: a card may come from anywhere."""
    name, overrides = network["name"], {str(key): value for key, value in network.items() if key != "name"}
    sizes = {key: value for key, value in network.items() if key != "steps"}  # the steps of a per-image restorer
    try:
        if len(json.dumps(network)) > 1000 or any(abs(number) > 4096 for number in _numbers(sizes)):
            raise ValueError("its sizes are beyond any network here")
        with _Budget(4 * held + 4_000_000):
            return build(name, **overrides)
    except WorkbenchError:
        raise
    except Exception as error:  # hyper-parameters that no network takes fail in as many ways
        raise WorkbenchError(
            f"{path}: no network can be built from this card ({' '.join(str(error).split())})"
        ) from error


class _Budget(TorchFunctionMode):
    """Ends the making of tensors once they have more elements than so many, before anything is written into them."""

    FACTORIES = frozenset({torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.arange})

    def __init__(self, elements: int):
        super().__init__()
        self.left = elements

    def __torch_function__(self, function, types, arguments=(), keywords=None):
        result = function(*arguments, **(keywords or {}))
        if function in self.FACTORIES:
            self.left -= result.numel()
            if self.left < 0:
                raise MemoryError("it needs far more weights than the file holds")
        return result


def _numbers(value: object) -> list[float]:
    """All numbers in a JSON value."""
    if isinstance(value, dict):
        return [number for each in value.values() for number in _numbers(each)]
    if isinstance(value, list):
        return [number for each in value for number in _numbers(each)]
    return [value] if isinstance(value, (int, float)) else []


class RangeAdapter(nn.Module):
    """Let a restorer trained on images in [low, high] take and return images in [0, 1]."""

    def __init__(self, restorer: nn.Module, low: float, high: float):
        super().__init__()
        self.restorer, self.low, self.high = restorer, low, high
        self.multiple, self.halo = restorer.multiple, restorer.halo
        self.square = getattr(restorer, "square", False)

    def forward(self, degraded, window=None):
        """Restored images (N, 3, H, W) in [0, 1], not clipped; ``window`` tells where a tile lies, if it is one."""
        span = self.high - self.low
        return (self.restorer(degraded * span + self.low, window) - self.low) / span
