"""Measure a restorer on pairs of images."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from workbench.errors import WorkbenchError
from workbench.evaluation.lpips import Lpips, Unavailable
from workbench.evaluation.protocols import Protocol, get_protocol
from workbench.images import list_images, read_image, to_float

METRICS = ("psnr", "ssim", "lpips")

RestoreFunction = Callable[[np.ndarray], np.ndarray]
Progress = Callable[[int, int | None, str], None]
_Load = Callable[[], tuple[np.ndarray, np.ndarray]]


def evaluate_folder(
    restore_fn: RestoreFunction,
    folder: str | os.PathLike,
    protocol: str = "rgb",
    lpips: bool | Lpips | Unavailable = True,
    progress: Progress | None = None,
) -> dict:
    """Measure a restorer on a paired folder.

    A pair that cannot be measured (no partner, unequal sizes, unreadable) is listed and does not stop the others.

    Parameters
    ----------
    restore_fn : callable
        Maps a degraded image (H, W, 3), float32 in [0, 1], to the restored one of the same shape, not clipped.
    folder : path-like
        Has ``input/`` and ``target/`` with equal file names, sub-folders included.
    protocol : str
        A name of :data:`workbench.evaluation.protocols.PROTOCOLS`.
    lpips : bool, Lpips or Unavailable
        Whether to compute LPIPS, or an instance to use again.
    progress : callable, optional
        Called with (pairs done, pairs in all or None, name of the next) before each pair, and at the end with no name.

    Returns
    -------
    dict
        Ready for JSON: ``{"protocol", "images": [{"name", "psnr", "ssim", "lpips"}], "mean", "input_mean",
        "seconds_per_megapixel", "unavailable", "failed": [{"name", "reason"}]}``. The two means have the three metrics
        of the restored and the degraded images, over those images for which the metric exists; the time is that of
        restoring alone. A value that cannot be computed is None, as is the infinite PSNR of identical images, for
        which JSON has no number; ``unavailable`` says why, by metric.

    Raises
    ------
    WorkbenchError
        The folder is not laid out like that or has no images, or the protocol does not exist.
    """
    folder = Path(folder)
    sides = {}
    for side in ("input", "target"):
        if not (folder / side).is_dir():
            raise WorkbenchError(
                f"{folder}: no folder {side}/ in it; give one with input/ and target/ of equal file names"
            )
        sides[side] = {path.relative_to(folder / side).as_posix() for path in list_images(folder / side)}
    names = sorted(sides["input"] | sides["target"])
    if not names:
        raise WorkbenchError(f"{folder}: no images in input/ and target/")

    def load(name: str) -> tuple[np.ndarray, np.ndarray]:
        for side, present in sides.items():
            if name not in present:
                raise WorkbenchError(f"missing in {side}/")
        return _read(folder, "input", name), _read(folder, "target", name)

    jobs = ((name, lambda name=name: load(name)) for name in names)
    return _evaluate(restore_fn, jobs, len(names), get_protocol(protocol), lpips, progress)


def evaluate_pairs(
    restore_fn: RestoreFunction,
    pairs: Iterable[tuple[str, np.ndarray, np.ndarray]],
    protocol: str = "rgb",
    lpips: bool | Lpips | Unavailable = True,
    progress: Progress | None = None,
) -> dict:
    """Measure a restorer on pairs in memory.

    Parameters
    ----------
    pairs : iterable of (name, degraded, reference)
        Arrays (H, W, 3), uint8, uint16 or floating point in [0, 1].
    restore_fn, protocol, lpips, progress
        As for :func:`evaluate_folder`.

    Returns
    -------
    dict
        As of :func:`evaluate_folder`.
    """
    total = len(pairs) if hasattr(pairs, "__len__") else None
    jobs = ((name, lambda pair=pair: pair) for name, *pair in pairs)
    return _evaluate(restore_fn, jobs, total, get_protocol(protocol), lpips, progress)


def format_report(report: dict) -> str:
    """The result of an evaluation as a table to print, with a line for each metric that is not available."""
    rows = [(image["name"], image) for image in report["images"]]
    rows += [("mean", report["mean"]), ("mean of the inputs", report["input_mean"])]
    width = max(len(name) for name, _ in rows)
    lines = [f"{'protocol ' + report['protocol']:<{width}}    PSNR/dB    SSIM   LPIPS"]
    for name, scores in rows:
        psnr, ssim, lpips = (scores[metric] for metric in METRICS)
        lines.append(f"{name:<{width}}  {_number(psnr, 9, 3)}  {_number(ssim, 6, 4)}  {_number(lpips, 6, 4)}")
    if report["seconds_per_megapixel"] is not None:
        lines.append(f"restoring took {report['seconds_per_megapixel']:.3g} s a megapixel")
    lines += report["unavailable"].values()
    return "\n".join(lines)


def _number(value: float | None, width: int, digits: int) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:{width}.{digits}f}"


def _evaluate(
    restore_fn: RestoreFunction,
    jobs: Iterator[tuple[str, _Load]],
    total: int | None,
    protocol: Protocol,
    lpips: bool | Lpips | Unavailable,
    progress: Progress | None,
) -> dict:
    if isinstance(lpips, bool):
        lpips = Lpips.load() if lpips else Unavailable("LPIPS was not asked for")
    scorer = _Scorer(protocol, lpips)
    images, inputs, failed = [], [], []
    seconds, megapixels = 0.0, 0.0
    for name, load in jobs:
        if progress is not None:
            progress(len(images) + len(failed), total, name)
        try:
            degraded, reference = (_checked(image) for image in load())
            if degraded.shape != reference.shape:
                raise WorkbenchError(f"sizes differ: input {_size(degraded)}, target {_size(reference)}")
            started = time.perf_counter()
            restored = restore_fn(degraded)
            ended = time.perf_counter()
            if restored.shape != degraded.shape:
                raise WorkbenchError(f"the restorer made {_size(restored)} of {_size(degraded)} pixels")
            if not np.isfinite(restored).all():
                raise WorkbenchError("the restorer's output is not finite; its weights may have diverged")
        except WorkbenchError as error:
            failed.append({"name": name, "reason": str(error)})
            continue
        seconds += ended - started
        megapixels += degraded.shape[0] * degraded.shape[1] / 1e6
        reference = protocol.prepare(reference)
        inputs.append(scorer(f"{name} (input)", protocol.prepare(degraded), reference))
        images.append({"name": name, **scorer(name, protocol.prepare(restored), reference)})
    if progress is not None:
        progress(len(images) + len(failed), total, "")
    return {
        "protocol": protocol.name,
        "images": images,
        "mean": _mean(images),
        "input_mean": _mean(inputs),
        "seconds_per_megapixel": round(seconds / megapixels, 4) if images else None,
        "unavailable": scorer.unavailable(),
        "failed": failed,
    }


class _Scorer:
    """Applies the metrics to prepared images and remembers for which images a metric has no value, and why."""

    def __init__(self, protocol: Protocol, lpips: Lpips | Unavailable):
        self.protocol, self.lpips = protocol, lpips
        self._missing: dict[str, dict[str, list[str]]] = {}

    def __call__(self, name: str, restored: np.ndarray, reference: np.ndarray) -> dict[str, float | None]:
        side = min(reference.shape[:2])
        scores = dict.fromkeys(METRICS)

        try:
            psnr, ssim = self.protocol.measure(restored, reference)
        except WorkbenchError as error:
            self._miss("psnr", f"PSNR {error}", name)
            self._miss("ssim", f"SSIM {error}", name)
        else:
            if math.isfinite(psnr):
                scores["psnr"] = psnr
            else:
                self._miss("psnr", "PSNR is infinite where image and target are equal", name)
            if ssim is not None:
                scores["ssim"] = ssim
            else:
                window = self.protocol.window
                reason = f"SSIM not available for images smaller than its window of {window} pixels"
                self._miss("ssim", reason, name)

        if isinstance(self.lpips, Lpips):
            if side >= self.lpips.min_side:
                scores["lpips"] = self.lpips(restored, reference)
            else:
                self._miss("lpips", f"LPIPS not available for images smaller than {self.lpips.min_side} pixels", name)
        return scores

    def _miss(self, metric: str, reason: str, name: str) -> None:
        self._missing.setdefault(metric, {}).setdefault(reason, []).append(name)

    def unavailable(self) -> dict[str, str]:
        """One line of reasons for each metric that lacks values."""
        reasons = {
            metric: "; ".join(f"{reason}: {_enumerate(names)}" for reason, names in by_reason.items())
            for metric, by_reason in self._missing.items()
        }
        if isinstance(self.lpips, Unavailable):
            reasons["lpips"] = self.lpips.reason
        return reasons


def _enumerate(names: list[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _mean(scores: list[dict]) -> dict[str, float | None]:
    present = {metric: [score[metric] for score in scores if score[metric] is not None] for metric in METRICS}
    return {metric: sum(values) / len(values) if values else None for metric, values in present.items()}


def _read(folder: Path, side: str, name: str) -> np.ndarray:
    path = folder / side / name
    try:
        return read_image(path).pixels
    except WorkbenchError as error:
        # The name stands before the reason already; which of the two files it is does not.
        raise WorkbenchError(f"{side}: {str(error).removeprefix(f'{path}: ')}") from error


def _checked(image: np.ndarray) -> np.ndarray:
    if image.ndim != 3 or image.shape[2] != 3:
        raise WorkbenchError(f"expected an array (height, width, 3), not {image.shape}")
    return to_float(image)


def _size(image: np.ndarray) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
