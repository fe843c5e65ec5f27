"""What commands share: arguments, writing numbers to a file, and how a command ends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.files import make_folder, write_json
from workbench.terminal import say

Runs = Annotated[Path, typer.Option("--runs", help="Folder of run folders.")]
Restorer = Annotated[
    Path,
    typer.Argument(
        metavar="RUN|RESTORER", help="A run folder, a restorer.safetensors file, or a name of `workbench restorers`."
    ),
]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="KEY=VALUE", help="An option of the restorer, such as steps=10; may be repeated."),
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Tile = Annotated[int | None, typer.Option(min=1, help="Side of the tiles in pixels; chosen by itself if not given.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value, such as data.target=DIR.")
]
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers there.")]
Protocol = Annotated[str, typer.Option(help="rgb, y, blocks, blocks-volume or rgb-ecc.")]
Processes = Annotated[int | None, typer.Option(min=1, help="How many runs at a time; one a core, or a GPU.")]


def write_result(path: Path, content: dict) -> None:
    """Write a command's numbers as JSON."""
    make_folder(path.parent)
    write_json(path, content)


def finish(failed: list[dict]) -> None:
    """Name the inputs that failed, one line each, and leave with status 1 if there are any."""
    for failure in failed:
        say(f"{failure['name']}: {failure['reason']}")
    if failed:
        raise typer.Exit(1)
