"""The Explain tab: a recorded training under a time slider, conditions to switch, Fig. 1(a) under a slider."""

from __future__ import annotations

import html
from functools import cache
from importlib.resources import files
from pathlib import Path

import gradio as gr
import numpy as np
from fastapi import HTTPException

from apps import explain_text
from apps.assets import asset
from apps.pictures import data_url
from workbench.colours import colour
from workbench.diagnostics.condition_recording import (
    CHOICES,
    ERROR_STEP,
    ConditionRecording,
    load_conditions,
)
from workbench.diagnostics.microscope_recording import NOISE_RANGE, MicroscopeRecording, load_microscope
from workbench.errors import WorkbenchError
from workbench.probes.bands import ALL_BANDS
from workbench.probes.intervals import mean_interval

NOTEBOOKS = Path(str(files("apps"))).parent / "notebooks"


class ExplainTab:
    """The tab; to be made inside of `gradio.Blocks`. The browser fetches the recording when it first sees the tab."""

    def __init__(self):
        try:
            page = explain_text.page(*_recordings(), notebooks=_notebooks())
        except WorkbenchError as error:
            page = f'<div class="wb-empty" role="status"><h3>No recording</h3><p>{html.escape(str(error))}</p></div>'
        gr.HTML(
            page,
            js_on_load=asset("explain.js"),
            css_template=asset("explain.css"),
            server_functions=[recording, notebook],
            elem_id="explain",
        )


def recording(_arguments: object = None) -> dict:
    """All that the page shows, as numbers and pictures: a few megabytes. The browser always sends an argument."""
    return _payload()


def notebook(name: str) -> str:
    """A notebook's text; only of those that the page names."""
    if name not in _notebooks():
        raise HTTPException(404, f"there is no notebook {name!r}")
    return (NOTEBOOKS / name).read_text(encoding="utf-8")


def _notebooks() -> list[str]:
    return [name for name in explain_text.NOTEBOOKS if (NOTEBOOKS / name).is_file()]


@cache
def _recordings() -> tuple[MicroscopeRecording, ConditionRecording]:
    return load_microscope(), load_conditions()


@cache
def _payload() -> dict:
    microscope, conditions = _recordings()
    if not np.array_equal(microscope.steps, conditions.steps):
        raise WorkbenchError("the recordings are of different runs; make both with: workbench package recordings")
    variants = list(microscope.variants)
    return {
        "steps": microscope.steps.tolist(),
        "headStart": explain_text.head_start(microscope),
        "frequency": _lean(microscope.frequency),
        "targetSpectrum": _lean(microscope.shared["target_spectrum"]),
        "referenceSpectrum": _lean(microscope.shared["reference_spectrum"]),
        "meters": {
            variant: {
                name: _lean(microscope.meters[variant][name])
                for name in (*explain_text.METERS, "source_psnr", "target_psnr", "stage")
            }
            for variant in variants
        },
        "spectra": {variant: _lean(microscope.spectra[variant]) for variant in variants},
        "pictures": {
            "noise": data_url(conditions.shared["noise"]),
            **{
                variant: {kind: _strip(microscope.images[variant][kind]) for kind in ("source", "target")}
                for variant in variants
            },
        },
        "shown": conditions.shared["noise"].shape[0],
        "errorScale": ERROR_STEP * 255 / (2 * NOISE_RANGE),
        "switches": {variant: _switches(conditions, variant) for variant in variants},
        "quality": _quality(conditions),
        "names": {"meters": list(explain_text.METERS), "choices": list(CHOICES)},
        "colours": {variant: colour(variant) for variant in variants},
    }


def _switches(conditions: ConditionRecording, variant: str) -> dict:
    """Mean errors and what the switch changes, by step, order and choices; pictures as sheets."""
    errors = conditions.errors[variant].astype(float)
    rises = errors - errors[:, :1, :1, :1]
    intervals = np.array([mean_interval(values) for values in rises.reshape(-1, rises.shape[-1])])
    rise, low, high = intervals.T.reshape(3, *rises.shape[:-1])
    pictures = conditions.pictures[variant]
    rows, side = len(pictures), pictures.shape[-1]
    sheet = pictures.reshape(rows, -1, side, side).transpose(0, 2, 1, 3).reshape(rows * side, -1)
    source, target = (_strip(conditions.conditions[variant][:, index]) for index in (0, 1))
    return {
        "mean": _lean(errors.mean(axis=-1)), "rise": _lean(rise), "low": _lean(low), "high": _lean(high),
        "errors": data_url(sheet), "source": source, "target": target,
    }  # fmt: skip


def _quality(conditions: ConditionRecording) -> dict:
    table = conditions.quality[conditions.quality.band == ALL_BANDS]
    return {
        "levels": table.level.tolist(),
        **{name: _lean(table[name]) for name in ("mean", "low", "high")},
        "conditions": _strip(conditions.quality_pictures["condition"]),
        "errors": _strip(conditions.quality_pictures["error"]),
        "picture": _lean(conditions.quality_pictures["picture_error"]),
    }


def _strip(pictures: np.ndarray) -> str:
    """Pictures (..., P, P) or (..., P, P, 3) below one another, as the address of one image."""
    colours = pictures.shape[-1:] if pictures.shape[-1] == 3 else ()
    side = pictures.shape[-2] if colours else pictures.shape[-1]
    return data_url(pictures.reshape(-1, side, *colours))


def _lean(numbers) -> list:
    """Numbers of five decimals, enough for a screen."""
    return np.asarray(numbers, dtype=float).round(5).tolist()
