"""The command line. torch is imported inside the commands that need it, so that the others answer at once."""

from __future__ import annotations

import math
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from data_tools.cli import app as data_app
from workbench import __version__
from workbench.benching.cli import bench
from workbench.errors import WorkbenchError
from workbench.files import make_folder, write_json
from workbench.packaging.cli import app as package_app
from workbench.recipes import available, load_recipe
from workbench.terminal import run_command, say

app = typer.Typer(
    help="Noise-space domain adaptation of image restoration: train, adapt, compare.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(data_app, name="data", help="Get data sets onto disk: list, prepare, check.")
export_app = typer.Typer(no_args_is_help=True)
app.add_typer(package_app, name="package", help="Build what comes with the package: restorers, recordings.")
app.command()(bench)
app.add_typer(export_app, name="export", help="Write results in the form that others ask for.")

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


@app.command()
def recipes() -> None:
    """List the packaged recipes."""
    for recipe in available():
        print(f"{recipe.name:<20} {recipe.scale:<7} {recipe.method:<12} {recipe.description}")


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A packaged recipe's name or a YAML file.")],
    method: Annotated[str | None, typer.Option(help="Training method instead of the recipe's.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a value, such as data.target=DIR.")
    ] = None,
    runs: Runs = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of the run folder.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed instead of the recipe's.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the last checkpoint.")] = False,
) -> None:
    """Train a recipe into a run folder."""
    signal.signal(signal.SIGTERM, _terminated)  # until `fit` takes it: torch takes its time
    resolved = load_recipe(recipe, settings or (), method=method, seed=seed)

    from workbench.training import fit

    run = fit(resolved, runs, name, resume=resume)
    measured = run.summary["validation"]
    scores = [
        f"{domain} {measured[f'{domain}_psnr']:.2f} dB on {measured[f'{domain}_images']} held-out pictures"
        for domain in ("target", "source")
        if measured.get(f"{domain}_psnr") is not None
    ]
    print(f"{run.folder}: {run.summary['steps']} steps in {run.summary['seconds']:.0f} s; {', '.join(scores)}")


@app.command()
def evaluate(
    restorer: Restorer,
    data: Annotated[
        str,
        typer.Option(
            metavar="DIR",
            help="Folder with input/ and target/ of equal names, or with SIDD's two .mat files of validation blocks;"
            " dataset:NAME; or simulated-camera, simulated-rain, simulated-shake.",
        ),
    ],
    protocol: Annotated[str, typer.Option(help="rgb, y, blocks, blocks-volume or rgb-ecc.")] = "rgb",
    metrics: Annotated[str, typer.Option(help="What to measure, joined by commas.")] = "psnr,ssim,lpips",
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers there.")] = None,
    options: Options = None,
    tile: Tile = None,
    device: Device = "auto",
) -> None:
    """Measure a restorer on pairs of degraded and clean images; a run keeps the result, for `workbench tables`."""
    from workbench.devices import choose_device
    from workbench.evaluation import format_result, get_protocol
    from workbench.evaluation.sets import open_set
    from workbench.progress import late_bar
    from workbench.restorers import load_restorer, parse_options
    from workbench.runs.evaluations import run_folder, save_evaluation
    from workbench.runs.provenance import provenance

    get_protocol(protocol)
    chosen = choose_device(device)
    run = run_folder(restorer)
    test_set = open_set(data, run)
    own, _ = load_restorer(restorer)
    asked = own.with_options(parse_options(options or []))
    measured = [name.strip() for name in metrics.split(",") if name.strip()]
    progress = late_bar("restoring")
    result = test_set.evaluate(lambda image: asked.restore(image, tile, chosen, progress), protocol, metrics=measured)
    print(format_result(result))
    if json_file is not None:
        _write(json_file, result)
    if run is not None and result["images"]:
        print(f"kept in {save_evaluation(run, test_set, result, provenance(), asked.changes(own))}")
    _finish(result["failed"])


