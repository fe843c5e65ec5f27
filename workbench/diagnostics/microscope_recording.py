"""A recorded training to scrub through: one compact .npz of arrays with where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.diagnostics.recorded_arrays import Arrays, below, read_arrays, write_arrays

PACKAGED = "microscope.npz"
TIMESTEP = 100
"""At which errors are measured and noise is predicted."""
NOISE_RANGE = 3.0
"""Pictures of noise show -3..3."""


@dataclass(frozen=True)
class MicroscopeRecording:
    """What several variants of one training did, snapshot by snapshot.

    Parameters
    ----------
    steps : ndarray, shape (S,)
        Training steps of the snapshots, head start included; the same for all variants.
    frequency : ndarray, shape (F,)
        Of the spectra, in cycles a pixel.
    shared : dict of str to ndarray
        What does not change: pictures ``clean``, ``degraded``, ``target``, ``reference`` (P, P, 3), the true ``noise``
        (P, P), uint8; spectra ``target_spectrum``, ``reference_spectrum`` (F,) of the camera's photographs and their
        references.
    images : dict of str to dict of str to ndarray
        By variant: ``source``, ``target`` (S, P, P, 3), the restored pictures, and ``predicted_noise`` (S, P, P), the
        mean over channels; uint8. Noise maps -3..3 to 0..255.
    spectra : dict of str to ndarray, shape (S, F)
        By variant: power density in dB of the restored target patches, mean over patches; 0 dB is white noise of a
        standard deviation of 1/255.
    meters : dict of str to DataFrame
        By variant a row for each step; columns are told in `workbench.diagnostics.microscope`.
    provenance : dict
        ``variants`` ({name: {"title", "recipe", "settings", "commit", ...}}), and how it was measured.
    """

    steps: np.ndarray
    frequency: np.ndarray
    shared: dict[str, np.ndarray]
    images: dict[str, dict[str, np.ndarray]]
    spectra: dict[str, np.ndarray]
    meters: dict[str, pd.DataFrame]
    provenance: dict

    @property
    def variants(self) -> dict[str, str]:
        """The variants' names and titles."""
        return {name: facts["title"] for name, facts in self.provenance["variants"].items()}


def save_microscope(recording: MicroscopeRecording, path: Path) -> None:
    """Write a recording, replacing the file in one step."""
    arrays = {"steps": recording.steps, "frequency": recording.frequency}
    arrays |= {f"shared/{name}": value for name, value in recording.shared.items()}
    for variant in recording.variants:
        arrays |= {f"images/{variant}/{name}": value for name, value in recording.images[variant].items()}
        arrays[f"spectra/{variant}"] = recording.spectra[variant].astype(np.float32)
        table = recording.meters[variant]
        arrays |= {f"meters/{variant}/{name}": table[name].to_numpy(np.float32) for name in table}
    write_arrays(path, arrays, recording.provenance)


def load_microscope(path: Path | None = None) -> MicroscopeRecording:
    """Read a recording; by default the one that ships with the package.

    Raises
    ------
    WorkbenchError
        When there is none, or the file is not one of `save_microscope`.
    """
    return read_arrays(path, PACKAGED, _of_arrays)


def _of_arrays(arrays: Arrays, provenance: dict) -> MicroscopeRecording:
    trees = {name: below(arrays, name) for name in ("shared", "images", "spectra", "meters")}
    variants = list(provenance["variants"])
    return MicroscopeRecording(
        steps=arrays["steps"],
        frequency=arrays["frequency"],
        shared=trees["shared"],
        images={name: below(trees["images"], name) for name in variants},
        spectra={name: trees["spectra"][name] for name in variants},
        meters={name: pd.DataFrame(below(trees["meters"], name)) for name in variants},
        provenance=provenance,
    )
