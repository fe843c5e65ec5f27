"""``workbench data``: image libraries are imported inside the commands that need them, so that list answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from data_tools.outcome import Outcome

app = typer.Typer(
    help="Get data sets onto disk: list, prepare, check, cut, simulate.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)

Root = Annotated[
    Path | None, typer.Option("--root", metavar="DIR", help="Folder of all data sets [WORKBENCH_DATA, else ./data].")
]
Set = Annotated[str, typer.Argument(metavar="NAME", help="A data set or a part of it: gopro, gopro/test.")]


@app.command("list")
def list_(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show all that is known of this one.")] = None,
    root: Root = None,
) -> None:
    """List the data sets: what they are for, how to get them, which are there and how large they are."""
    from data_tools import listing

    for line in listing.overview(root) if name is None else listing.details(name, root):
        print(line)


@app.command()
def prepare(
    name: Set,
    from_path: Annotated[
        Path | None,
        typer.Option("--from", metavar="PATH", help="What you downloaded: an archive, or a folder, packed or not."),
    ] = None,
    root: Root = None,
) -> None:
    """Download a data set, or take what you downloaded, and lay it out as training and evaluation expect it."""
    from data_tools import listing
    from data_tools.prepare import prepare as make

    outcome = make(name, root, from_path)
    _say(outcome)
    kept = listing.kept_downloads(root)
    if from_path is None and kept is not None:
        typer.echo(kept, err=True)
    raise typer.Exit(0 if outcome.ok else 1)


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A prepared folder, or one of your own.")],
) -> None:
    """Read every image of a folder: numbers, partners, sizes, damaged files."""
    from data_tools.check import check as look_through

    outcome = look_through(folder)
    _say(outcome)
    raise typer.Exit(0 if outcome.ok else 1)


@app.command()
def cut(
    source: Annotated[Path, typer.Argument(metavar="DIR", help="A prepared folder, or one of your own.")],
    destination: Annotated[
        Path | None, typer.Argument(metavar="[OUTPUT]", help="Folder to make [DIR-patches, where recipes look].")
    ] = None,
    size: Annotated[int | None, typer.Option(help="Width of the patches in pixels.")] = None,
    overlap: Annotated[int | None, typer.Option(help="Pixels by which neighbours overlap.")] = None,
    larger_than: Annotated[
        int | None, typer.Option(help="Leave pictures whole unless both sides are larger than this.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Pictures worked on at a time [one a core].")] = None,
) -> None:
    """Cut large pictures into patches; call it again to go on after an interruption.

    For data sets that the papers cut, their settings are taken where none are given.
    """
    from data_tools.patches import choose_cut, cut_patches, patches_folder

    destination = destination or patches_folder(source)
    outcome = cut_patches(source, destination, choose_cut(source, size, overlap, larger_than), workers)
    _say(outcome)
    raise typer.Exit(0 if outcome.ok else 1)


@app.command()
def simulate(
    sources: Annotated[
        list[str], typer.Argument(metavar="DIR...", help="Clean pictures: folders of your own or dataset:NAME.")
    ],
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder to make, with input/ and target/.")],
    effect: Annotated[
        str | None,
        typer.Option(
            metavar="DEGRADATION",
            help="Before the camera, such as layered-rain or '{name: camera-shake, extent: [3, 12]}'.",
        ),
    ] = None,
    camera: Annotated[str, typer.Option(help="mild, standard, strong, textured or night.")] = "standard",
    size: Annotated[int, typer.Option(min=1, help="Largest height and width of a photograph in pixels.")] = 384,
    shots: Annotated[int | None, typer.Option(min=1, help="How many [each picture once].")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another one takes other photographs of the same pictures.")] = 0,
) -> None:
    """Photograph clean pictures with the simulated camera; call it again to go on after an interruption.

    The pairs are a target domain, or a test set, of any size. They are simulated, not real.
    """
    from workbench.data.simulation import simulate_pairs, simulation_of

    chosen = {"camera": camera, "size": size, "shots": shots, "seed": seed}
    count = simulate_pairs(simulation_of(sources, effect, **chosen), output)
    print(f"{output}: {count:,} {'pair' if count == 1 else 'pairs'}, simulated")


def _say(outcome: Outcome) -> None:
    for line in outcome.lines():
        print(line)
