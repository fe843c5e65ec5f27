"""Recipes as they were written before: keys that have moved are read on, and runs keep the options that they had.

Until they became options like those of every method, the settings of noise-space adaptation were a section of their
own, ``noise_space``, in every recipe. What was ``data.sigma`` is an option of the degradation AWGN
(`workbench.recipes.schema.Data` reads it in a file).
"""

from __future__ import annotations

import sys
from functools import cache

_MOVED = {"noise_space": ("options", "noise-space")}
_RENAMED = {"data.sigma": "data.degradation.sigma"}

_ADDED = {
    "pixelda": {"residual": "free", "strength": 1.0, "softness": 0.0},
    "c2n": {"residual": "free", "softness": 0.0},
    "masked": {"unmasked": 0.0},
    "neighbor2neighbor": {"stride": 1},
}
"""Options of methods by what runs had before there were such options, where a scale's default is another."""


def current_key(key: str) -> str:
    """The dotted key under which a setting is written now; of a section that has moved it is said once."""
    first, *rest = key.split(".")
    if first not in _MOVED:
        return _RENAMED.get(key, key)
    _say(first)
    return ".".join([*_MOVED[first], *rest])


def current_tree(tree: dict, *, by_hand: bool) -> dict:
    """A recipe's tree with what has moved in its place; what stands there already comes first.

    Parameters
    ----------
    tree : dict
    by_hand : bool
        Whether a person wrote it, who wants to be told; a run has the options of its method written out.
    """
    for former, (parent, name) in _MOVED.items():
        if isinstance(section := tree.get(former), dict):
            if by_hand:
                _say(former)
            present = tree.get(parent) or {}
            tree = {key: value for key, value in tree.items() if key != former}
            tree[parent] = present | {name: section | present.get(name, {})}
    method, options = tree.get("method"), tree.get("options") or {}
    if not by_hand and method in _ADDED and method in options:
        tree = tree | {"options": options | {method: _ADDED[method] | options[method]}}
    return tree


@cache
def _say(former: str) -> None:
    """Tell the user where the settings of a section are now, once a process."""
    print(f"workbench: {former}.KEY is now {'.'.join(_MOVED[former])}.KEY; the old name is read on", file=sys.stderr)
