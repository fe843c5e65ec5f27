"""Commands that make restorers without training, and measure networks. torch is imported inside of them."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.shared import Device, JsonFile, write_result
from workbench.errors import WorkbenchError
from workbench.files import make_folder


def import_official(
    checkpoint: Annotated[Path, typer.Argument(metavar="FILE.pth", help="A checkpoint of the paper authors' code.")],
    output: Annotated[Path, typer.Option(help="The restorer.safetensors file to write.")],
    data_range: Annotated[
        str | None,
        typer.Option(help="Range of the network's images: '0,1' (denoising), '-1,1' (deraining, deblurring, DRDD)."),
    ] = None,
) -> None:
    """Turn a checkpoint of the authors' code, or of DRDD's, into a restorer; its pickled code is never run."""
    try:
        low, high = (float(bound) for bound in (data_range or "0,1").split(","))
        if not (low < high and math.isfinite(high - low)):
            raise ValueError
    except ValueError:
        raise WorkbenchError(f"--data-range {data_range}: give two rising numbers, such as -1,1") from None
    if output.suffix != ".safetensors":
        raise WorkbenchError(f"--output {output}: the file must end in .safetensors")

    from workbench.nets.official import convert, read_checkpoint
    from workbench.nets.official_drdd import convert_drdd, is_drdd
    from workbench.restorers import Restorer, save_restorer
    from workbench.restorers.residual_diffusion import AS_RELEASED

    try:
        state = read_checkpoint(checkpoint)
        if is_drdd(state):
            networks, described = convert_drdd(state)
            options = AS_RELEASED | {"sees": "input" if described["noise"]["in_channels"] == 6 else "target"}
            low, high = (low, high) if data_range else (-1.0, 1.0)
            restorer = Restorer(networks, "drdd", options, described=described, data_range=(low, high))
            layout, said = "authors' code (DRDD)", "DRDD's residual and noise networks"
        else:
            network, description = convert(state)
            restorer = Restorer.of(network, description, data_range=(low, high))
            layout, said = "authors' code (Noise-DA)", f"restoration U-Net of width {description['width']}"
    except WorkbenchError as error:
        raise WorkbenchError(f"{checkpoint}: {str(error).removeprefix(f'{checkpoint}: ')}") from error
    make_folder(output.parent)
    save_restorer(output, restorer, provenance={"imported_from": checkpoint.name, "layout": layout})
    print(f"{output}: {said}")


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


def complexity(
    networks: Annotated[list[str] | None, typer.Argument(metavar="[NETWORK...]", help="All if none is given.")] = None,
    json_file: JsonFile = None,
    device: Device = "auto",
    side: Annotated[int, typer.Option(help="Side of the image for time and memory, a multiple of 128.")] = 128,
) -> None:
    """Parameters, multiplications, time and memory of the networks, beside the paper's."""
    from workbench.complexity import device_name, format_complexity, measure_complexity, to_json
    from workbench.devices import choose_device
    from workbench.runs.provenance import provenance

    chosen = choose_device(device)
    rows = measure_complexity(networks or None, chosen, side, lambda name: print(f"{name} ...", file=sys.stderr))
    print(format_complexity(rows, side, device_name(chosen)))
    if json_file is not None:
        result = to_json(rows, side, {**provenance(), "device": device_name(chosen)})
        write_result(json_file, result)
