"""The evaluations of a run, kept in its folder: what was measured, on what, how, when and by which code.

An evaluation is ``RUN/evaluations/DATA-PROTOCOL.json``: ``format``, ``date``, ``protocol``, ``data`` (``name``,
``place``, the location as it was given, ``data_set`` of the catalogue or null, ``size`` or null), ``options`` (of the
restorer, where they were not those of its card), ``contents`` (the fingerprint of the data's folder, or null),
``provenance`` and ``report``, the whole result. Only what was measured is in it. No torch here: tables are made without
it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.files import cannot_write, read_json, write_json

if TYPE_CHECKING:
    from workbench.evaluation.sets import EvaluationSet

FOLDER = "evaluations"
FORMAT = 1


@dataclass(frozen=True)
class Evaluation:
    """An evaluation of a run.

    Attributes
    ----------
    data, location, protocol, date : str
    data_set : str or None
        Name in the catalogue of data sets, if it is known to be one.
    complete : bool
        Whether every pair that the data set has was measured.
    images : int
        Number of pairs measured.
    failed : int
        Number of pairs that could not be measured.
    scores : dict of str to dict
        ``psnr``, ``ssim``, ``lpips`` by picture; None where a metric was not computed.
    mean, input_mean : dict
        ``psnr``, ``ssim``, ``lpips`` of the restored and of the degraded images; None where a metric was not computed.
    seconds_per_megapixel : float or None
        Of restoring; None in older ones.
    gmacs : float or None
        Milliards of multiplications that restoring a picture of 256x256 takes; None where they are not counted, and in
        older ones.
    unavailable : dict of str to str
        Why a metric is None, by metric.
    fingerprint : str or None
        Of the folder that was measured (`workbench.data.fingerprints`); None if it was none, and in older ones.
    options : dict
        Of the restorer, where they were not those of its card; empty in older ones.
    """

    data: str
    location: str
    data_set: str | None
    complete: bool
    protocol: str
    date: str
    images: int
    failed: int
    scores: dict[str, dict[str, float | None]]
    mean: dict[str, float | None]
    input_mean: dict[str, float | None]
    seconds_per_megapixel: float | None
    gmacs: float | None
    unavailable: dict[str, str]
    fingerprint: str | None
    options: dict


def run_folder(restorer: Path) -> Path | None:
    """The run folder that a restorer, given as in ``workbench evaluate``, belongs to; None if it stands alone."""
    restorer = Path(restorer)
    folder = restorer if restorer.is_dir() else restorer.parent
    is_its_restorer = restorer.is_dir() or restorer.stem == "restorer"
    return folder if is_its_restorer and (folder / "recipe.yaml").is_file() else None


def save_evaluation(
    run: Path, measured: EvaluationSet, result: dict, provenance: dict, options: Mapping[str, object] | None = None
) -> Path:
    """Keep an evaluation in a run's folder.

    The same data, protocol and options replace the earlier one, unless that has metrics of the same pictures which were
    not measured now; others of the same name get a number.

    Parameters
    ----------
    run : Path
        Run folder.
    measured : EvaluationSet
    result : dict
        As of `workbench.evaluation.evaluate_folder`.
    provenance : dict
        As of `workbench.runs.provenance`: the code that measured.
    options : mapping, optional
        Of the restorer, where they are not those of its card.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    WorkbenchError
        It cannot be written.
    """
    options = dict(options or {})
    data = {
        "name": measured.name, "place": measured.location, "data_set": measured.data_set, "size": measured.size,
    }  # fmt: skip
    content = {
        "format": FORMAT, "date": datetime.now(UTC).isoformat(timespec="seconds"), "protocol": result["protocol"],
        "data": data, "options": options, "contents": measured.fingerprint, "provenance": provenance, "report": result,
    }  # fmt: skip
    folder = Path(run) / FOLDER
    stem = re.sub(r"[^\w.]+", "-", measured.name).strip("-") or "data"
    try:
        folder.mkdir(exist_ok=True)
        for number in count(1):
            path = folder / f"{stem}{'' if number == 1 else f'-{number}'}-{result['protocol']}.json"
            if not path.exists() or _is_replaced(_read(path), content):
                break
    except OSError as error:
        raise cannot_write(folder, error) from error
    write_json(path, content)
    return path


def _is_replaced(old: dict, new: dict) -> bool:
    """Whether an evaluation tells no more than a new one."""
    if (old["data"], old.get("options", {})) != (new["data"], new["options"]):
        return False
    try:
        fewer = old["report"]["mean"].keys() <= new["report"]["mean"].keys()
    except (KeyError, TypeError, AttributeError):
        return True  # damaged
    return fewer or old.get("contents") != new["contents"]


def read_evaluation(path: Path) -> Evaluation:
    """Read an evaluation.

    Raises
    ------
    WorkbenchError
        It is damaged or of another version.
    """
    content = _read(path)
    try:
        data, result = content["data"], content["report"]
        images, failed = len(result["images"]), len(result["failed"])
        mean, input_mean = (
            {metric: value if value is None else float(value) for metric, value in result[key].items()}
            for key in ("mean", "input_mean")
        )
        scores = {
            str(image["name"]): {metric: value for metric, value in image.items() if metric != "name"}
            for image in result["images"]
        }
        return Evaluation(
            data=str(data["name"]), location=str(data["place"]), data_set=data["data_set"],
            complete=not failed and images == data["size"], protocol=str(content["protocol"]),
            date=str(content["date"]), images=images, failed=failed, scores=scores, mean=mean, input_mean=input_mean,
            seconds_per_megapixel=result.get("seconds_per_megapixel"), gmacs=result.get("gmacs"),
            unavailable=dict(result.get("unavailable", {})),
            fingerprint=content.get("contents"), options=dict(content.get("options", {})),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path) from error


def _read(path: Path) -> dict:
    try:
        content = read_json(path)
        known = content["format"] == FORMAT and isinstance(content["data"], dict)
    except (OSError, WorkbenchError, KeyError, TypeError) as error:
        raise _damaged(path) from error
    if not known:
        raise _damaged(path)
    return content


def _damaged(path: Path) -> WorkbenchError:
    return WorkbenchError(f"{path}: not the result of an evaluation; delete it and run `workbench evaluate` again")
