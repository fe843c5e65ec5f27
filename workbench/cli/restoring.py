"""Commands that take a restorer. torch is imported inside of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.shared import Device, JsonFile, Options, Protocol, Restorer, Tile, finish, write_result
from workbench.errors import WorkbenchError


def evaluate(
    restorer: Restorer,
    data: Annotated[
        str,
        typer.Option(
            metavar="DIR",
            help="Folder with input/ and target/ of equal names, or with SIDD's two .mat files of validation blocks;"
            " dataset:NAME; or simulated-camera, simulated-rain, simulated-shake. Pictures alone do for metrics"
            " without references (noise, blur, niqe). A folder or dataset:NAME of clean"
            " pictures with +DEGRADATION or +DEGRADATION:OPTION=VALUE after it is degraded like that:"
            " dataset:cbsd68+awgn:sigma=25.",
        ),
    ],
    protocol: Protocol = "rgb",
    metrics: Annotated[str, typer.Option(help="What to measure, joined by commas.")] = "psnr,ssim,lpips",
    json_file: JsonFile = None,
    options: Options = None,
    tile: Tile = None,
    device: Device = "auto",
) -> None:
    """Measure a restorer on pairs of degraded and clean images; a run keeps the result, for `workbench tables`."""
    from workbench.evaluation import format_result
    from workbench.progress import late_bar
    from workbench.restorers import parse_options
    from workbench.runs.evaluating import evaluate_restorer

    result, kept = evaluate_restorer(
        restorer, data, protocol, metrics=[name.strip() for name in metrics.split(",") if name.strip()],
        options=parse_options(options or []), tile=tile, device=device, progress=late_bar("restoring"),
    )  # fmt: skip
    print(format_result(result))
    if json_file is not None:
        write_result(json_file, result)
    if kept is not None:
        print(f"kept in {kept}")
    finish(result["failed"])


def restore(
    restorer: Restorer,
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Image files or folders.")],
    output: Annotated[Path, typer.Option(help="Folder for the restored PNG files.")],
    options: Options = None,
    tile: Tile = None,
    device: Device = "auto",
    precision: Annotated[
        str,
        typer.Option(
            help="32-true; or bf16-mixed: networks compute in half precision, faster where the machine has it and much"
            " slower where not; some levels of 255 differ."
        ),
    ] = "32-true",
) -> None:
    """Restore images of any size; 16 bits stay 16 bits."""
    if precision not in ("32-true", "bf16-mixed"):
        raise WorkbenchError(f"--precision {precision}: choose 32-true or bf16-mixed")

    import torch

    from workbench.devices import choose_device
    from workbench.progress import late_bar
    from workbench.restore import restore_files
    from workbench.restorers import load_restorer, parse_options

    chosen = choose_device(device)
    loaded, _ = load_restorer(restorer, parse_options(options or []))
    with torch.autocast(chosen.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
        failed = restore_files(
            loaded, inputs, output, tile, chosen, lambda path, file: print(f"{path} -> {file}"), late_bar("restoring")
        )
    for note in sorted(loaded.notes):
        print(note)
    finish(failed)


def restorers(
    runs: Annotated[
        Path | None, typer.Option("--runs", help="Folder of run folders, to list their restorers too.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help="text; or json, which has networks, recipe and seed too.")
    ] = "text",
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
            if weights.exists():  # else deleted meanwhile
                failed.append({"name": name, "reason": str(error)})
    print(to_json(listed) if form == "json" else format_list(listed))
    finish(failed)


def onnx(
    restorer: Restorer,
    output: Annotated[Path, typer.Option(metavar="FILE", help="The .onnx file to write.")],
) -> None:
    """Write a restorer of one pass as an ONNX file that takes images of any size; needs the extra `onnx`."""
    from workbench.exporting import export_onnx

    _export(restorer, output, ".onnx", export_onnx)


def torch_program(
    restorer: Restorer,
    output: Annotated[Path, typer.Option(metavar="FILE", help="The .pt2 file to write.")],
) -> None:
    """Write a restorer of one pass as a program of torch.export, which runs without this package."""
    from workbench.exporting import export_torch

    _export(restorer, output, ".pt2", export_torch)


def _export(restorer: Path, output: Path, suffix: str, export: Callable[..., float]) -> None:
    from workbench.restorers import load_restorer

    if output.suffix != suffix:
        raise WorkbenchError(f"--output {output}: the file must end in {suffix}")
    loaded, card = load_restorer(restorer)
    apart = export(str(restorer), loaded, card, output)
    print(f"{output}: images (N, 3, H, W) of any size in [0, 1]; at most {apart:.1e} from PyTorch")


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
