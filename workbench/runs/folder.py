"""Run folders: what a training leaves on disk, and reading it back."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.files import find_files, read_json, read_text, write_json, write_text
from workbench.recipes import Recipe, load_recipe
from workbench.runs.checkpoints import read_checkpoint, read_snapshot
from workbench.runs.events import read_scalars

if TYPE_CHECKING:
    import pandas as pd

    from workbench.methods import Method
    from workbench.restorers import Restorer

FORMAT = 1
"""Of run folders: what a version of the workbench may not know is refused by this number."""


class Run:
    """A run folder.

    ``format`` (its version), ``recipe.yaml`` (fully resolved), ``data.json`` (digests of the folders it was trained
    on), ``summary.json``, ``restorer.safetensors`` with its card ``restorer.json``, ``checkpoints/last.ckpt`` and
    ``previous.ckpt``, ``snapshots/`` if the recipe asked for them, ``events/`` with TensorBoard event files, and
    ``evaluations/`` with what ``workbench evaluate`` measured.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def checkpoint(self) -> Path:
        """The newest checkpoint; may not exist yet."""
        return self.folder / "checkpoints" / "last.ckpt"

    @property
    def weights(self) -> Path:
        """The exported restorer; exists once the run has finished."""
        return self.folder / "restorer.safetensors"

    @property
    def events(self) -> Path:
        """Folder of the TensorBoard event files."""
        return self.folder / "events"

    @cached_property
    def recipe(self) -> Recipe:
        """The fully resolved recipe."""
        self._check_format()
        return load_recipe(self.folder)

    @property
    def summary(self) -> dict:
        """What ``summary.json`` says; empty before the run has written it."""
        return self._read("summary.json")

    @property
    def fingerprints(self) -> dict[str, str]:
        """Of its data's folders when it was begun (`workbench.data.fingerprints`); older runs do not tell."""
        return self._read("data.json")

    @property
    def finished(self) -> bool:
        """Whether the training reached its last step."""
        return self.summary.get("status") == "finished"

    @property
    def snapshot_folder(self) -> Path:
        """Where ``training.snapshot_every`` keeps weights during training."""
        return self.folder / "snapshots"

    @property
    def snapshots(self) -> dict[int, Path]:
        """The snapshots by step, rising; empty unless the recipe asked for them."""
        return {int(path.stem): path for path in find_files(self.snapshot_folder, "*.safetensors")}

    def method(self, step: int | None = None) -> Method:
        """The trained method with all its networks, in evaluation mode on the CPU.

        Parameters
        ----------
        step : int, optional
            One of `snapshots`; by default the newest checkpoint.

        Raises
        ------
        WorkbenchError
            When there is no such snapshot or no checkpoint, or its weights are not those of the recipe.
        """
        import torch  # and much with the methods: those who only list runs need not wait for them

        from workbench.methods import METHODS

        path = self.checkpoint if step is None else self.snapshots.get(step)
        if path is None:
            there = ", ".join(map(str, self.snapshots)) or "none; train with training.snapshot_every=N"
            raise WorkbenchError(f"{self.folder}: no snapshot of step {step}; there are: {there}")
        if not path.exists():
            raise WorkbenchError(f"{path}: missing; train the run first")
        try:
            state = read_checkpoint(path)["state_dict"] if step is None else read_snapshot(path)
            with torch.random.fork_rng(devices=[]):  # building draws weights; the caller's random numbers stay
                method = METHODS[self.recipe.method](self.recipe)
            method.load_state_dict(state)
        except WorkbenchError:
            raise
        except Exception as error:  # whatever a broken file makes torch, pickle or safetensors say
            raise WorkbenchError(
                f"{path}: cannot be read, or holds other weights than {self.name}/recipe.yaml"
            ) from error
        return method.eval()

    def restorer(self) -> Restorer:
        """The exported restorer, in evaluation mode."""
        from workbench.restorers import load_restorer

        return load_restorer(self.folder)[0]

    def scalars(self) -> pd.DataFrame:
        """All logged curves.

        Returns
        -------
        DataFrame
            Columns ``tag``, ``step``, ``value``, ``time`` (seconds since the epoch). A step that was logged twice, by
            an interrupted training and its continuation, keeps the later value.
        """
        return read_scalars(self.events)

    def write_format(self) -> None:
        """Write ``format``, replacing it in one step."""
        write_text(self.folder / "format", f"{FORMAT}\n")

    def write_summary(self, summary: dict) -> None:
        """Write ``summary.json``, replacing it in one step."""
        self._write("summary.json", summary)

    def write_fingerprints(self, fingerprints: dict[str, str]) -> None:
        """Write ``data.json``, replacing it in one step."""
        self._write("data.json", fingerprints)

    def _read(self, name: str) -> dict:
        self._check_format()
        try:
            return read_json(self.folder / name)
        except FileNotFoundError:
            return {}

    def _check_format(self) -> None:
        """Refuse what a later version has written; folders of before there was a number are of format 1."""
        try:
            found = read_text(self.folder / "format", longest=100).strip()
        except FileNotFoundError:
            return
        if found != str(FORMAT):
            raise WorkbenchError(
                f"{self.folder}: a run folder of format {found[:20]!r}; this version knows {FORMAT}, use a later one"
            )

    def _write(self, name: str, content: dict) -> None:
        write_json(self.folder / name, content)


def list_runs(runs: Path) -> list[Run]:
    """All run folders directly below a folder, sorted by name; warm starts are left out."""
    return [Run(path.parent) for path in sorted(Path(runs).glob("[!.]*/recipe.yaml"))]
