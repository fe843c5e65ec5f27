"""The app, and the demo that ends in it. What they need is imported inside of them."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.shared import JsonFile, Runs, write_result


def demo(
    no_app: Annotated[bool, typer.Option("--no-app", help="End after the table.")] = False,
    json_file: JsonFile = None,
    runs: Runs = Path("runs"),
    seed: Annotated[int, typer.Option(help="Seed of both runs.")] = 0,
) -> None:
    """The main job: train vanilla and guarded from the same seed, compare them, open the app."""
    from workbench.demo import run_demo

    result = run_demo(runs, seed)
    if json_file is not None:
        write_result(json_file, result)
    if not no_app:
        app_command(runs=runs)


def app_command(
    runs: Runs = Path("runs"),
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to serve on.")] = 7860,
    auth: Annotated[
        str | None,
        typer.Option(
            metavar="USER:PASSWORD",
            envvar="WORKBENCH_AUTH",
            show_envvar=True,
            help="Ask for a password; in the environment it is not in the list of processes.",
        ),
    ] = None,
) -> None:
    """Open the app: compare restorers on your own photographs, watch trainings, look results up."""
    gc.disable()  # all of it stays: to look through it for what does not takes a tenth of the time
    from apps.main import serve

    gc.enable()
    serve(runs, host=host, port=port, auth=auth)
