"""Restoring pictures: time, peak memory and seams by tile size, and in half the precision."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from workbench.benching.ceilings import measure_ceilings
from workbench.benching.measuring import Result, Row, Settings, in_turn, rows_of
from workbench.data.embedded import source_photographs
from workbench.devices import choose_device
from workbench.restore import restore_array
from workbench.restorers import Restorer, load_restorer
from workbench.restorers.passes import TILE
from workbench.training.memory import peak_memory, reset_peak_memory

TILES = (256, 384, 512, TILE, 1024)
LARGEST_COMPARED = 2.0
"""Megapixels up to which tiles and the pass over the whole picture, against which seams are measured, are tried; larger
pictures are restored by default alone."""
LARGEST_HALF = 0.25
"""Of half the precision: processors without it take twenty times as long."""


def run(settings: Settings) -> Result:
    """Measure every restorer at every size that is asked for."""
    device = choose_device(settings.device)
    torch.set_num_threads(settings.threads)
    rows, notes = [], []
    for name in settings.restorers:
        restorer, _ = load_restorer(name)
        restorer.to(device)
        for size in settings.megapixels:
            rows += _measure(name, restorer, size, settings, device)
        notes.append(_share(name, restorer, min(settings.megapixels), settings, device))
    notes += [
        "seam: the largest difference from the pass over the whole picture, in levels of 255;"
        f" measured up to {LARGEST_COMPARED:g} megapixels. memory: of the process, or of the device.",
    ]
    return Result("restore", rows, notes)


def picture(megapixels: float) -> np.ndarray:
    """A noisy photograph of a size, (H, W, 3) uint8 with sides of 3 to 4: embedded ones side by side, repeated."""
    height = max(round(math.sqrt(megapixels * 0.75e6)), 16)
    width = round(megapixels * 1e6 / height)
    tiles = [each.pixels for each in source_photographs("held-out")]
    rows, columns = (min(tile.shape[axis] for tile in tiles) for axis in (0, 1))
    strip = np.concatenate([tile[:rows, :columns] for tile in tiles], axis=1)
    whole = np.tile(strip, (-(-height // rows), -(-width // strip.shape[1]), 1))[:height, :width]
    noise = np.random.default_rng(0).normal(0, 15, whole.shape)
    return np.clip(whole + noise, 0, 255).astype(np.uint8)


def _share(name: str, restorer: Restorer, size: float, settings: Settings, device: torch.device) -> str:
    """What part of the machine's convolutions the default makes of a picture."""
    image = picture(size)
    with FlopCounterMode(display=False) as counter:
        restore_array(restorer, image)
    times = in_turn({"": lambda: restore_array(restorer, image)}, settings, _synchronised(device))[""]
    flops = counter.get_total_flops()
    rate = flops / statistics.median(times.clock if device.type == "cuda" else times.processor)
    ceiling = measure_ceilings(device, 128)["convolution"]
    return (
        f"{name}: {flops / size / 1e9:.0f} GFLOP a megapixel at {rate / 1e9:.0f} GFLOP/s, {rate / ceiling:.0%} of the"
        f" ceiling of convolutions, {ceiling / 1e9:.0f}"
    )


def _synchronised(device: torch.device) -> Callable[[], None] | None:
    return torch.cuda.synchronize if device.type == "cuda" else None


def _measure(name: str, restorer: Restorer, size: float, settings: Settings, device: torch.device) -> list[Row]:
    image = picture(size)
    longest = max(image.shape)
    results: dict[str, np.ndarray] = {}
    peaks: dict[str, int] = {}

    def restored(what: str, tile: int | None, half: bool = False) -> Callable[[], None]:
        def restore() -> None:
            reset_peak_memory()
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                results[what] = restore_array(restorer, image, tile)
            memory = peak_memory()
            peaks[what] = max(peaks.get(what, 0), memory.get("device_mib", memory["process_mib"]))

        return restore

    contenders = {"as restored by default": restored("as restored by default", None)}
    if size <= LARGEST_COMPARED:
        contenders |= {f"tiles of {tile}": restored(f"tiles of {tile}", tile) for tile in TILES if tile < longest}
        contenders["whole"] = restored("whole", longest)
    if size <= LARGEST_HALF:
        contenders["bfloat16"] = restored("bfloat16", None, half=True)
    times = in_turn(contenders, settings, _synchronised(device))
    found = []
    for row in rows_of(f"{name}, {size:g} MP", times, device.type):
        seconds = row.times.clock if device.type == "cuda" else row.times.processor
        facts = {"MP/s": size / statistics.median(seconds), "memory/MiB": peaks[row.what]}
        if "whole" in results:
            apart = np.abs(results[row.what].astype(np.int16) - results["whole"].astype(np.int16))
            facts["seam"] = int(apart.max())
        found.append(replace(row, facts=facts))
    return found
