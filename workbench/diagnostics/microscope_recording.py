"""A recorded training to scrub through: one compact .npz of arrays with where they come from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.errors import WorkbenchError
from workbench.files import replacing

PACKAGED = "microscope.npz"
FORMAT = 1


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
    arrays["provenance"] = np.array(json.dumps({"format": FORMAT, **recording.provenance}))
    with replacing(path) as file:
        np.savez_compressed(file, **arrays)


def load_microscope(path: Path | None = None) -> MicroscopeRecording:
    """Read a recording; by default the one that ships with the package.

    Raises
    ------
    WorkbenchError
        When there is none, or the file is not one of `save_microscope`.
    """
    path = Path(str(files("workbench.diagnostics") / PACKAGED)) if path is None else Path(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        provenance = json.loads(str(arrays.pop("provenance")))
        if provenance.pop("format") != FORMAT:
            raise ValueError("another format")
        trees = {name: _below(arrays, name) for name in ("shared", "images", "spectra", "meters")}
        variants = list(provenance["variants"])
        return MicroscopeRecording(
            steps=arrays["steps"],
            frequency=arrays["frequency"],
            shared=trees["shared"],
            images={name: _below(trees["images"], name) for name in variants},
            spectra={name: trees["spectra"][name] for name in variants},
            meters={name: pd.DataFrame(_below(trees["meters"], name)) for name in variants},
            provenance=provenance,
        )
    except FileNotFoundError:
        raise WorkbenchError(f"{path}: missing; record it with: workbench package recordings") from None
    except Exception as error:  # whatever a damaged file makes NumPy, zipfile, zlib and json raise
        raise WorkbenchError(
            f"{path}: not a recording of this version; make one with: workbench package recordings"
        ) from error


def _below(arrays: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    return {key.removeprefix(f"{name}/"): value for key, value in arrays.items() if key.startswith(f"{name}/")}
