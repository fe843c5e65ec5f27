"""All commands, from a module for each group of them. They import torch only where they need it."""

from __future__ import annotations

from typing import Annotated

import typer

from data_tools.cli import app as data_app
from workbench import __version__
from workbench.benching.cli import bench
from workbench.cli import experiments, networks, restoring, serving
from workbench.packaging.cli import app as package_app

app = typer.Typer(
    help="Noise-space domain adaptation of image restoration: train, adapt, compare.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(data_app, name="data", help="Get data sets onto disk: list, prepare, check.")
export_app = typer.Typer(no_args_is_help=True)
app.add_typer(
    package_app, name="package", help="Build what comes with the package: restorers, recordings, the example."
)
app.add_typer(export_app, name="export", help="Write results in the form that others ask for.")
for command in (
    experiments.recipes, experiments.train, restoring.evaluate, experiments.compare, experiments.study,
    experiments.tables, restoring.restore, restoring.restorers, networks.import_official, networks.assemble,
    networks.complexity, bench, serving.demo,
):  # fmt: skip
    app.command()(command)
app.command("app")(serving.app_command)
export_app.command()(restoring.dnd)
export_app.command()(restoring.onnx)
export_app.command("torch")(restoring.torch_program)


def _version(show: bool) -> None:
    if show:
        print(__version__)
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    pass


@export_app.callback()
def _export() -> None:
    pass  # with one command alone, typer would take the group for that command
