"""`workbench bench`. Imports torch only inside the benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME...]",
            help="step, data, restore, listing, monitor, app: all if none is given. smoke: every method and restorer, a"
            " few steps. gpu: all that is measured on a GPU, in order, within 40 minutes.",
        ),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Rounds that are measured.")] = 9,
    warm_up: Annotated[int, typer.Option(min=0, help="Rounds before them.")] = 2,
    threads: Annotated[int, typer.Option(min=1, help="Torch's threads on a CPU.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    scales: Annotated[str, typer.Option(help="Of step and data: pocket, bench, paper, joined by commas.")] = "pocket",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value of their recipes.")
    ] = None,
    restorers: Annotated[
        str, typer.Option(help="Of restore: names of `workbench restorers`, joined by commas.")
    ] = "denoise-photographs-pocket-adapted",
    megapixels: Annotated[str, typer.Option(help="Of restore: sizes, joined by commas.")] = "0.25,2",
    compiled: Annotated[bool, typer.Option("--compile", help="Measure compiled networks in step as well.")] = False,
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for NAME.json.")] = Path("runs/bench"),
    planned: Annotated[bool, typer.Option("--plan", help="Print the commands of gpu, and end.")] = False,
) -> None:
    """Measure how fast the workbench is here; see docs/performance.md for how to read it."""
    from workbench.benching.command import run_benchmarks
    from workbench.benching.measuring import Settings
    from workbench.errors import WorkbenchError

    if planned or names == ["gpu"]:
        from workbench.benching.gpu import plan, run_plan

        parts = plan(output, "cuda" if device == "auto" else device)
        if planned:
            print("\n".join(map(str, parts)))
        elif failed := run_plan(parts, output):
            said = "; ".join(f"{failure['name']}: {failure['reason']}" for failure in failed)
            raise WorkbenchError(f"bench gpu: {said}")
        return
    try:
        sizes = tuple(float(size) for size in megapixels.split(","))
        if not all(0 < size < 1000 for size in sizes):
            raise ValueError
    except ValueError:
        raise WorkbenchError(f"--megapixels {megapixels}: give sizes such as 0.25,2,12") from None
    chosen = Settings(
        repeats=repeats,
        warm_up=warm_up,
        threads=threads,
        device=device,
        scales=tuple(scales.split(",")),
        changes=tuple(settings or ()),
        restorers=tuple(restorers.split(",")),
        megapixels=sizes,
        compiled=compiled,
    )
    for file in run_benchmarks(names or [], chosen, output):
        print(file)