@app.command()
def compare(
    task: Annotated[str, typer.Argument(metavar="TASK", help="denoise, derain or deblur; or a recipe's YAML file.")],
    scale: Annotated[str, typer.Option(help="pocket, desk (denoise alone), bench or paper.")] = "pocket",
    methods: Annotated[
        str | None,
        typer.Option(
            help="Names, joined by commas; noise-space also with variants, as in noise-space+guarded. If not given: all"
            " that are for the task."
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
    protocol: Annotated[str, typer.Option(help="rgb, y, blocks, blocks-volume or rgb-ecc.")] = "rgb",
    runs: Runs = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Name of the folder of the tables.")] = None,
    processes: Annotated[int | None, typer.Option(min=1, help="How many runs at a time; one a core, or a GPU.")] = None,
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
    _finish([{"name": failure.name, "reason": failure.reason} for failure in failures])


@app.command()
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
    processes: Annotated[int | None, typer.Option(min=1, help="How many runs at a time; one a core, or a GPU.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="Name the studies.")] = False,
) -> None:
    """Train and measure a declared study, or go on with it; its CSV file has a row for each run and test set."""
    from workbench.studies.command import list_studies, study_command

    if listed or name is None:
        print(list_studies())
        return
    path, failures = study_command(name, runs, output, cells, seeds, settings or [], not measure_only, processes)
    print(path)
    _finish([{"name": failure.name, "reason": failure.reason} for failure in failures])


@app.command()
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
    _finish(found.failed)


@app.command()
def restore(
    restorer: Restorer,
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Image files or folders.")],
    output: Annotated[Path, typer.Option(help="Folder for the restored PNG files.")],
    options: Options = None,
    tile: Tile = None,
    device: Device = "auto",
) -> None:
    """Restore images of any size; 16 bits stay 16 bits."""
    from workbench.devices import choose_device
    from workbench.progress import late_bar
    from workbench.restore import restore_files
    from workbench.restorers import load_restorer, parse_options

    chosen = choose_device(device)
    loaded, _ = load_restorer(restorer, parse_options(options or []))
    failed = restore_files(
        loaded, inputs, output, tile, chosen, lambda path, file: print(f"{path} -> {file}"), late_bar("restoring")
    )
    _finish(failed)


@app.command()
def restorers(
    runs: Annotated[
        Path | None, typer.Option("--runs", help="Folder of run folders, to list their restorers too.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """List the restorers that come with the package, and those of runs."""
    if form not in ("text", "json"):
        raise WorkbenchError(f"--format {form}: choose text or json")
    if runs is not None and not runs.is_dir():
        raise WorkbenchError(f"--runs {runs}: no such folder")

    from workbench.restorers.listing import describe, format_list, to_json
    from workbench.restorers.names import packaged
    from workbench.runs import list_runs

    found = [(name, weights, None) for name, weights in packaged().items()]
    if runs is not None:
        found += [(str(run.folder), run.weights, run) for run in list_runs(runs) if run.weights.is_file()]
    listed, failed = [], []
    for name, weights, run in found:
        try:
            listed.append(describe(name, weights, run and run.recipe.task))
        except WorkbenchError as error:
            failed.append({"name": name, "reason": str(error)})
    print(to_json(listed) if form == "json" else format_list(listed))
    _finish(failed)


@app.command()
def import_official(
    checkpoint: Annotated[Path, typer.Argument(metavar="FILE.pth", help="A checkpoint of the paper authors' code.")],
    output: Annotated[Path, typer.Option(help="The restorer.safetensors file to write.")],
    data_range: Annotated[
        str, typer.Option(help="Range of the network's images: '0,1' (denoising), '-1,1' (deraining, deblurring).")
    ] = "0,1",
) -> None:
    """Turn a checkpoint of the authors' code into a restorer; its pickled code is never run."""
    try:
        low, high = (float(bound) for bound in data_range.split(","))
        if not (low < high and math.isfinite(high - low)):
            raise ValueError
    except ValueError:
        raise WorkbenchError(f"--data-range {data_range}: give two rising numbers, such as -1,1") from None
    if output.suffix != ".safetensors":
        raise WorkbenchError(f"--output {output}: the file must end in .safetensors")

    from workbench.nets.official import convert, read_checkpoint
    from workbench.restorers import Restorer, save_restorer

    try:
        network, description = convert(read_checkpoint(checkpoint))
    except WorkbenchError as error:
        raise WorkbenchError(f"{checkpoint}: {str(error).removeprefix(f'{checkpoint}: ')}") from error
    make_folder(output.parent)
    provenance = {"imported_from": checkpoint.name, "layout": "authors' code (Noise-DA)"}
    save_restorer(output, Restorer.of(network, description, data_range=(low, high)), provenance=provenance)
    print(f"{output}: restoration U-Net of width {description['width']}")


@app.command()
def assemble(
    residual: Annotated[Path, typer.Argument(metavar="RESIDUAL", help="A restorer of DRDD's residual stage alone.")],
    noise: Annotated[Path, typer.Argument(metavar="NOISE", help="One of its noise stage alone.")],
    output: Annotated[Path, typer.Option(help="The restorer.safetensors file to write.")],
) -> None:
    """Put the two stages of DRDD together that were trained as runs of their own (options.drdd.stages)."""
    if output.suffix != ".safetensors":
        raise WorkbenchError(f"--output {output}: the file must end in .safetensors")

    from workbench.restorers import load_restorer, save_restorer
    from workbench.restorers.assembling import assemble as put_together

    (first, first_card), (second, second_card) = load_restorer(residual), load_restorer(noise)
    whole = put_together(first, second)
    make_folder(output.parent)
    provenance = {"residual": first_card["provenance"], "noise": second_card["provenance"]}
    save_restorer(output, whole, provenance=provenance)
    print(f"{output}: both stages at level {whole.options.level:g}")


@app.command()
def complexity(
    networks: Annotated[list[str] | None, typer.Argument(metavar="[NETWORK...]", help="All if none is given.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers there.")] = None,
    device: Device = "auto",
    side: Annotated[int, typer.Option(help="Side of the image for time and memory, a multiple of 128.")] = 128,
) -> None:
    """Parameters, multiplications, time and memory of the networks, beside the paper's Table A2."""
    from workbench.complexity import device_name, format_complexity, measure_complexity, to_json
    from workbench.devices import choose_device
    from workbench.runs.provenance import provenance

    chosen = choose_device(device)
    rows = measure_complexity(networks or None, chosen, side, lambda name: print(f"{name} ...", file=sys.stderr))
    print(format_complexity(rows, side, device_name(chosen)))
    if json_file is not None:
        result = to_json(rows, side, {**provenance(), "device": device_name(chosen)})
        _write(json_file, result)


@export_app.callback()
def _export() -> None:
    pass  # with one command alone, typer would take the group for that command


@export_app.command()
def dnd(
    restorer: Restorer,
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the 50 files of the submission.")],
    data: Annotated[str, typer.Option(metavar="DIR", help="The prepared noisy crops.")] = "dataset:dnd",
    device: Device = "auto",
) -> None:
    """Restore the crops of the Darmstadt Noise Dataset into the files that its server takes."""
    from workbench.data.domains import existing_folder
    from workbench.devices import choose_device
    from workbench.evaluation.dnd import PHOTOGRAPHS, write_submission
    from workbench.progress import progress_bar
    from workbench.restore import restore_array
    from workbench.restorers import load_restorer

    chosen = choose_device(device)
    noisy = existing_folder(data)
    network, _ = load_restorer(restorer)
    with progress_bar(PHOTOGRAPHS, "DND", "photograph") as bar:
        files = write_submission(
            noisy, output, lambda crop: restore_array(network, crop, device=chosen), lambda _: bar.update()
        )
    print(f"{output}: {len(files)} files; pack them and upload them as sRGB results")


@app.command()
def demo(
    no_app: Annotated[bool, typer.Option("--no-app", help="End after the table.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers there.")] = None,
    runs: Runs = Path("runs"),
    seed: Annotated[int, typer.Option(help="Seed of both runs.")] = 0,
) -> None:
    """The main job: train vanilla and guarded from the same seed, compare them, open the app."""
    from workbench.demo import run_demo

    result = run_demo(runs, seed)
    if json_file is not None:
        _write(json_file, result)
    if not no_app:
        app_command(runs=runs)


@app.command("app")
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
    from apps.main import serve

    serve(runs, host=host, port=port, auth=auth)


def _write(path: Path, content: dict) -> None:
    make_folder(path.parent)
    write_json(path, content)


def _finish(failed: list[dict]) -> None:
    """Name the inputs that failed, one line each, and leave with status 1 if there are any."""
    for failure in failed:
        print(f"workbench: {failure['name']}: {failure['reason']}", file=sys.stderr)
    if failed:
        raise typer.Exit(1)


def main() -> None:
    """Entry point of the ``workbench`` command; errors become one line on stderr."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    sys.exit(run_command(lambda: app(arguments, prog_name="workbench", standalone_mode=False), debug))


def _terminated(number: int, _frame) -> None:
    say("stopped by SIGTERM before anything was trained")
    sys.exit(128 + number)
