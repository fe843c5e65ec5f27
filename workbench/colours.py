"""One colour for one thing in every figure: the palette of Okabe and Ito, which the colour-blind can tell apart."""

from __future__ import annotations

import re

INPUT, REFERENCE, OTHER = "#767676", "#000000", "#9a9a9a"
"""The degraded picture, its reference, and all that has no colour of its own, such as rivals."""

COLOURS = {
    "vanilla": "#e69f00",
    "adapted": "#0072b2",
    "guarded": "#009e73",
    "oracle": REFERENCE,
    "vanilla-early": "#cc79a7",
    "direct": "#8c564b",
    "drdd": "#882255",
    "nothing": "#d55e00",
    "cs": "#56b4e9",
    "cs-rs": "#0072b2",
    "input": INPUT,
    "reference": REFERENCE,
}
"""By label. ``nothing``, ``cs`` and ``cs-rs`` are the method without channel shuffle and residual swap, with the first,
and with both, which is ``adapted``. ``drdd`` is residual diffusion, ``direct`` its network without
noise; Okabe and Ito have no colours left for these."""
_SAME = {
    "noise-space": "adapted", "ours": "adapted", "paired": "adapted", "neither shuffle nor swap": "nothing",
    "channel shuffle and residual swap": "cs-rs", "channel shuffle": "cs",
}  # fmt: skip


def colour(label: str) -> str:
    """The colour of a restorer, a method or a variant by the label it is shown with.

    A setting behind the name does not change it, as in ``adapted-c5`` or ``adapted, ceiling 5``: curves of one method
    differ by line and marker.

    Parameters
    ----------
    label : str

    Returns
    -------
    str
        ``#rrggbb``; `OTHER` for what has no colour of its own.

    Examples
    --------
    >>> colour("adapted, ceiling 5") == colour("noise-space") == colour("(f) (Ours)")
    True
    >>> colour("dann") == OTHER
    True
    """
    name = label.lower().strip()
    if "(ours)" in name:
        name = "adapted"
    name = _SAME.get(name, name)
    name = re.sub(r"(-c[\d.]+|-\d+|, .*)$", "", name)
    return COLOURS.get(_SAME.get(name, name), OTHER)


def shades(count: int) -> list[str]:
    """Colours from dark to light for things that have an order, such as sizes and levels.

    Examples
    --------
    >>> len(set(shades(4)))
    4
    """
    from matplotlib import colormaps  # the app needs the names alone, and not the seconds that this takes
    from matplotlib.colors import to_hex

    return [to_hex(colormaps["viridis"](0.85 * index / max(count - 1, 1))) for index in range(count)]
