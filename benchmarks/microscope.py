"""Record the training microscope: train without and with the means against the shortcut, measure every snapshot.

Writes workbench/diagnostics/microscope.npz, and beside it conditions.npz: what the same networks predict with switched
conditions, and Fig. 1(a). The app ships both. Runs that are there already are reused. With --pictures only the pictures
are made again, from the runs that were recorded; the numbers stay.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from workbench.diagnostics import condition_recording, microscope
from workbench.diagnostics.condition_recording import PACKAGED as CONDITIONS
from workbench.diagnostics.condition_recording import load_conditions, record_conditions, save_conditions
from workbench.diagnostics.recording import PACKAGED, load_recording, save_recording
from workbench.probes.condition_quality import ALL_BANDS
from workbench.progress import progress_bar
from workbench.recipes import load_recipe
from workbench.training import fit

VARIANTS = {
    "nothing": ("neither shuffle nor swap", "denoise-pocket+table4-d"),
    "cs": ("channel shuffle", "denoise-pocket+table4-e"),
    "cs-rs": ("channel shuffle and residual swap", "denoise-pocket"),
}
CRITIC = "condition-quality-pocket"
# Five times the recipe's own ceiling: what the diffusion loss does to real images shows within 450 steps.
SETTINGS = ["options.noise-space.ceiling=5", "training.snapshot_every=50"]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/microscope"))
    parser.add_argument("--output", type=Path, default=Path("workbench/diagnostics") / PACKAGED)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--critic-set", dest="critic_settings", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--pictures", action="store_true")
    arguments = parser.parse_args()
    runs = {}
    for variant, (title, name) in VARIANTS.items():
        recipe = load_recipe(name, [*SETTINGS, *arguments.settings], seed=arguments.seed)
        runs[variant] = title, fit(recipe, arguments.runs, resume=True)
    critic = fit(load_recipe(CRITIC, arguments.critic_settings, seed=arguments.seed), arguments.runs, resume=True)
    conditions_output = arguments.output.with_name(CONDITIONS)
    if arguments.pictures:
        recording = microscope.picture_anew(load_recording(arguments.output), runs, seed=arguments.seed)
        conditions = load_conditions(conditions_output)
        conditions = condition_recording.picture_anew(conditions, runs, critic, seed=arguments.seed)
    else:
        snapshots = sum(len(run.snapshots) for _, run in runs.values())
        with progress_bar(snapshots, "measure", "snapshot") as bar:
            recording = microscope.record(runs, seed=arguments.seed, report=lambda variant, step: bar.update())
        with progress_bar(snapshots, "switch", "snapshot") as bar:
            conditions = record_conditions(runs, critic, seed=arguments.seed, report=bar.update)
    save_recording(recording, arguments.output)
    save_conditions(conditions, conditions_output)
    for variant, table in recording.meters.items():
        print(f"\n{recording.variants[variant]}\n{table.round(3).to_string(index=False)}")
    quality = conditions.quality
    print(f"\n{quality[quality.band == ALL_BANDS].round(4).to_string(index=False)}\n")
    for path in (arguments.output, conditions_output):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
