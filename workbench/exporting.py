"""Restorers for other programs: ONNX files and torch.export programs that take images of any size."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from workbench.errors import WorkbenchError
from workbench.files import make_folder, write_bytes
from workbench.restorers import Restorer
from workbench.restorers.one_pass import OnePass

INPUT, OUTPUT = "degraded", "restored"
"""What an ONNX file calls its input and output: (N, 3, H, W) float32 in [0, 1]; the output is not clipped."""
CHECKED = ((1, 37, 53), (2, 64, 48), (1, 61, 90))
"""Batch, height and width of the images on which what was written is held against PyTorch."""
TOLERANCE = 1e-4
"""Difference from PyTorch, of 1, up to which a file counts as right."""
_EXAMPLE = (2, 41, 59)
_NEEDED = ("onnx", "onnxscript", "onnxruntime")


class _Pass(nn.Module):
    """One pass of a restorer's network over images of any size, in the restorer's range."""

    def __init__(self, restorer: Restorer):
        super().__init__()
        self.network, (self.low, self.high) = restorer.network, restorer.data_range

    def forward(self, degraded: Tensor) -> Tensor:
        height, width = degraded.shape[-2:]
        multiple = self.network.multiple
        adapted = (self.low, self.high) != (0.0, 1.0)
        image = degraded * (self.high - self.low) + self.low if adapted else degraded
        if multiple == 1:
            restored = self.network(image)
        else:
            # As the networks do it themselves, but by indices: padding and slices are special where nothing is to do
            rows, columns = (torch.arange((side + multiple - 1) // multiple * multiple) for side in (height, width))
            image = _taken(image, rows.clamp(max=height - 1), columns.clamp(max=width - 1))
            restored = _taken(self.network(image), torch.arange(height), torch.arange(width))
        return (restored - self.low) / (self.high - self.low) if adapted else restored


def _taken(image: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """These rows and columns of an image."""
    return image.index_select(2, rows).index_select(3, columns)


def export_torch(name: str, restorer: Restorer, card: dict, output: Path) -> float:
    """Write a restorer as a program of torch.export, which ``torch.export.load`` reads without this package.

    Parameters
    ----------
    name : str
        What the restorer is called, for messages.
    restorer : Restorer
    card : dict
        As of `load_restorer`; it is written into the file.
    output : Path
        A file ending in ``.pt2``.

    Returns
    -------
    float
        The largest difference from PyTorch, of 1, on images of the sizes `CHECKED`.

    Raises
    ------
    WorkbenchError
        The restorer cannot be exported, or what was exported computes something else.
    """
    program = _traced(name, restorer)
    apart = _check(name, restorer, program.module())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "program.pt2"
        torch.export.save(program, file, extra_files={"card.json": json.dumps(card)})
        _place(output, file)
    return apart


def export_onnx(name: str, restorer: Restorer, card: dict, output: Path) -> float:
    """Write a restorer as an ONNX file with free batch, height and width; arguments and errors as of `export_torch`.

    The card is the file's metadata ``card``. Needs the packages of the extra ``onnx``.
    """
    if missing := [package for package in _NEEDED if find_spec(package) is None]:
        raise WorkbenchError(f"export onnx: {', '.join(missing)} is missing; pip install 'noise-da-workbench[onnx]'")
    import onnxruntime

    program = _traced(name, restorer)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "program.onnx"
        with _quiet():
            try:
                written = torch.onnx.export(
                    program, dynamo=True, input_names=[INPUT], output_names=[OUTPUT], external_data=False, verbose=False
                )
            except Exception as error:  # whatever the exporter has no translation for
                raise _refused(name, error) from error
            written.model.metadata_props["card"] = json.dumps(card)
            written.save(file)
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        apart = _check(name, restorer, lambda image: torch.from_numpy(session.run([OUTPUT], {INPUT: image.numpy()})[0]))
        _place(output, file)
    return apart


def _traced(name: str, restorer: Restorer) -> ExportedProgram:
    if restorer.kind != "one-pass" or not isinstance(restorer.procedure, OnePass) or restorer.procedure.passes > 1:
        raise WorkbenchError(
            f"{name}: cannot be exported, for it restores by a procedure ({restorer.kind}), not one pass of a network"
        )
    sides = {0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC}
    wrapped = _Pass(restorer).eval()
    with _quiet(), torch.no_grad():
        try:
            return torch.export.export(
                wrapped, (torch.rand(_EXAMPLE[0], 3, *_EXAMPLE[1:]),), dynamic_shapes=(sides,), strict=False
            )
        except Exception as error:  # whatever a network does that cannot be traced for all sizes
            raise _refused(name, error) from error


def _check(name: str, restorer: Restorer, run: Callable[[Tensor], Tensor]) -> float:
    """The largest difference from the restorer itself."""
    apart = 0.0
    generator = torch.Generator().manual_seed(0)
    for count, height, width in CHECKED:
        images = torch.rand(count, 3, height, width, generator=generator)
        with torch.no_grad():
            found = run(images)
        expected = torch.cat([restorer(image[None]) for image in images])
        apart = max(apart, (found - expected).abs().max().item())
    if not apart <= TOLERANCE:
        raise WorkbenchError(f"{name}: cannot be exported, for the program gives other pictures (by up to {apart:.1e})")
    return apart


def _refused(name: str, error: Exception) -> WorkbenchError:
    first = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return WorkbenchError(f"{name}: cannot be exported for images of any size ({first[:200]})")


def _place(output: Path, file: Path) -> None:
    make_folder(output.parent)
    write_bytes(output, file.read_bytes())


class _quiet(warnings.catch_warnings):  # noqa: N801
    """Without the exporters' remarks on their own state."""

    def __enter__(self) -> Any:
        entered = super().__enter__()
        warnings.simplefilter("ignore")
        return entered
