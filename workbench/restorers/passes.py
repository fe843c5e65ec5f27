"""Passes of networks over whole pictures: tiles, device, inference mode, progress and stopping."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from workbench.errors import WorkbenchError, is_out_of_memory
from workbench.images import to_float
from workbench.nets.unet import Window

TILE = 768
"""Side in pixels of the tiles of a picture that is too large for one pass, without their surroundings."""

Progress = Callable[[int, int], bool | None]
Trace = Callable[[str, np.ndarray], None]


class StoppedError(Exception):
    """A progress callback asked to stop."""


@contextmanager
def evaluating(*networks: nn.Module) -> Iterator[None]:
    """Networks in evaluation mode, so without dropout, and as they were after it."""
    before = [network.training for network in networks]
    for network in networks:
        network.eval()
    try:
        yield
    finally:
        for network, training in zip(networks, before, strict=True):
            network.train(training)


@dataclass(frozen=True)
class Made:
    """A picture that is made tile by tile, for one that need not be held as a whole.

    Attributes
    ----------
    like : Tensor, shape (N, C, H, W)
        A picture of the same shape, on the same device.
    make : callable
        Maps a `Window` and the rows and columns of a tile (slices) to the tile (N, C, rows, columns).
    """

    like: Tensor
    make: Callable[[Window, slice, slice], Tensor]


class Passes:
    """What a procedure asks for: passes of its restorer's networks over whole pictures.

    Parameters
    ----------
    networks : mapping of str to nn.Module
    tile : int, optional
        Side in pixels of the tiles, without surroundings; by default `TILE`.
    count : int
        How many passes the procedure will ask for; progress goes by it.
    progress : callable, optional
        Called with (done, total) after each tile; stops the work by returning True or by raising.
    trace : callable, optional
        Receives ``(name, picture)``, the picture (N, C, H, W) as the procedure has it.
    """

    def __init__(
        self,
        networks: Mapping[str, nn.Module],
        tile: int | None = None,
        count: int = 1,
        progress: Progress | None = None,
        trace: Callable[[str, Tensor], None] | None = None,
    ):
        self.networks, self.tile, self.count = networks, tile, count
        self._progress, self._trace = progress, trace
        self._passed = self._done = self._total = 0
        self.cut: set[str] = set()
        """The networks that have seen pictures in several tiles."""
        parameters = (parameter for network in networks.values() for parameter in network.parameters())
        self.device = next((parameter.device for parameter in parameters), torch.device("cpu"))

    def __call__(self, name: str, *pictures: Tensor | Made, **settings) -> Tensor:
        """One pass of a network.

        Parameters
        ----------
        name : str
            Of the network. It is called as ``network(*tiles, window=window, **settings)`` and has ``multiple``, the
            grid in pixels on which tiles may begin, and ``halo``, the radius in pixels of the surroundings that a tile
            needs; ``window`` is None where the tile is the whole picture. One with ``square`` set pads pictures to
            squares, so that long ones are better cut.
        *pictures : Tensor or Made, shape (N, C, H, W)
            Whole pictures of equal sides; of integers, on the CPU, each tile becomes floating point in [0, 1].
        **settings
            Further arguments of the network, the same for each tile, such as the level of the noise.

        Returns
        -------
        Tensor, shape (N, C', H, W)
            On the device of the pictures.

        Raises
        ------
        WorkbenchError
            A tile does not fit into the device's memory.
        StoppedError
            The progress callback returned True.
        """
        network = self.networks[name]

        def apply(window: Window | None, *tiles: Tensor) -> Tensor:
            return network(*(tile.to(self.device) for tile in tiles), window=window, **settings)

        square = getattr(network, "square", False)
        result = self.tiled(apply, *pictures, multiple=network.multiple, halo=network.halo, square=square)
        if self._total > 1:
            self.cut.add(name)
        return result

    def tiled(
        self,
        function: Callable[..., Tensor],
        *pictures: Tensor | Made,
        multiple: int,
        halo: int,
        square: bool = False,
        rounds: int = 1,
        gradients: bool = False,
    ) -> Tensor:
        """A function of tiles as one of whole pictures; counts as one pass.

        Parameters
        ----------
        function : callable
            Maps ``(window, *tiles)`` to a tile of the result; shapes as for a network.
        *pictures : Tensor or Made, shape (N, C, H, W)
        multiple, halo, square
            As of a network.
        rounds : int
            How often the function calls `round` for each tile.
        gradients : bool
            Whether the function needs gradients: a procedure that optimises each picture.
        """
        first = pictures[0].like if isinstance(pictures[0], Made) else pictures[0]
        count, _, height, width = first.shape
        area = count * (max(height, width) ** 2 if square else height * width)
        if self.tile is None and area <= TILE**2:
            side = max(height, width)
        else:  # a batch of pictures has as many pixels a tile as a single one
            side = math.ceil((self.tile or TILE) / math.sqrt(count))
        areas = [
            (rows, columns)
            for rows in cut(height, side, multiple, halo)
            for columns in cut(width, side, multiple, halo)
        ]
        self._done, self._total = 0, len(areas) * rounds
        result = None
        for rows, columns in areas:
            window = Window(rows.start, columns.start, height, width)
            with ExitStack() as modes:
                if gradients:
                    modes.enter_context(torch.inference_mode(False))
                    modes.enter_context(torch.enable_grad())
                tiles = [_tile(picture, window, rows.surroundings, columns.surroundings) for picture in pictures]
                part = self._applied(function, window if len(areas) > 1 else None, tiles, side)
            part = part.detach().to(first.device)
            if len(areas) == 1:
                result = part
            else:
                if result is None:
                    result = torch.empty(
                        (*part.shape[:2], height, width), device=first.device, memory_format=torch.channels_last
                    )
                result[..., rows.core, columns.core] = part[..., rows.inside, columns.inside]
            if rounds == 1:
                self.round()
        self._passed += 1
        return result

    def round(self) -> None:
        """Say that a tile, or a round of it, is done."""
        self._done += 1
        if self._progress is not None:
            done = min(self._passed, self.count - 1) * self._total + self._done
            if self._progress(done, self.count * self._total):
                raise StoppedError

    def trace(self, name: str, picture: Tensor) -> None:
        """Show an intermediate picture (N, C, H, W), in the procedure's range, to whoever asked for it."""
        if self._trace is not None:
            self._trace(name, picture)

    def _applied(self, function: Callable, window: Window | None, tiles: list[Tensor], side: int) -> Tensor:
        try:
            return function(window, *tiles)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            raise WorkbenchError(
                f"not enough memory on {self.device} for tiles of {side} pixels; choose smaller ones"
            ) from error


def floating(picture: Tensor) -> Tensor:
    """A picture of integers, on the CPU, as floating point in [0, 1]; floating point as it is."""
    return picture if picture.is_floating_point() else torch.from_numpy(to_float(picture.numpy()))


def _tile(picture: Tensor | Made, window: Window, rows: slice, columns: slice) -> Tensor:
    """A part of a picture, in memory as an image of its own lies there: strides decide how convolutions round."""
    if isinstance(picture, Made):
        return picture.make(window, rows, columns)
    part = floating(picture[..., rows, columns])
    if len(part) == 1 and picture.is_contiguous(memory_format=torch.channels_last):
        return part[0].permute(1, 2, 0).clone(memory_format=torch.contiguous_format).permute(2, 0, 1)[None]
    return part.clone(memory_format=torch.contiguous_format)


class Part(NamedTuple):
    """One side of a tile: the part of the result that it makes, and the surroundings that this takes."""

    core: slice
    surroundings: slice

    @property
    def start(self) -> int:
        return self.surroundings.start

    @property
    def inside(self) -> slice:
        """The core as seen from the surroundings."""
        return slice(self.core.start - self.start, self.core.stop - self.start)


def cut(side: int, tile: int, multiple: int, halo: int) -> list[Part]:
    """Cut a side into parts that see equally much, equally far apart, in the middle of what neighbours share.

    As few as will do: none sees more than ``tile``, rounded up to ``multiple``, and twice the halo. All surroundings
    begin at multiples of ``multiple`` and are equally long but for the padding of the last: tensors of ever other sizes
    would leave the memory in pieces that do not fit the next ones.
    """
    units, context, tile = -(-side // multiple), -(-halo // multiple), -(-tile // multiple)
    parts = max(-(-(units - 2 * context) // tile), 1)
    length = -(-(units + 2 * (parts - 1) * context) // parts)  # neighbours share two contexts at least
    starts = [(units - length) * part // max(parts - 1, 1) for part in range(parts)]
    edges = [0, *((before + length + after) // 2 for before, after in pairwise(starts)), units]
    return [
        Part(
            slice(edge * multiple, min(after * multiple, side)),
            slice(start * multiple, min((start + length) * multiple, side)),
        )
        for edge, after, start in zip(edges[:-1], edges[1:], starts, strict=True)
    ]
