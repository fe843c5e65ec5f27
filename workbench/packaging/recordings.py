"""Record the training microscope: train without and with the means against the shortcut, measure every snapshot.

Writes ``microscope.npz``, and beside it ``conditions.npz``: what the same networks predict with switched conditions,
and Fig. 1(a). The app ships both. Runs that are there already are reused.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from workbench.diagnostics import microscope, switching
from workbench.diagnostics.condition_recording import PACKAGED as CONDITIONS
from workbench.diagnostics.condition_recording import load_conditions, save_conditions
from workbench.diagnostics.microscope_recording import PACKAGED, load_microscope, save_microscope
from workbench.diagnostics.switching import measure_conditions
from workbench.probes.bands import ALL_BANDS
from workbench.progress import progress_bar
from workbench.recipes import load_recipe
from workbench.training import fit

VARIANTS = {
    "nothing": ("neither shuffle nor swap", "denoise-pocket+table4-d"),
    "cs": ("channel shuffle", "denoise-pocket+table4-e"),
    "cs-rs": ("channel shuffle and residual swap", "denoise-pocket"),
}
PACKAGED_FILE = Path(str(files("workbench.diagnostics"))) / PACKAGED
CRITIC = "condition-quality-pocket"
# Five times the recipe's own ceiling: what the diffusion loss does to real images shows within 450 steps.
SETTINGS = ["options.noise-space.ceiling=5", "training.snapshot_every=50"]


def build_recordings(
    runs: Path,
    output: Path,
    seed: int = 0,
    settings: Sequence[str] = (),
    critic_settings: Sequence[str] = (),
    pictures_only: bool = False,
) -> str:
    """Train what is missing, measure it and write the two recordings; returns what was measured, to print.

    Parameters
    ----------
    runs : Path
        Folder of run folders.
    output : Path
        The microscope's file; that of the conditions goes beside it.
    seed : int
    settings, critic_settings : sequence of str
        ``KEY=VALUE`` changes of the recipes of the three variants, and of the other network's.
    pictures_only : bool
        Make the pictures again, from the runs that were recorded; the numbers stay.

    Raises
    ------
    WorkbenchError
        A recipe is wrong, or the runs are not those that were recorded.
    """
    trained = {}
    for variant, (title, name) in VARIANTS.items():
        recipe = load_recipe(name, [*SETTINGS, *settings], seed=seed)
        trained[variant] = title, fit(recipe, runs, resume=True)
    critic = fit(load_recipe(CRITIC, critic_settings, seed=seed), runs, resume=True)
    conditions_output = output.with_name(CONDITIONS)
    if pictures_only:
        recording = microscope.picture_anew(load_microscope(output), trained, seed=seed)
        conditions = load_conditions(conditions_output)
        conditions = switching.picture_anew(conditions, trained, critic, seed=seed)
    else:
        snapshots = sum(len(run.snapshots) for _, run in trained.values())
        with progress_bar(snapshots, "measure", "snapshot") as bar:
            recording = microscope.measure_snapshots(trained, seed=seed, progress=lambda variant, step: bar.update())
        with progress_bar(snapshots, "switch", "snapshot") as bar:
            conditions = measure_conditions(trained, critic, seed=seed, progress=bar.update)
    save_microscope(recording, output)
    save_conditions(conditions, conditions_output)
    parts = [f"{recording.variants[name]}\n{table.round(3).to_string(index=False)}"
             for name, table in recording.meters.items()]  # fmt: skip
    quality = conditions.quality
    parts.append(quality[quality.band == ALL_BANDS].round(4).to_string(index=False))
    sizes = [f"{path}: {path.stat().st_size / 1e6:.2f} MB" for path in (output, conditions_output)]
    return "\n\n".join([*parts, "\n".join(sizes)])
