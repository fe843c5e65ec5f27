"""What the app's Monitor does at every look: list runs, read and draw curves."""

from __future__ import annotations

import tempfile
from pathlib import Path

from workbench.benching.measuring import Result, Settings, in_turn, rows_of

RUNS, POINTS = 300, 100_000


def run(settings: Settings, runs: int = RUNS, points: int = POINTS) -> Result:
    """List many runs, and read and draw one long curve, anew and once more."""
    from apps.curves import STEPS, figure
    from workbench.runs.events import EventReader
    from workbench.runs.states import Watcher

    with tempfile.TemporaryDirectory() as folder:
        write_runs(Path(folder), runs, points)
        read = EventReader(Path(folder) / "run-000" / "events")
        read.refresh()

        def drawn(reader: EventReader) -> None:
            figure({"run": reader}, ["loss/loss"], smoothing=0.6, log=False, axis=STEPS, columns=1).to_json()

        def anew() -> None:
            reader = EventReader(read.folder)
            reader.refresh()
            drawn(reader)

        contenders = {
            f"list {runs} runs": Watcher(Path(folder)).states,
            f"read and draw {points:,} points": anew,
            f"draw {points:,} points": lambda: drawn(read),
        }
        times = in_turn(contenders, settings)
    return Result("monitor", [row for name, each in times.items() for row in rows_of(name, {"": each})])


def write_runs(folder: Path, runs: int, points: int) -> None:
    """Run folders as training leaves them; the first has a curve of so many points."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    from workbench.recipes import load_recipe, save_recipe
    from workbench.runs.folder import Run

    recipe = load_recipe("denoise-pocket")
    for number in range(runs):
        run = Run(folder / f"run-{number:03d}")
        run.events.mkdir(parents=True)
        save_recipe(recipe, run.folder / "recipe.yaml")
        run.write_summary({"status": "finished", "steps": points, "method": recipe.method, "seed": number})
    with open(folder / "run-000" / "events" / "events.out.tfevents.0.bench", "wb") as file:
        writer = RecordWriter(file)
        for step in range(points):
            value = Summary.Value(tag="loss/loss", simple_value=1 / (1 + step))
            event = Event(step=step, wall_time=float(step), summary=Summary(value=[value]))
            writer.write(event.SerializeToString())
