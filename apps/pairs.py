"""Which restorers belong together: those of one task and one pair of domains, with and without the adaptation."""

from __future__ import annotations

from collections.abc import Sequence

from apps.restorers import Choice

ROLES = ("vanilla", "adapted")
ROLE_OF = {"vanilla": "vanilla", "adapted": "adapted", "guarded": "adapted"}
"""What a restorer is in a pair, by the name its method goes by."""
FIRST = ("denoise-photographs", "denoise-simulated-camera")
"""Pairs that come with the package and suit any photograph, before all others."""
VANILLA_OF = {"denoise-night": "denoise-photographs-vanilla"}
"""Of packaged pairs that share another's vanilla, its name."""
BY_DEGRADATION = {
    "camera": "denoise-simulated-camera", "night": "denoise-night", "rain-streaks": "derain", "layered-rain": "derain",
    "motion-blur": "deblur", "camera-shake": "deblur",
}  # fmt: skip
"""The packaged pair that is for pictures of a degradation: a key of `apps.degrading.KINDS`, or ``night`` of samples."""


def pairs(choices: Sequence[Choice]) -> dict[str, list[str]]:
    """Vanilla and adapted restorers that differ in nothing else.

    Packaged ones are of a pair by their names; runs are if they have the same recipe, variants aside, scale and seed.

    Returns
    -------
    dict of str to list of str
        Names of the vanilla and of the adapted restorer by the pair's: packaged pairs first, and among them `FIRST`.
    """
    found: dict[str, dict[str, Choice]] = {}
    for choice in choices:
        if (role := ROLE_OF.get(choice.method)) and (pair := _pair(choice)):
            found.setdefault(pair, {}).setdefault(role, choice)
    for pair, vanilla in VANILLA_OF.items():
        shared = next((choice for choice in choices if choice.packaged and choice.name == vanilla), None)
        if pair in found and shared is not None:
            found[pair]["vanilla"] = shared
    whole = {pair: both for pair, both in found.items() if len(both) == len(ROLES)}

    def order(pair: str) -> tuple:
        return not whole[pair]["vanilla"].packaged, FIRST.index(pair) if pair in FIRST else len(FIRST)

    return {pair: [whole[pair][role].name for role in ROLES] for pair in sorted(whole, key=order)}


def first_choice(choices: Sequence[Choice], degradation: str = "none") -> list[str]:
    """The names to start with: the packaged pair for a degradation, else the first pair, else the first restorer."""
    known = pairs(choices)
    pair = known.get(BY_DEGRADATION.get(degradation, ""))
    return pair or next(iter(known.values()), [choice.name for choice in choices[:1]])


def _pair(choice: Choice) -> str | None:
    """What the restorers of a pair have in common; None where the card does not tell."""
    if choice.packaged:
        return choice.name.rpartition("-")[0]
    provenance = choice.card["provenance"]
    recipe = provenance.get("recipe")
    if not isinstance(recipe, str):
        return None
    return f"{recipe.partition('+')[0]}, {provenance.get('scale')}, seed {provenance.get('seed')}"
