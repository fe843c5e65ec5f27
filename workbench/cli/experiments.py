"""Commands that train and compare. torch is imported inside of them: the others answer at once."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.shared import Processes, Protocol, Runs, Settings, finish
from workbench.errors import WorkbenchError
from workbench.terminal import say


def recipes() -> None:
    """List the packaged recipes."""
    from workbench.recipes import available
    from workbench.tabular import as_text

    lines = [(recipe.name, recipe.scale, recipe.method, recipe.description) for recipe in available()]
    print(as_text([("recipe", "scale", "method", "what it trains"), *lines], right=()))


def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A packaged recipe's name or a YAML file.")],
    method: Annotated[str | None, typer.Option(help="Training method instead of the recipe's.")] = None,
    settings: Settings = None,
    runs: Runs = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of the run folder.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed instead of the recipe's.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the last checkpoint.")] = False,
) -> None:
    """Train a recipe into a run folder."""
    signal.signal(signal.SIGTERM, _terminated)  # until `fit` takes it: torch takes its time
    from workbench.recipes import load_recipe

    resolved = load_recipe(recipe, settings or (), method=method, seed=seed)

    from workbench.training import fit

    run = fit(resolved, runs, name, resume=resume)
    measured = run.summary["validation"]
    scores = [
        f"{domain} {measured[f'{domain}_psnr']:.2f} dB on {measured[f'{domain}_images']} held-out pictures"
        for domain in ("target", "source")
        if measured.get(f"{domain}_psnr") is not None
    ]
    told = f"; {', '.join(scores)}" if scores else ""
    print(f"{run.folder}: {run.summary['steps']} steps in {run.summary['seconds']:.0f} s{told}")


def compare(
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK",
            help="A packaged recipe's name without its scale, such as denoise or drdd-denoise; or a YAML file.",
        ),
    ],
    scale: Annotated[str, typer.Option(help="pocket, desk (denoise alone), bench or paper.")] = "pocket",
    methods: Annotated[
        str | None,
        typer.Option(
            help="Names, joined by commas, also with variants, as in noise-space+guarded or drdd+drdd-known-noise. If"
            " not given: all that are for the task."
        ),
    ] = None,
    controls: Annotated[
        str, typer.Option(help="Which of vanilla, vanilla-early and oracle to add; '' for none.")
    ] = "vanilla,vanilla-early,oracle",
    seeds: Annotated[str, typer.Option(help="Numbers, joined by commas.")] = "0,1,2",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value for all methods.")
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LOCATION",
            help="A test set, as for `evaluate`; may be repeated. If not given: the held-out pairs of both domains.",
        ),
    ] = None,
    protocol: Protocol = "rgb",
    runs: Runs = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of the folder of the tables.")] = None,
    processes: Processes = None,
    form: Annotated[str, typer.Option("--format", help="text, md, json or csv: what is printed.")] = "text",
) -> None:
    """Train methods on equal terms, or reuse their runs, and measure them; call it again to go on where it stopped."""
    from workbench.comparison.command import compare as run_comparison
    from workbench.comparison.command import make_grid

    chosen = None if methods is None else methods.split(",")
    grid = make_grid(
        task, scale, chosen, controls.split(","), seeds.split(","), settings or [], data or [], protocol, runs
    )
    printed, failures = run_comparison(grid, processes, name, form)
    print(printed)
    finish([{"name": failure.name, "reason": failure.reason} for failure in failures])


def study(
    name: Annotated[str | None, typer.Argument(help="A name of --list; or a YAML file.")] = None,
    runs: Annotated[Path | None, typer.Option(help="Folder of run folders; if not given, runs/NAME.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="CSV file to bring up to date; if not given, NAME.csv beside the runs.")
    ] = None,
    cells: Annotated[str | None, typer.Option(help="Only these, joined by commas.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Numbers, joined by commas; if not given, the study's.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value for all cells.")
    ] = None,
    measure_only: Annotated[bool, typer.Option("--measure-only", help="Train nothing, measure what is there.")] = False,
    processes: Processes = None,
    listed: Annotated[bool, typer.Option("--list", help="Name the studies.")] = False,
) -> None:
    """Train and measure a declared study, or go on with it; its CSV file has a row for each run and test set."""
    from workbench.studies.command import list_studies, study_command

    if listed or name is None:
        print(list_studies())
        return
    printed, failures = study_command(name, runs, output, cells, seeds, settings or [], not measure_only, processes)
    print(printed)
    finish([{"name": failure.name, "reason": failure.reason} for failure in failures])


def tables(
    table: Annotated[str | None, typer.Option(help="Only this table, such as 4 or A1.")] = None,
    paper: Annotated[str, typer.Option(help="noise-da or drdd.")] = "noise-da",
    form: Annotated[str, typer.Option("--format", help="text, md, latex or csv.")] = "text",
    runs: Annotated[Path | None, typer.Option(help="Folder of run folders; if not given, runs/.")] = None,
) -> None:
    """The papers' tables, with the numbers of the runs that `evaluate` has measured beside them."""
    from data_tools.catalogue import tasks
    from workbench.papers.formats import render
    from workbench.papers.tables import of_unknown_purpose, table_lines
    from workbench.runs.measurements import find_measurements

    if runs is not None and not runs.is_dir():
        raise WorkbenchError(f"--runs {runs}: no such folder")
    found = find_measurements(runs or Path("runs"))
    print(render(table_lines(paper, table, found.measurements, tasks()), form))
    if unknown := of_unknown_purpose(found.measurements, tasks()):
        print(f"workbench: left out, for nobody says what the pictures are for: {', '.join(unknown)}", file=sys.stderr)
    if found.unmeasured:
        names = ", ".join(str(run) for run in found.unmeasured[:3]) + (", ..." if len(found.unmeasured) > 3 else "")
        print(
            f"workbench: not measured yet ({len(found.unmeasured)}): {names}; use `workbench evaluate RUN --data DIR`",
            file=sys.stderr,
        )
    finish(found.failed)


def _terminated(number: int, _frame) -> None:
    say("stopped by SIGTERM before anything was trained")
    os._exit(128 + number)  # an exception may be raised where Python drops it, in the midst of an import
