"""The JSON card beside a restorer's weights: what kind it is, its options and networks, and where they come from.

Version 2 is ``{"format": 2, "kind", "options", "networks": {NAME: {"network": {"name", ...}, "prefix"}}, "data_range",
"provenance", "sha256"}``: ``prefix`` is what the names of a network's weights begin with in the safetensors file, whose
checksum is ``sha256``. Version 1 had one ``network``, and the kind is that of its class.
"""

from __future__ import annotations

import json
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.files import read_text

FORMAT = 2
_LONGEST = 1_000_000
_MOST_NETWORKS = 8


def make_card(
    kind: str, options: dict, described: dict[str, dict], data_range: tuple[float, float], provenance: dict, sha256: str
) -> dict:
    """A card of version 2."""
    return {
        "format": FORMAT, "kind": kind, "options": options,
        "networks": {
            name: {"network": network, "prefix": f"{name}." if len(described) > 1 else ""}
            for name, network in described.items()
        },
        "data_range": list(data_range), "provenance": provenance, "sha256": sha256,
    }  # fmt: skip


def read_card(path: Path) -> dict:
    """Read and check a card.

    Returns
    -------
    dict
        Of version 2. One that was of version 1 has no options, for its network brings them, and no checksum.

    Raises
    ------
    WorkbenchError
        When the card is missing, is not JSON, or lacks a key.
    """
    path = Path(path)
    try:
        card = json.loads(read_text(path, _LONGEST))
        if card["format"] == 1:
            card = _of_version_1(card)
        if card["format"] != FORMAT:
            raise WorkbenchError(f"{path}: card format {card['format']} is not known to this version")
        _check(card)
    except FileNotFoundError:
        raise WorkbenchError(f"{path}: missing; a restorer needs the JSON card that was written beside it") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        reason = str(error) if isinstance(error, _Wrong) else repr(error)
        raise WorkbenchError(f"{path}: not the card of a restorer ({reason})") from error
    return card


def network_names(card: dict) -> str:
    """The networks of a card, for reading: ``unet-pocket``, or ``residual: unet-s, noise: unet-t``."""
    names = {role: entry["network"]["name"] for role, entry in card["networks"].items()}
    if len(names) == 1:
        return next(iter(names.values()))
    return ", ".join(f"{role}: {name}" for role, name in names.items())


def guarded(card: dict) -> bool:
    """Whether noise-space adaptation had the guard, by a card's settings or, of older runs, by its recipe."""
    place = card.get("provenance")
    if not isinstance(place, dict) or place.get("method") != "noise-space":
        return False
    if "+guarded" in str(place.get("recipe")):
        return True
    for key in ("settings", "options", "noise-space"):
        place = place.get(key)
        if not isinstance(place, dict):
            return False
    return place.get("guard", "none") != "none"


class _Wrong(ValueError):
    """What is wrong with a card, said for a person."""


def _of_version_1(card: dict) -> dict:
    from workbench.nets import NETWORKS  # and torch with them: later cards are read without
    from workbench.restorers.kinds import kind_of

    network, _ = NETWORKS.get(card["network"]["name"], (None, {}))
    return {
        "format": FORMAT, "kind": kind_of(network), "options": {},
        "networks": {"restorer": {"network": card["network"], "prefix": ""}},
        "data_range": card["data_range"], "provenance": card.get("provenance"), "sha256": None,
    }  # fmt: skip


def _check(card: dict) -> None:
    kind, options, networks = card["kind"], card["options"], card["networks"]
    if not isinstance(kind, str) or not isinstance(options, dict) or not isinstance(networks, dict):
        raise _Wrong("kind is a name, options and networks are mappings")
    if len(networks) > _MOST_NETWORKS:
        raise _Wrong(f"it has {len(networks)} networks; {_MOST_NETWORKS} are possible at most")
    for role, entry in networks.items():
        if not isinstance(entry["network"]["name"], str) or not isinstance(entry["prefix"], str):
            raise _Wrong(f"network {role!r} needs a name and a prefix")
    if not (card["sha256"] is None or isinstance(card["sha256"], str)):
        raise _Wrong("sha256 is a text")
    card["provenance"]  # any JSON
    bounds = card["data_range"]
    if len(bounds) != 2 or any(
        isinstance(bound, bool) or not isinstance(bound, int | float) or abs(bound) > 1e9 for bound in bounds
    ):
        raise _Wrong(f"data_range {bounds}: give two numbers")
