"""What restores a picture: networks, what is done with them, and its options."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import nullcontext

import numpy as np
import torch
import yaml
from pydantic import ValidationError
from torch import Tensor, nn

from workbench.errors import WorkbenchError
from workbench.heap import kept_memory
from workbench.images import to_float, to_uint
from workbench.recipes import one_line
from workbench.recipes.reading import parse
from workbench.restorers.kinds import KINDS, kind_of
from workbench.restorers.passes import Passes, Progress, Trace, evaluating, floating
from workbench.restorers.procedure import Options, Procedure

_BAND = 256
_LARGE = 2**17
"""Pixels; the features of smaller pictures stay below what glibc gives memory of their own."""


class Restorer:
    """Named networks and the procedure that restores whole pictures with them.

    Parameters
    ----------
    networks : mapping of str to nn.Module
        As many as the kind asks for, by its names.
    kind : str
        A key of `workbench.restorers.KINDS`.
    options : mapping, optional
        Of the kind's procedure; what is not given is as the networks say (their ``options``), else the default.
    described : mapping of str to dict, optional
        ``{"name": ..., **overrides}`` of each network, from which `workbench.nets.build` makes it; needed for saving.
    data_range : tuple of float
        The range of the networks' images: (0, 1), or (-1, 1) for some of the authors' checkpoints.

    Raises
    ------
    WorkbenchError
        There is no such kind, networks are missing or too many, or an option is unknown or out of its bounds.
    """

    def __init__(
        self,
        networks: Mapping[str, nn.Module],
        kind: str = "one-pass",
        options: Mapping[str, object] | None = None,
        *,
        described: Mapping[str, dict] | None = None,
        data_range: tuple[float, float] = (0.0, 1.0),
    ):
        if kind not in KINDS:
            raise WorkbenchError(f"no restorer is of the kind {kind!r}; there are {', '.join(KINDS)}")
        check_networks(kind, networks)
        for name, network in networks.items():
            if not (hasattr(network, "multiple") and hasattr(network, "halo")):
                called = described[name]["name"] if described else type(network).__name__
                raise WorkbenchError(
                    f"{called} is not a restorer: it does not say how pictures are cut into tiles for it"
                )
        self.networks, self.kind, self.described = dict(networks), kind, described and dict(described)
        self.notes: set[str] = set()
        """What is to be said of the pictures restored so far: of networks that lack something in tiles."""
        low, high = self.data_range = data_range
        if not (low < high and math.isfinite(high - low) and math.isfinite(1 / (high - low))):
            raise WorkbenchError(f"data range [{low:g}, {high:g}]: give two finite rising numbers, such as [-1, 1]")
        brought = {
            key: value for network in networks.values() for key, value in getattr(network, "options", {}).items()
        }
        self.options = check_options(kind, brought | dict(options or {}))

    @classmethod
    def of(
        cls,
        network: nn.Module,
        described: dict | None = None,
        options: Mapping[str, object] | None = None,
        data_range: tuple[float, float] = (0.0, 1.0),
    ) -> Restorer:
        """The restorer of a single network: of the network's ``kind``, or one pass if it does not say."""
        described = {"restorer": described} if described else None
        return cls({"restorer": network}, kind_of(network), options, described=described, data_range=data_range)

    @property
    def procedure(self) -> Procedure:
        """What restores, with its options."""
        return KINDS[self.kind](self.options)

    @property
    def network(self) -> nn.Module:
        """The network of a restorer that has a single one.

        Raises
        ------
        WorkbenchError
            It has several.
        """
        if len(self.networks) > 1:
            raise WorkbenchError(f"this restorer has several networks ({', '.join(self.networks)}), not one")
        return next(iter(self.networks.values()))

    def with_options(self, options: Mapping[str, object]) -> Restorer:
        """The same networks with other options; what is not given stays.

        Raises
        ------
        WorkbenchError
            An option is unknown or out of its bounds.
        """
        chosen = self.options.model_dump() | dict(options)
        return Restorer(
            self.networks, self.kind, chosen, described=self.described, data_range=self.data_range
        )  # fmt: skip

    def changes(self, other: Restorer) -> dict[str, object]:
        """The options that are not those of another restorer of the same kind."""
        theirs = other.options.model_dump(mode="json")
        return {key: value for key, value in self.options.model_dump(mode="json").items() if value != theirs[key]}

    def to(self, device: torch.device | str) -> Restorer:
        """Move the networks."""
        for network in self.networks.values():
            network.to(device)
        return self

    def restore(
        self,
        image: np.ndarray,
        tile: int | None = None,
        device: torch.device | str | None = None,
        progress: Progress | None = None,
        trace: Trace | None = None,
    ) -> np.ndarray:
        """Restore one image.

        Parameters
        ----------
        image : ndarray, shape (H, W, 3), uint8, uint16 or floating point in [0, 1]
        tile : int, optional
            Side in pixels of the tiles, without surroundings, rounded up to a multiple of the network's ``multiple``:
            networks see so much at once and their halo on each side, at most. By default
            ``workbench.restorers.passes.TILE``, and the whole of pictures that have no more pixels than such a square.
        device : torch.device or str, optional
            Move the networks there first; they stay where they are if not given.
        progress : callable, optional
            Called with (done, total) after each tile; stops the work by returning True or by raising.
        trace : callable, optional
            Called with (name, image) for each picture on the way that the procedure shows, the image (H, W, 3) float32
            in [0, 1], not clipped.

        Returns
        -------
        ndarray, shape (H, W, 3)
            Of the type of ``image`` if that is an integer type, clipped and rounded; else float32, not clipped.

        Raises
        ------
        WorkbenchError
            The tile is not positive or does not fit into the device's memory, or integers are to be made of a result
            that is not finite.
        StoppedError
            ``progress`` returned True.
        """
        if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise ValueError(f"image must have shape (H, W, 3), not {image.shape}")
        if device is not None:
            self.to(device)

        def show(name: str, picture: Tensor) -> None:
            trace(name, _array(picture))

        # The axes of an image are those of channels_last already, the faster layout for convolutions on the CPU.
        pixels = image.copy() if image.dtype.kind == "u" else to_float(image.copy())
        degraded = torch.from_numpy(pixels).permute(2, 0, 1)[None]
        restored = _array(self(degraded, tile, progress, trace and show))
        return _like(restored, image.dtype) if image.dtype.kind == "u" else restored

    def __call__(
        self, degraded: Tensor, tile: int | None = None, progress: Progress | None = None, trace=None
    ) -> Tensor:
        """Restore a picture as a tensor.

        Parameters
        ----------
        degraded : Tensor, shape (1, 3, H, W), range [0, 1], or uint8 or uint16 on the CPU
        tile, progress
            As of `restore`.
        trace : callable, optional
            Called with (name, picture) as of `restore`, the picture a tensor.

        Returns
        -------
        Tensor, shape (1, 3, H, W)
            Not clipped; on the device of ``degraded``.
        """
        if tile is not None and tile < 1:
            raise WorkbenchError(f"tile {tile}: the side of the tiles must be at least 1 pixel")
        low, high = self.data_range
        adapted, procedure = (low, high) != (0.0, 1.0), self.procedure

        def back(picture: Tensor) -> Tensor:
            return (picture - low) / (high - low) if adapted else picture

        def show(name: str, picture: Tensor) -> None:
            trace(name, back(picture))

        passes = Passes(self.networks, tile, procedure.passes, progress, trace and show)
        if adapted or not procedure.takes_integers:
            degraded = floating(degraded)
        large = degraded[0, 0].numel() > _LARGE
        with torch.inference_mode(), evaluating(*self.networks.values()), kept_memory() if large else nullcontext():
            restored = back(procedure.restore(degraded * (high - low) + low if adapted else degraded, passes))
        self.notes |= {note for name in passes.cut if (note := self._of_tiles(name))}
        return restored

    def _of_tiles(self, name: str) -> str:
        """What a network lacks in tiles, for people; empty if nothing."""
        if not (lacking := getattr(self.networks[name], "tiles_lack", "")):
            return ""
        called = self.described[name]["name"] if self.described else type(self.networks[name]).__name__
        return f"{called} restored in tiles, which lack {lacking}; a tile as large as the picture lacks nothing"


