"""Clean pictures that are degraded to be measured on: test sets that come without degraded pictures, as CBSD68 does.

Such a set is named by where the clean pictures are and what is done to them, ``dataset:cbsd68+awgn:sigma=25``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import yaml

from workbench.data.degradations import DEGRADATIONS, Degradation, build, degraded_pair
from workbench.data.folders import with_names
from workbench.errors import WorkbenchError
from workbench.evaluation.evaluate import Load
from workbench.images import read_image, to_float, to_uint

Options = dict[str, object]


def parse_degradation(said: str) -> tuple[str, Options]:
    """A degradation and its options, as ``NAME`` or ``NAME:OPTION=VALUE,OPTION=VALUE``; a number fixes a range.

    Raises
    ------
    WorkbenchError
        There is no such degradation or option, or a value is wrong.
    """
    name, _, listed = said.partition(":")
    kind = DEGRADATIONS.get(name)
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    ranges = {field.name for field in fields if isinstance(field.default, tuple)}
    given: Options = {}
    for part in filter(None, listed.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise WorkbenchError(f"{said}: give the options of {name} as OPTION=VALUE, joined by commas")
        try:
            number = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise WorkbenchError(f"{said}: {value!r} is no value") from error
        given[key] = [float(number)] * 2 if key in ranges and isinstance(number, int | float) else number
    try:
        build(name, given)
    except ValueError as error:
        raise WorkbenchError(f"{said}: {error}") from error
    return name, given


def described(name: str, options: Options) -> str:
    """A degradation and its options as `parse_degradation` takes them."""
    values = {key: value[0] if isinstance(value, list) else value for key, value in sorted(options.items())}
    return ":".join(filter(None, [name, ",".join(f"{key}={_short(value)}" for key, value in values.items())]))


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def degraded_pairs(paths: Sequence[Path], degradation: Degradation) -> Iterator[tuple[str, Load]]:
    """Each picture's name and what loads it degraded and as it is, for `workbench.evaluation.evaluate.evaluate_each`.

    A picture has random numbers of its own, of its place in the order, always the same ones. Both sides are clipped and
    rounded to 8 bits, as pictures that were written to disk.
    """

    def load(index: int, path: Path) -> tuple[np.ndarray, np.ndarray]:
        picture = to_float(read_image(path).pixels)
        clean, degraded = degraded_pair(degradation, picture, np.random.default_rng((25, index)))
        return to_uint(degraded), to_uint(clean)

    return ((name, partial(load, index, path)) for index, (name, path) in enumerate(with_names(paths)))
