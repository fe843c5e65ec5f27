"""Measure a restorer on pairs of images."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from workbench.data.folders import Alone, PairFiles, is_paired, list_pairs, list_pictures, with_names
from workbench.errors import WorkbenchError
from workbench.evaluation.measures import METRICS, STANDARD, chosen
from workbench.evaluation.metric import Metric, NoValue, Sample, Unavailable
from workbench.evaluation.protocols import Protocol, get_protocol
from workbench.images import read_image, to_float
from workbench.tabular import as_text

RestoreFunction = Callable[[np.ndarray], np.ndarray]
Progress = Callable[[int, int | None, str], None]
Load = Callable[[], tuple[np.ndarray, np.ndarray | None]]
_Values = dict[str, list]


def evaluate_folder(
    restore_fn: RestoreFunction,
    folder: str | os.PathLike,
    protocol: str = "rgb",
    progress: Progress | None = None,
    metrics: Sequence[str | Metric] = STANDARD,
) -> dict:
    """Measure a restorer on a paired folder.

    A pair that cannot be measured (no partner, unequal sizes, unreadable) is listed and does not stop the others.

    Parameters
    ----------
    restore_fn : callable
        Maps a degraded image (H, W, 3), float32 in [0, 1], to the restored one of the same shape, not clipped.
    folder : path-like
        Has ``input/`` and ``target/`` with equal file names, sub-folders included; of pictures alone where no metric
        needs a reference.
    protocol : str
        A name of :data:`workbench.evaluation.protocols.PROTOCOLS`.
    progress : callable, optional
        Called with (pairs done, pairs in all or None, name of the next) before each pair, and at the end with no name.
    metrics : sequence of str or Metric
        Keys of `workbench.evaluation.measures.METRICS`, or metrics that are loaded already.

    Returns
    -------
    dict
        Ready for JSON: ``{"protocol", "images": [{"name", METRIC...}], "mean", "input_mean",
        "seconds_per_megapixel", "unavailable", "failed": [{"name", "reason"}]}``. The two means have the metrics of the
        restored and the degraded images, over those images for which the metric exists, or its value for them all if
        it is one of sets; the time is that of restoring alone. A value that cannot be computed is None, as is the
        infinite PSNR of identical images, for which JSON has no number; ``unavailable`` says why, by metric.

    Raises
    ------
    WorkbenchError
        The folder is not laid out like that or has no images, or the protocol or a metric does not exist.
    """
    folder = Path(folder)
    if folder.is_dir() and not is_paired(folder):
        return _evaluate_alone(restore_fn, folder, protocol, progress, metrics)
    pairs, alone = list_pairs(folder)
    if not pairs and not alone:
        raise WorkbenchError(f"{folder}: no images in input/ and target/")

    def load(files: PairFiles | Alone) -> tuple[np.ndarray, np.ndarray]:
        if isinstance(files, Alone):
            raise WorkbenchError(f"missing in {files.missing}/")
        return _read("input", files.degraded), _read("target", files.clean)

    jobs = ((files.name, lambda files=files: load(files)) for files in sorted([*pairs, *alone]))
    return evaluate_each(restore_fn, jobs, len(pairs) + len(alone), get_protocol(protocol), progress, metrics)


def _evaluate_alone(
    restore_fn: RestoreFunction, folder: Path, protocol: str, progress: Progress | None, metrics: Sequence[str | Metric]
) -> dict:
    """As `evaluate_folder`, of pictures without references."""
    if _need_references(metrics):
        alone = ", ".join(name for name, metric in METRICS.items() if not metric.needs_reference)
        raise WorkbenchError(
            f"{folder}: a paired folder has input/ and target/; input/ is missing (without pairs there are {alone})"
        )
    paths = list_pictures(folder)
    jobs = ((name, lambda path=path: (_read("input", path), None)) for name, path in with_names(paths))
    return evaluate_each(restore_fn, jobs, len(paths), get_protocol(protocol), progress, metrics)


def evaluate_pairs(
    restore_fn: RestoreFunction,
    pairs: Iterable[tuple[str, np.ndarray, np.ndarray]],
    protocol: str = "rgb",
    progress: Progress | None = None,
    metrics: Sequence[str | Metric] = STANDARD,
) -> dict:
    """Measure a restorer on pairs in memory.

    Parameters
    ----------
    pairs : iterable of (name, degraded, reference)
        Arrays (H, W, 3), uint8, uint16 or floating point in [0, 1].
    restore_fn, protocol, progress, metrics
        As for :func:`evaluate_folder`.

    Returns
    -------
    dict
        As of :func:`evaluate_folder`.
    """
    total = len(pairs) if hasattr(pairs, "__len__") else None
    jobs = ((name, lambda pair=pair: pair) for name, *pair in pairs)
    return evaluate_each(restore_fn, jobs, total, get_protocol(protocol), progress, metrics)


def format_result(result: dict) -> str:
    """The result of an evaluation as a table to print, with a line for each metric that is not available."""
    rows = [(image["name"], image) for image in result["images"]]
    rows += [("mean", result["mean"]), ("mean of the inputs", result["input_mean"])]
    metrics = chosen(result["mean"])
    table = [[f"protocol {result['protocol']}", *(metric.heading() for metric in metrics)]]
    for name, scores in rows:
        digits = (metric.image_digits or metric.digits for metric in metrics)
        values = (scores.get(metric.name) for metric in metrics)
        table.append([name, *(_number(value, places) for value, places in zip(values, digits, strict=True))])
    lines = [as_text(table)]
    if result["seconds_per_megapixel"] is not None:
        lines.append(f"restoring took {result['seconds_per_megapixel']:.3g} s a megapixel")
    lines += [*result["unavailable"].values(), *result.get("notes", ())]
    return "\n".join(lines)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _need_references(metrics: Sequence[str | Metric]) -> bool:
    named = chosen(each for each in metrics if isinstance(each, str))
    return any(metric.needs_reference for metric in (*named, *(each for each in metrics if not isinstance(each, str))))


def _loaded(metrics: Sequence[str | Metric]) -> dict[str, Metric | Unavailable]:
    named = {metric.name: metric for metric in chosen(each for each in metrics if isinstance(each, str))}
    return {
        (each if isinstance(each, str) else each.name): (named[each].load() if isinstance(each, str) else each)
        for each in metrics
    }


def evaluate_each(
    restore_fn: RestoreFunction,
    jobs: Iterator[tuple[str, Load]],
    total: int | None,
    protocol: Protocol,
    progress: Progress | None,
    metrics: Sequence[str | Metric],
) -> dict:
    """Measure a restorer on pairs that are loaded when their turn comes, by ``jobs``: names and callables.

    Further arguments and the result are as of :func:`evaluate_folder`; a pair whose loading raises `WorkbenchError` is
    listed as failed. Without a reference (None) no metric may need one.
    """
    scorer = _Scorer(protocol, _loaded(metrics))
    images, failed = [], []
    of_restored, of_inputs = {}, {}
    seconds, megapixels = 0.0, 0.0
    for name, load in jobs:
        if progress is not None:
            progress(len(images) + len(failed), total, name)
        try:
            degraded, reference = (None if image is None else _checked(image) for image in load())
            if reference is not None and degraded.shape != reference.shape:
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
        reference = None if reference is None else protocol.prepare(reference)
        scorer(f"{name} (input)", protocol.prepare(degraded), reference, of_inputs)
        images.append({"name": name, **scorer(name, protocol.prepare(restored), reference, of_restored)})
    if progress is not None:
        progress(len(images) + len(failed), total, "")
    return {
        "protocol": protocol.name,
        "images": images,
        "mean": scorer.of_set("the set", of_restored),
        "input_mean": scorer.of_set("the set (input)", of_inputs),
        "seconds_per_megapixel": round(seconds / megapixels, 4) if images else None,
        "unavailable": scorer.unavailable(),
        "failed": failed,
    }


class _Scorer:
    """Applies metrics to prepared pictures and remembers for which of them a metric has no value, and why."""

    def __init__(self, protocol: Protocol, metrics: dict[str, Metric | Unavailable]):
        self.protocol, self.metrics = protocol, metrics
        self._missing: dict[str, dict[str, list[str]]] = {}

    def __call__(self, name: str, picture: np.ndarray, reference: np.ndarray, of_all: _Values) -> dict:
        """The values of a picture, but those of metrics of sets; ``of_all`` keeps what was measured."""
        sample, scores = Sample(picture, reference, self.protocol), {}
        for key, metric in self.metrics.items():
            value = None
            if isinstance(metric, Metric):
                try:
                    value = metric.measure(sample)
                    of_all.setdefault(key, []).append(value)
                except NoValue as reason:
                    self._lacks(key, reason, name)
                if metric.per_set:
                    continue
            scores[key] = value
        return scores

    def of_set(self, name: str, of_all: _Values) -> dict[str, float | None]:
        """The value of each metric over all pictures that have one."""
        scores = dict.fromkeys(self.metrics)
        for key, measured in of_all.items():
            try:
                scores[key] = self.metrics[key].of_set(measured)
            except NoValue as reason:
                self._lacks(key, reason, name)
        return scores

    def _lacks(self, key: str, reason: NoValue, name: str) -> None:
        self._missing.setdefault(key, {}).setdefault(str(reason), []).append(name)

    def unavailable(self) -> dict[str, str]:
        """One line of reasons for each metric that lacks values."""
        reasons = {
            metric: "; ".join(f"{reason}: {_enumerate(names)}" for reason, names in by_reason.items())
            for metric, by_reason in self._missing.items()
        }
        lacking = {key: metric for key, metric in self.metrics.items() if isinstance(metric, Unavailable)}
        return reasons | {key: metric.reason for key, metric in lacking.items()}


def _enumerate(names: list[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _read(side: str, path: Path) -> np.ndarray:
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
