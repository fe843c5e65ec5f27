"""Record what the live training of the app's Explain tab is to be expected to show: the same with other seeds.

Run ``python benchmarks/app_live_shortcut.py [--runs DIR]``; it trains what is not there yet, a minute or two each, and
writes ``apps/assets/live-shortcut.json``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import apps
from apps.live_shortcut import CURVES, SETTINGS, VARIANTS, live_recipe
from workbench.files import write_text
from workbench.runs.events import EventReader
from workbench.training import find_or_train_all

SEEDS = (1, 2)
FILE = Path(apps.__file__).parent / "assets" / "live-shortcut.json"


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of runs")
    runs = find_or_train_all(
        {(variant, seed): live_recipe(variant, seed) for variant in VARIANTS for seed in SEEDS},
        parser.parse_args().runs,
    )
    drawn: dict[str, dict] = {}
    for (variant, _), run in runs.items():
        reader = EventReader(run.events)
        reader.refresh()
        for curve in CURVES:
            steps, values, _ = reader.series(curve)
            known = drawn.setdefault(variant, {}).setdefault(curve, {"steps": steps.tolist(), "values": []})
            known["values"].append([round(float(value), 4) for value in values])
    commits = sorted({run.summary["provenance"]["commit"] or "" for run in runs.values()})
    facts = {"settings": list(SETTINGS), "seeds": list(SEEDS), "commit": ", ".join(commits), "curves": drawn}
    write_text(FILE, json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
