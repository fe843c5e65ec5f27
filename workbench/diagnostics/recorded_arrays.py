"""The file of a recording: one compact .npz of arrays, with facts as JSON beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import numpy as np

from workbench.errors import WorkbenchError
from workbench.files import replacing

FORMAT = 1
Arrays = dict[str, np.ndarray]
Recording = TypeVar("Recording")


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], facts: Mapping) -> None:
    """Write a recording, replacing the file in one step."""
    provenance = np.array(json.dumps({"format": FORMAT, **facts}))
    with replacing(path) as file:
        np.savez_compressed(file, **arrays, provenance=provenance)


def read_arrays(path: Path | None, packaged: str, build: Callable[[Arrays, dict], Recording]) -> Recording:
    """Read a recording.

    Parameters
    ----------
    path : Path or None
        None for the one that ships with the package.
    packaged : str
        Its name there.
    build : callable
        Makes the recording of its arrays and facts; whatever it raises means that the file is another one's.

    Raises
    ------
    WorkbenchError
        When there is none, or the file is damaged or not one of `write_arrays`.
    """
    path = Path(str(files("workbench.diagnostics") / packaged)) if path is None else Path(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        facts = json.loads(str(arrays.pop("provenance")))
        if facts.pop("format") != FORMAT:
            raise ValueError("another format")
        return build(arrays, facts)
    except FileNotFoundError:
        raise WorkbenchError(f"{path}: missing; record it with: workbench package recordings") from None
    except Exception as error:  # whatever a damaged file makes NumPy, zipfile, zlib and json raise
        raise WorkbenchError(
            f"{path}: not a recording of this version; make one with: workbench package recordings"
        ) from error


def below(arrays: Arrays, name: str) -> Arrays:
    """The arrays whose names begin with ``name/``, without it."""
    return {key.removeprefix(f"{name}/"): value for key, value in arrays.items() if key.startswith(f"{name}/")}
