"""The first screen, and what a comparison comes to in words."""

import io
import json
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image as PillowImage

from apps import parts, report, verdict
from apps.assets import asset, picture
from apps.compare import CompareTab
from apps.comparison import Comparison, Job, View
from apps.degrading import Degradation
from apps.restorers import Choice
from workbench.data.embedded import simulated_target
from workbench.evaluation import get_protocol
from workbench.images import to_float
from workbench.restorers import load_restorer, names


def test_the_recorded_example_is_what_the_packaged_restorers_make():
    facts = json.loads(asset(parts.EXAMPLE[0]))
    strip = np.asarray(PillowImage.open(io.BytesIO(picture(parts.EXAMPLE[1]))))
    x, y, side = facts["crop"]
    (shot,) = [each for each in simulated_target("held-out", facts["camera"]) if each.name == facts["photo"]]
    protocol = get_protocol("rgb")
    clean = protocol.prepare(to_float(shot.reference))
    for number, title in enumerate(facts["titles"]):
        made = {"input": shot.photograph, "reference": shot.reference}.get(title)
        if made is None:
            made = load_restorer(names.find(facts["restorers"][title]))[0].restore(shot.photograph)
        shown = strip[:, number * side : (number + 1) * side]
        assert np.abs(shown.astype(int) - made[y : y + side, x : x + side]).max() <= 1, title
        if title != "reference":
            assert facts["psnr"][title] == pytest.approx(
                protocol.psnr(protocol.prepare(to_float(made)), clean), abs=0.02
            )


def test_before_any_click_there_is_a_comparison_and_a_pair_to_compare(tmp_path):
    page = parts.welcome()
    assert page.count("<figure>") == 5 and "dB" in page and "Recorded" in page
    assert all(f"<b>{word}</b>" in page for word in ("vanilla", "adapted", "guarded"))
    with gr.Blocks():
        tab = CompareTab(tmp_path)
    assert tab.restorers.value == ["denoise-photographs-vanilla", "denoise-photographs-adapted"]
    assert {"nlm", "tv"} <= {name for _, name in tab.restorers.choices}


def job(*scores: dict[str, float | None], reference: bool = True) -> Job:
    comparisons = []
    for number, psnr in enumerate(scores):
        views = {
            title: View(title, np.zeros((2, 2, 3), np.uint8), Choice(title, Path(title), {}), 1.0, {"psnr": value})
            for title, value in psnr.items()
        }
        views["input"].choice = None
        if reference:
            views["reference"] = View("reference", np.zeros((2, 2, 3), np.uint8))
        comparisons.append(Comparison(f"{number}.png", Path(), views, "made here"))
    return Job(comparisons, {}, Degradation(), None)


def test_the_verdict_is_of_the_means_over_photos():
    two = job(
        {"input": 20.0, "vanilla": 24.0, "adapted": 23.0}, {"input": 22.0, "vanilla": 25.0, "adapted": 28.0},
        {"input": 20.0, "vanilla": 30.0, "adapted": None},
    )  # fmt: skip
    assert verdict.means(two) == {"input": 21.0, "vanilla": 24.5, "adapted": 25.5}
    text = verdict.words(two)
    assert text.startswith("adapted is closest to the reference, 1.00 dB before vanilla, ahead on 1 of 2.")
    assert "over 2 photos with a reference: input 21.00, adapted 25.50, vanilla 24.50" in text
    found = report.as_dict(two)
    assert found["mean_psnr"] == {"input": 21.0, "vanilla": 24.5, "adapted": 25.5}
    assert "1.00 dB before vanilla" in report.as_markdown(two)


@pytest.mark.parametrize(
    "psnr, begins",
    [
        ({"input": 20.0, "vanilla": 24.0, "adapted": 24.05}, "adapted and vanilla are level"),
        ({"input": 30.0, "vanilla": 24.0, "adapted": 28.0}, "No restorer helps"),
        ({"input": 20.0, "vanilla": 24.0}, "vanilla helps (+4.00 dB over the input)"),
        ({"input": 20.0, "vanilla": 18.0}, "vanilla does harm (-2.00 dB over the input)"),
        ({"input": 20.0, "vanilla": 20.05}, "vanilla changes hardly anything"),
    ],
)
def test_a_verdict_calls_nothing_better_that_is_not(psnr, begins):
    assert verdict.words(job(psnr)).startswith(begins)


def test_without_a_reference_there_is_no_verdict_and_names_bring_no_html():
    alone = job({"input": None, "vanilla": None}, reference=False)
    assert "Without a clean twin" in verdict.words(alone) and verdict.means(alone) == {}
    assert "<b>evil" not in verdict.as_html(job({"input": 20.0, "<b>evil": 24.0}))
