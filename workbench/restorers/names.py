"""Where restorers are: run folders, files, and those that come with the package, which have names; their kinds by name.

Without torch: what only lists or shows them need not wait for it.
"""

from __future__ import annotations

import difflib
from pathlib import Path

import workbench
from workbench.errors import WorkbenchError

PACKAGED = Path(workbench.__file__).parent / "packaged"
"""Restorers that come with the package."""
SAMPLING = frozenset({"drdd", "drdd-residual", "drdd-noise", "entangled", "rddm", "ir-sde"})
"""The kinds of this package that go from state to state, with noise that a seed decides."""
OTHER_KINDS = frozenset({
    "one-pass", "per-image", "blind-spot", "masked", "nlm", "tv", "bm3d", "equalise", "direct",
})  # fmt: skip


def packaged() -> dict[str, Path]:
    """The restorers that come with the package: their weights by name."""
    return {path.stem: path for path in sorted(PACKAGED.glob("*.safetensors"), key=lambda path: path.stem)}


def samples(kind: str) -> bool:
    """Whether restorers of a kind go from state to state, with noise that a seed decides."""
    if kind in SAMPLING or kind in OTHER_KINDS:
        return kind in SAMPLING
    from workbench.restorers.kinds import KINDS
    from workbench.restorers.residual_diffusion import Sampling

    return issubclass(KINDS[kind], Sampling)


def find(place: str | Path) -> Path:
    """The weights of a restorer.

    Parameters
    ----------
    place : str or Path
        A ``.safetensors`` file or its card, a run folder, or the name of a packaged restorer; a file or folder of that
        name comes first.

    Raises
    ------
    WorkbenchError
        There is none.
    """
    path = Path(place)
    if not path.exists() and str(place) in (known := packaged()):
        return known[str(place)]
    if path.suffix in {".pth", ".pt", ".ckpt"} and path.is_file():
        raise WorkbenchError(f"{path}: not safetensors; convert it first with `workbench import-official {path}`")
    if path.is_dir():
        path = path / "restorer.safetensors"
    if path.suffix == ".json":
        path = path.with_suffix(".safetensors")
    if not path.is_file():
        near = difflib.get_close_matches(str(place), packaged(), n=1)
        meant = f"; is {near[0]} meant?" if near else ""
        raise WorkbenchError(
            f"{path}: no restorer here; give a finished run folder, a restorer.safetensors file or a name of"
            f" `workbench restorers`{meant}"
        )
    return path
