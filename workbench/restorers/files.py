"""Restorers on disk: safetensors with a JSON card of the same stem beside them, found by path or by name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from workbench.errors import WorkbenchError
from workbench.files import write_bytes, write_json
from workbench.nets import build
from workbench.nets.budget import Budget
from workbench.restorers.cards import make_card, read_card
from workbench.restorers.names import find
from workbench.restorers.restorer import Restorer


def save_restorer(path: Path, restorer: Restorer, *, provenance: dict) -> None:
    """Write ``path`` (safetensors) and the card ``path.with_suffix(".json")``, each replaced in one step.

    Parameters
    ----------
    path : Path
        File to write, ending in ``.safetensors``.
    restorer : Restorer
        With its networks described.
    provenance : dict
        Anything JSON takes that tells where the weights come from: recipe, seed, data, commit.
    """
    path = Path(path)
    options, described = restorer.options.model_dump(mode="json"), restorer.described
    several = len(described) > 1
    state = {
        f"{name}.{key}" if several else key: value.detach().cpu().contiguous()
        for name, network in restorer.networks.items()
        for key, value in network.state_dict().items()
    }
    content = save(state)
    checksum = hashlib.sha256(content).hexdigest()
    card = make_card(restorer.kind, options, described, restorer.data_range, provenance, checksum)
    write_bytes(path, content)
    write_json(path.with_suffix(".json"), card)


def load_restorer(place: str | Path, options: Mapping[str, object] | None = None) -> tuple[Restorer, dict]:
    """Read a restorer that `save_restorer` wrote.

    Parameters
    ----------
    place : str or Path
        A ``.safetensors`` file with its card beside it, a run folder that holds ``restorer.safetensors``, or the name
        of a packaged restorer (`workbench.restorers.packaged`).
    options : mapping, optional
        Of its procedure, in place of those of the card.

    Returns
    -------
    restorer : Restorer
        Its networks in evaluation mode, on the CPU.
    card : dict
        The JSON card, of version 2, with all options of the restorer as it was saved.

    Raises
    ------
    WorkbenchError
        When a file is missing or damaged, does not fit the networks its card names, or an option is wrong.
    """
    path = find(place)
    card_path = path.with_suffix(".json")
    card = read_card(card_path)
    try:
        state = load_file(path)
        checksum = card["sha256"] and _checksum(path)
    except (SafetensorError, OSError) as error:
        raise WorkbenchError(f"{path}: not a readable safetensors file ({error})") from error
    if checksum != card["sha256"]:
        raise WorkbenchError(f"{path}: damaged, or not the weights of its card (their checksums differ)")
    described = {name: entry["network"] for name, entry in card["networks"].items()}
    networks = _build(card_path, described, sum(value.numel() for value in state.values()))
    _fill(path, networks, card, state)
    try:
        low, high = card["data_range"]
        restorer = Restorer(
            networks, card["kind"], card["options"], described=described, data_range=(low, high)
        )  # fmt: skip
    except WorkbenchError as error:
        raise WorkbenchError(f"{card_path}: {error}") from error
    card["options"] = restorer.options.model_dump(mode="json")
    return (restorer.with_options(options) if options else restorer), card


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fill(path: Path, networks: dict[str, nn.Module], card: dict, state: dict[str, Tensor]) -> None:
    """Give each network its weights; all of them must be used."""
    left = dict(state)
    for name, network in networks.items():
        prefix = card["networks"][name]["prefix"]
        weights = {key.removeprefix(prefix): left.pop(key) for key in list(left) if key.startswith(prefix)}
        try:
            network.load_state_dict(weights)
            if wrong := [key for key, own in network.state_dict().items() if _kind(own) != _kind(weights[key])]:
                raise RuntimeError(f"{wrong[0]!r} holds numbers of another kind")
        except RuntimeError as error:
            called = card["networks"][name]["network"]["name"]
            raise WorkbenchError(f"{path}: its weights do not fit the network {called!r} of its card") from error
        network.eval()
    if left:
        raise WorkbenchError(f"{path}: its weights do not fit its card: {next(iter(left))!r} is of no network there")


def _kind(numbers: Tensor) -> tuple[bool, bool]:
    return numbers.is_floating_point(), numbers.is_complex()


def _build(path: Path, described: dict[str, dict], held: int) -> dict[str, nn.Module]:
    """Build a card's networks, unless they are far larger than their weights: a card may come from anywhere."""
    try:
        with Budget.of_weights(held):
            return {name: _build_one(network) for name, network in described.items()}
    except WorkbenchError as error:
        raise WorkbenchError(f"{path}: {error}") from error
    except Exception as error:  # hyper-parameters that no network takes fail in as many ways
        raise WorkbenchError(
            f"{path}: no network can be built from this card ({' '.join(str(error).split())})"
        ) from error


def _build_one(network: dict) -> nn.Module:
    sizes = {key: value for key, value in network.items() if key != "steps"}  # an option, which has its own bounds
    if len(json.dumps(network)) > 1000 or any(abs(number) > 4096 for number in _numbers(sizes)):
        raise ValueError("its sizes are beyond any network here")
    return build(network["name"], **{str(key): value for key, value in network.items() if key != "name"})


def _numbers(value: object) -> list[float]:
    """All numbers in a JSON value."""
    if isinstance(value, dict):
        return [number for each in value.values() for number in _numbers(each)]
    if isinstance(value, list):
        return [number for each in value for number in _numbers(each)]
    return [value] if isinstance(value, (int, float)) else []
