"""The three stages of the shortcut, from the probes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

READ = 0.02
"""Share of the error by which it must rise for the synthetic condition to count as recognised."""
IGNORED = 0.05
"""Share of the synthetic condition's influence below which the real condition counts as ignored."""
NAMES = {1: "I", 2: "II", 3: "III"}


@dataclass(frozen=True)
class Stage:
    """A stage and the two numbers that decide it; see `stage`."""

    number: int
    source_rise: float
    target_share: float

    def __str__(self) -> str:
        return NAMES[self.number]


def stage(table: pd.DataFrame, order: str = "fixed", read: float = READ, ignored: float = IGNORED) -> Stage:
    """Which of the paper's three stages a diffusion network is in.

    Liao et al. (ICLR 2025, Sec. 3.1, Fig. 2) tell them apart in words: (I) the diffusion network struggles to recognise
    which condition aids denoising; (II) the synthetic image is clearly restored and easy to tell; (III) the network
    focuses on the synthetic image and ignores the real one. They give no measure. This is ours, from `reliance` with
    replacement "other", the one that shows the network nothing it was not trained on:

    * ``source_rise``: how much the error rises when the synthetic condition is replaced, as a share of the error;
    * ``target_share``: how much the prediction changes when the *real* condition is replaced, as a share of the change
      when the synthetic one is (``change``, since a real image shows other content and need not help); not a number
      when neither changes anything.

    I: ``source_rise < read``. Otherwise III: ``target_share < ignored``; II: the rest.

    The stages describe the diffusion network alone. Whether the restorer then damages real images, which the paper
    lets follow from III, is another measurement: `workbench.diagnostics.high_frequency_ratio`, ``detail_and_noise``.
    A restorer that starts mature leaves stage I as soon as the diffusion network has learnt anything, and a stage may
    come back.

    Parameters
    ----------
    table : DataFrame
        Result of `workbench.diagnostics.reliance` with the replacement "other".
    order : str
        "fixed", or "shuffled" for networks trained with channel shuffling.
    read, ignored : float
        The thresholds; chosen, not derived.

    Raises
    ------
    ValueError
        When the table lacks the replacement "other" in that order.
    """
    chosen = table[(table.replacement == "other") & (table.order == order)].set_index("condition")
    if not {"source", "target"} <= set(chosen.index):
        raise ValueError(f"the table has no replacement 'other' in order {order!r}")
    source, target = chosen.loc["source"], chosen.loc["target"]
    rise = float(source.rise / source.base)
    share = float(target.change / source.change) if source.change > 0 else math.nan
    number = 1 if rise < read else 3 if share < ignored else 2
    return Stage(number, rise, share)
