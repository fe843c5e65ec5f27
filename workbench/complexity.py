"""What networks cost: parameters, multiplications, time and memory, beside what the paper states (A1.3, Table A2)."""

from __future__ import annotations

import platform
import statistics
import time
import weakref
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from workbench.errors import WorkbenchError
from workbench.nets import build
from workbench.nets.registry import DIFFUSION_NETWORKS, RESTORERS, TIMED_NETWORKS
from workbench.papers.noise_space_adaptation import COMPLEXITY_NOTES as NOTES
from workbench.papers.noise_space_adaptation import COMPLEXITY_ROWS, COMPLEXITY_SAID, published_costs
from workbench.restorers import Restorer
from workbench.tabular import as_text

GMACS_SIDE = 128
"""Side in pixels of the image for which multiplications are counted, that of the paper's patches."""

_SECONDS, _REPETITIONS = 2.0, 5


@dataclass(frozen=True)
class Complexity:
    """The cost of a network, or a row of the paper's table.

    Attributes
    ----------
    network : str
        A name of `workbench.nets.NETWORKS`, or of the paper if it is not among them.
    kind : {"restorer", "diffusion", "timed", "paper"}
        ``timed``: a network of residual diffusion, of which one pass is measured;
        ``paper``: a row of the paper's table that no network here stands for.
    parameters : float or None
        Millions.
    gmacs : float or None
        Milliards of multiplications with addition at 128x128 pixels: of convolutions, matrix products and attention.
        All that restoring an image takes: every pass, and where networks are optimised for an image every step.
    seconds : float or None
        Per megapixel, one image at a time: median of up to five passes.
    memory : float or None
        Megabytes that the weights and one pass have in tensors at the same time, at most.
    published_parameters, published_gmacs : float or None
        The paper's numbers.
    """

    network: str
    kind: str
    parameters: float | None = None
    gmacs: float | None = None
    seconds: float | None = None
    memory: float | None = None
    published_parameters: float | None = None
    published_gmacs: float | None = None


def measure_complexity(
    names: Iterable[str] | None = None,
    device: torch.device | str = "cpu",
    side: int = GMACS_SIDE,
    progress: Callable[[str], None] | None = None,
) -> list[Complexity]:
    """Count, time and weigh networks with fresh weights.

    Parameters
    ----------
    names : iterable of str, optional
        Networks; all restorers and diffusion networks, and the remaining rows of the paper's table, if not given.
    device : torch.device or str
    side : int
        Side in pixels of the square image for time and memory, a multiple of 128 so that no network has to pad it.
    progress : callable, optional
        Called with the name of each network before it is measured.

    Returns
    -------
    list of Complexity

    Raises
    ------
    WorkbenchError
        There is no such network, or the side is no multiple of 128.
    """
    if side < GMACS_SIDE or side % GMACS_SIDE:
        raise WorkbenchError(f"side {side}: give a multiple of {GMACS_SIDE}")
    theirs = {
        row: {f"published_{key}": value for key, value in cost.items()} for row, cost in published_costs().items()
    }
    rows = []
    for name in [*RESTORERS, *DIFFUSION_NETWORKS, *TIMED_NETWORKS] if names is None else names:
        if progress is not None:
            progress(name)
        numbers = theirs.pop(COMPLEXITY_ROWS.get(name, name), {})
        rows.append(_measure(name, torch.device(device), side, numbers))
    if names is None:
        rows += [Complexity(row, "paper", **numbers) for row, numbers in theirs.items()]
    return rows


def format_complexity(rows: list[Complexity], side: int, device: str) -> str:
    """A table to print; ``device`` is said under it."""
    header = ("network", "parameters/M", "(paper)", "GMACs", "(paper)", "s/megapixel", "memory/MB")
    lines = [
        (
            row.network, _number(row.parameters, 2), _number(row.published_parameters, 2), _number(row.gmacs, 2),
            _number(row.published_gmacs, 2), _number(row.seconds, 2), _number(row.memory, 0),
        )
        for row in rows
    ]  # fmt: skip
    notes = [
        f"GMACs at {GMACS_SIDE}x{GMACS_SIDE}; time and memory at {side}x{side} on {device}, one image at a time.",
        COMPLEXITY_SAID,
    ]
    notes += [note for names, note in NOTES.items() if any(row.network.startswith(names) for row in rows)]
    return "\n".join([as_text([header, *lines]), *notes])


def device_name(device: torch.device) -> str:
    """The device's model, and on a CPU the number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{platform.processor() or platform.machine()}, {threads} thread{'s' if threads > 1 else ''}"


def to_json(rows: list[Complexity], side: int, provenance: dict) -> dict:
    """The table as data, with what was measured on."""
    return {"side": side, "provenance": provenance, "networks": [asdict(row) for row in rows]}


def _measure(name: str, device: torch.device, side: int, numbers: dict[str, float]) -> Complexity:
    network = build(name).eval().requires_grad_(False)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    kind = "diffusion" if name in DIFFUSION_NETWORKS else "timed" if name in TIMED_NETWORKS else "restorer"
    settings, steps, apply = {"time": 500.0} if kind == "timed" else {}, 1, network
    if kind == "restorer":
        apply = Restorer.of(network)
        if (steps := getattr(apply.options, "steps", 1)) > 1:  # optimises for each image: one step is measured
            apply = apply.with_options({"steps": 1})
        settings = {"tile": side}
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        apply(*_arguments(kind, GMACS_SIDE, torch.device("cpu")), **settings)
    network.to(device)
    arguments = _arguments(kind, side, device)
    with torch.inference_mode():
        with _LiveTensors(network, arguments) as live:
            apply(*arguments, **settings)
        seconds = _time(lambda: apply(*arguments, **settings), device)
    return Complexity(
        name,
        kind,
        parameters=parameters / 1e6,
        gmacs=counter.get_total_flops() / 2e9 * steps,
        seconds=seconds * steps * 1e6 / side**2,
        memory=live.peak / 1e6,
        **numbers,
    )


def _arguments(kind: str, side: int, device: torch.device) -> tuple[Tensor, ...]:
    def image(channels: int) -> Tensor:  # in the layout in which `restore_array` hands over images
        return torch.rand(1, side, side, channels, device=device).permute(0, 3, 1, 2)

    if kind == "diffusion":
        return image(3), image(6), torch.full((1,), 0.5, device=device)
    return (image(6 if kind == "timed" else 3),)


def _time(run: Callable[[], object], device: torch.device) -> float:
    """Median seconds of a pass; the first passes, that of the memory count, have warmed it up."""
    times: list[float] = []
    while not times or (sum(times) < _SECONDS and len(times) < _REPETITIONS):
        begin = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


class _LiveTensors(TorchDispatchMode):
    """Adds up the storages that are alive at the same time, those of a network's weights included.

    What an operation allocates for itself and frees again, such as a convolution's workspace, is not seen.
    """

    def __init__(self, network: nn.Module, arguments: Iterable[Tensor]):
        super().__init__()
        self.now = self.peak = 0
        self._known: set[int] = set()
        for tensor in [*network.parameters(), *network.buffers()]:
            self._watch(tensor)
        for tensor in arguments:
            self._known.add(tensor.untyped_storage()._cdata)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._watch(leaf)
        return result

    def _watch(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._known:
            self._known.add(storage._cdata)
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._free, storage._cdata, storage.nbytes())

    def _free(self, identity: int, size: int) -> None:
        self._known.discard(identity)
        self.now -= size


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
