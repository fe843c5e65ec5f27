"""What a diffusion network predicts when its conditions are switched, and how well with ever worse ones, recorded.

Two records for the app; `workbench.diagnostics.switching` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.diagnostics.recorded_arrays import Arrays, below, read_arrays, write_arrays

PACKAGED = "conditions.npz"
CHOICES = ("kept", "corrupted", "other", "blank")
"""What a condition can be switched to: as it is, with AWGN of `CORRUPTION`, another image's, nothing (0)."""
CORRUPTION = 50.0
"""Sigma of the AWGN of "corrupted", in 8-bit units; the two conditions are given different noise."""
ORDERS = ("fixed", "swapped")
"""Synthetic condition first, as in training without channel shuffling, or real condition first."""
ERROR_STEP = 1 / 16
"""One grey value of a kept error picture: 128 is no error, the range -8..8."""
LEVELS = tuple(range(0, 81, 5))


@dataclass(frozen=True)
class ConditionRecording:
    """Predictions with switched conditions, and with conditions of every quality.

    All pictures are uint8. Pictures of noise are means over channels, scaled to unit variance: -3..3 to 0..255.
    Pictures of errors (prediction minus noise, scaled alike) have 128 for 0 and `ERROR_STEP` a grey value.

    Parameters
    ----------
    steps : ndarray, shape (S,)
        Training steps.
    shared : dict of str to ndarray
        ``clean`` (P, P, 3), the picture whose noise is predicted; ``noised`` (P, P, 3), what the network sees of it;
        ``noise`` (P, P), what it should predict.
    errors : dict of str to ndarray, shape (S, 2, C, C, N)
        By variant: the noise-prediction error of N patches, by order (`ORDERS`), what the synthetic and what the real
        condition was switched to (`CHOICES`).
    pictures : dict of str to ndarray, shape (S, 2, C, C, P, P)
        By variant: the error of the prediction for ``clean``, likewise.
    conditions : dict of str to ndarray, shape (S, 2, C, P, P, 3)
        By variant: the synthetic and the real condition as they were shown.
    quality : DataFrame
        Result of `workbench.probes.condition_quality` for AWGN of sigma 0 to 80: Fig. 1(a).
    quality_pictures : dict of str to ndarray
        For each of its levels: ``condition`` (L, P, P, 3) and ``error`` (L, P, P), the error of the prediction for
        ``clean``; ``picture_error`` (L,), the same as a number, at the timestep of the microscope.
    provenance : dict
        Where it comes from.
    """

    steps: np.ndarray
    shared: dict[str, np.ndarray]
    errors: dict[str, np.ndarray]
    pictures: dict[str, np.ndarray]
    conditions: dict[str, np.ndarray]
    quality: pd.DataFrame
    quality_pictures: dict[str, np.ndarray]
    provenance: dict


_TREES = ("shared", "errors", "pictures", "conditions", "quality_pictures")


def save_conditions(recording: ConditionRecording, path: Path) -> None:
    """Write a recording, replacing the file in one step."""
    arrays = {"steps": recording.steps}
    arrays |= {f"{tree}/{name}": value for tree in _TREES for name, value in getattr(recording, tree).items()}
    arrays |= {name: value.astype(np.float32) for name, value in arrays.items() if name.startswith("errors/")}
    write_arrays(path, arrays, {"quality": recording.quality.to_dict("list"), **recording.provenance})


def load_conditions(path: Path | None = None) -> ConditionRecording:
    """Read a recording; by default the one that ships with the package.

    Raises
    ------
    WorkbenchError
        When there is none, or the file is not one of `save_conditions`.
    """
    return read_arrays(path, PACKAGED, _of_arrays)


def _of_arrays(arrays: Arrays, facts: dict) -> ConditionRecording:
    quality = pd.DataFrame(facts.pop("quality"))
    trees = {tree: below(arrays, tree) for tree in _TREES}
    return ConditionRecording(steps=arrays["steps"], **trees, quality=quality, provenance=facts)