def check_networks(kind: str, names: Mapping[str, object]) -> None:
    """Refuse networks that are not those of a kind.

    Raises
    ------
    WorkbenchError
    """
    needed = KINDS[kind].networks
    if missing := [name for name in needed if name not in names]:
        raise WorkbenchError(f"a restorer of the kind {kind!r} needs the network {missing[0]!r}, which is missing")
    if unknown := [name for name in names if name not in needed]:
        raise WorkbenchError(f"a restorer of the kind {kind!r} has no network {unknown[0]!r}, but {', '.join(needed)}")


def check_options(kind: str, options: Mapping[str, object]) -> Options:
    """The options of a kind's procedure, with the defaults of those that are not given.

    Raises
    ------
    WorkbenchError
        One is unknown or out of its bounds.
    """
    declared = KINDS[kind].Options
    if unknown := [key for key in options if key not in declared.model_fields]:
        there = ", ".join(declared.model_fields) or "it has none"
        raise WorkbenchError(f"option {unknown[0]}: restorers of the kind {kind!r} have no such option ({there})")
    try:
        return declared(**options)
    except ValidationError as error:
        raise WorkbenchError(one_line(error, "option")) from error


def parse_options(settings: Iterable[str]) -> dict[str, object]:
    """Options as a person types them: ``KEY=VALUE``, values read as YAML.

    Raises
    ------
    WorkbenchError
        One is not written so.
    """
    options = {}
    for setting in settings:
        key, separator, value = setting.partition("=")
        if not separator or not key.strip():
            raise WorkbenchError(f"option {setting}: write KEY=VALUE, such as steps=10")
        try:
            options[key.strip()] = parse(value)
        except yaml.YAMLError as error:
            raise WorkbenchError(f"option {setting}: {value!r} is not a valid value") from error
    return options


def _array(picture: Tensor) -> np.ndarray:
    return picture[0].permute(1, 2, 0).float().cpu().numpy()


def _like(restored: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Integers of a floating-point image, a band of rows at a time: a large one must not be held twice more."""
    result = np.empty(restored.shape, dtype)
    for row in range(0, len(restored), _BAND):
        band = restored[row : row + _BAND]
        if not np.isfinite(band).all():
            raise WorkbenchError("the restorer's output is not finite; its weights may have diverged")
        result[row : row + _BAND] = to_uint(band, 8 * dtype.itemsize)
    return result
