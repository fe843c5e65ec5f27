"""What a restorer is, in a line of a list."""

from __future__ import annotations

import json
import math
import textwrap
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.restorers.cards import guarded, network_names, read_card
from workbench.tabular import as_text

_LARGEST_HEADER = 100_000_000


@dataclass(frozen=True)
class Listed:
    """A restorer in a list; what its card does not tell is None.

    Attributes
    ----------
    name : str
        What `restore`, `evaluate`, the app and `workbench.restorers.load_restorer` take: a packaged name or a path.
    task, domain : str or None
        What it restores: ``denoising``, and the pictures that it was adapted to or trained for.
    kind, networks : str
    parameters : int
        Numbers in its weights.
    method, recipe, seed, options : optional
        How it was trained, and the options that its card sets.
    guarded : bool
        Whether noise-space adaptation had the guard.
    """

    name: str
    task: str | None
    domain: str | None
    kind: str
    networks: str
    parameters: int
    method: str | None
    recipe: str | None
    seed: int | None
    options: dict
    guarded: bool


def describe(name: str, weights: Path, task: str | None = None) -> Listed:
    """What the card of a restorer tells.

    Parameters
    ----------
    name : str
        To show.
    weights : Path
        Its safetensors file.
    task : str, optional
        Where somebody knows better than the card.

    Raises
    ------
    WorkbenchError
        The card or the weights cannot be read.
    """
    card = read_card(weights.with_suffix(".json"))
    facts = card["provenance"] if isinstance(card["provenance"], dict) else {}
    data, settings = (facts.get(key) if isinstance(facts.get(key), dict) else {} for key in ("data", "settings"))
    domain = next((place for key in ("target", "source") if (place := data.get(key)) not in (None, "none")), None)
    return Listed(
        name, task or facts.get("task") or settings.get("task"), domain, card["kind"], network_names(card),
        _parameters(weights), facts.get("method"), facts.get("recipe"), facts.get("seed"), card["options"],
        guarded(card),
    )  # fmt: skip


def format_list(restorers: list[Listed]) -> str:
    """The list as a table to print; `to_json` has more."""
    rows = [
        (
            each.name, each.task or "-", each.kind, f"{each.parameters / 1e6:.2f} M" if each.parameters else "-",
            f"{each.method}, guarded" if each.guarded else each.method or "-",
            textwrap.shorten((each.domain or "-").partition(",")[0], 60, placeholder=" …"),
        )
        for each in restorers
    ]  # fmt: skip
    return as_text([("name", "task", "kind", "parameters", "method", "pictures of"), *rows], right=())


def to_json(restorers: list[Listed]) -> str:
    """The list as JSON."""
    return json.dumps([asdict(each) for each in restorers], indent=2)


def _parameters(weights: Path) -> int:
    """How many numbers a safetensors file holds, by its header alone."""
    try:
        with weights.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > _LARGEST_HEADER:
                raise ValueError("its header is too long")
            header = json.loads(file.read(length))
        return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkbenchError(f"{weights}: not a readable safetensors file ({error})") from error
