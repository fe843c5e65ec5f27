"""`workbench package`: what maintainers of the package call. Imports torch only inside the commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.errors import WorkbenchError

app = typer.Typer(no_args_is_help=True)
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Of all recipes.")]


@app.command()
def restorer(
    name: Annotated[str, typer.Argument(help="The same in every table that shows it.")],
    run: Annotated[Path, typer.Argument(help="A finished run.")],
    tests: Annotated[list[str], typer.Option("--test", metavar="NAME=LOCATION", help="A test set; may be repeated.")],
    source: Annotated[str, typer.Option(help="The clean training pictures, in words.")],
    target: Annotated[str, typer.Option(help="The target domain, in words; 'none' for vanilla.")],
    licence: Annotated[str, typer.Option(help="What the training pictures' licences ask for.")],
    note: Annotated[str | None, typer.Option(help="What else a user should know.")] = None,
    protocol: Annotated[str, typer.Option(help="Of the measurement.")] = "rgb",
) -> None:
    """Make a run's restorer one that comes with the package, measured and with its card."""
    from workbench.packaging.restorer import package_restorer
    from workbench.runs.folder import Run

    locations = dict(test.partition("=")[::2] for test in tests)
    if not all(locations.values()):
        raise WorkbenchError("--test: write NAME=LOCATION")
    print(package_restorer(name, Run(run), locations, source, target, licence, protocol, note))


@app.command()
def warm_start(
    name: Annotated[str, typer.Argument(help="Of the recipe that begins with it.")],
    run: Annotated[Path, typer.Argument(help="A finished run in RUNS/.warm-starts.")],
) -> None:
    """Make a warm start come with the package: trainings of its recipe and seed begin with it."""
    from workbench.packaging.warm_start import package_warm_start
    from workbench.runs.folder import Run

    print(package_warm_start(name, Run(run)))


@app.command()
def classical() -> None:
    """Make restorers that need no training come with the package: nlm, tv, bm3d and equalise."""
    from workbench.packaging.classical import package_classical

    print(*package_classical(), sep="\n")


@app.command()
def example() -> None:
    """Restore the example of the app's first screen by restorers that come with the package."""
    from workbench.packaging.example import package_example

    print(*package_example(), sep="\n")


@app.command()
def recordings(
    runs: Annotated[Path, typer.Option(help="Folder of run folders.")] = Path("runs/microscope"),
    output: Annotated[Path | None, typer.Option(help="Of the microscope; if not given, the package's.")] = None,
    seed: int = 0,
    settings: Settings = None,
    critic_settings: Annotated[
        list[str] | None, typer.Option("--critic-set", metavar="KEY=VALUE", help="The same for the second network.")
    ] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Only the pictures, from the runs that were recorded; the numbers stay.")
    ] = False,
) -> None:
    """Train and record what the app's Explain tab shows; some twenty minutes on two cores."""
    from workbench.packaging.recordings import PACKAGED_FILE, build_recordings

    print(build_recordings(runs, output or PACKAGED_FILE, seed, settings or [], critic_settings or [], pictures))
