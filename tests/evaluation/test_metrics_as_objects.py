"""What a metric says of itself, values for sets, and the example of docs/adding-a-metric.md."""

import json
import sys

import numpy as np
import pytest
from support import ROOT

from workbench.errors import WorkbenchError
from workbench.evaluation import Metric, NoValue, Unavailable, evaluate_pairs, format_result
from workbench.evaluation.measures import GROUP, METRICS, STANDARD, chosen

EXAMPLE = ROOT / "tests" / "example_metric"


def pictures(count=3, side=24):
    rng = np.random.default_rng(0)
    clean = rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    return [(f"{index}", image // 2, image) for index, image in enumerate(clean)]


@pytest.fixture
def also(monkeypatch):
    """Add a metric for a test."""
    return lambda metric: monkeypatch.setitem(METRICS, metric.name, metric)


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_every_metric_says_what_people_and_tables_need(metric):
    assert METRICS[metric.name] is metric and metric.heading().startswith(metric.title)
    assert metric.better in {"higher", "lower", None} and metric.digits >= 0
    assert metric.__doc__


def test_the_standard_ones_are_those_of_the_papers():
    assert STANDARD == ("psnr", "ssim", "lpips")
    assert [(each.heading(), each.better) for each in chosen(STANDARD)] == [
        ("PSNR / dB", "higher"), ("SSIM", "higher"), ("LPIPS", "lower"),
    ]  # fmt: skip
    with pytest.raises(WorkbenchError, match="no metric is called 'magic'; choose some of psnr, ssim"):
        evaluate_pairs(lambda image: image, pictures(), metrics=("psnr", "magic"))


def test_only_what_is_asked_for_is_measured_and_a_picture_alone_will_do():
    report = evaluate_pairs(lambda image: image, [*pictures(), ("tiny", *[np.zeros((9, 9, 3), np.uint8)] * 2)],
                            metrics=("blur", "psnr", "noise"))  # fmt: skip
    assert list(report["mean"]) == ["blur", "psnr", "noise"] and report["mean"]["noise"] > 1
    assert report["images"][-1] == {"name": "tiny", "blur": None, "psnr": None, "noise": None}
    assert report["unavailable"]["noise"].endswith("tiny (input), tiny")
    assert format_result(report).splitlines()[0].split() == [
        "protocol", "rgb", "blur,", "0", "to", "1", "PSNR", "/", "dB", "noise", "/", "255"
    ]  # fmt: skip


class _Shift(Metric):
    """How far the mean grey of a set lies from that of its references."""

    name, title, better, per_set = "shift", "shift", "lower", True

    def measure(self, sample):
        if sample.picture.max() == 0:
            raise NoValue("it is black")
        return float(sample.picture.mean()), float(sample.reference.mean())

    def of_set(self, measured):
        ours, theirs = np.mean(measured, axis=0)
        return abs(ours - theirs)


def test_a_metric_of_sets_has_one_value_for_all_pictures(also):
    also(_Shift)
    pairs = [*pictures(), ("black", *[np.zeros((24, 24, 3), np.uint8)] * 2)]
    report = evaluate_pairs(lambda image: 2 * image, pairs, metrics=("psnr", "shift"))
    assert all("shift" not in image for image in report["images"])
    restored, reference = (np.mean([each[which].mean() for each in pairs[:-1]]) for which in (1, 2))
    assert report["input_mean"]["shift"] == pytest.approx(abs(restored - reference))
    assert report["mean"]["shift"] < 1 and report["unavailable"]["shift"] == "it is black: black (input), black"
    assert evaluate_pairs(lambda image: image, [], metrics=("shift",))["mean"] == {"shift": None}
    json.dumps(report, allow_nan=False)
    assert format_result(report).count("\n") > len(pairs)


def test_what_a_metric_lacks_is_said_and_the_others_are_measured(also):
    class Lacking(_Shift):
        name, per_set = "lacking", False

        @classmethod
        def load(cls):
            return Unavailable("lacking needs a file")

    also(Lacking)
    report = evaluate_pairs(lambda image: image, pictures(), metrics=("lacking", "psnr"))
    assert report["mean"]["lacking"] is None and report["mean"]["psnr"] > 0
    assert report["unavailable"] == {"lacking": "lacking needs a file"}


def test_the_page_shows_the_example_as_it_is():
    page = (ROOT / "docs" / "adding-a-metric.md").read_text()
    for file in ("gradient_similarity.py", "pyproject.toml"):
        assert (EXAMPLE / file).read_text() in page, f"{file} and docs/adding-a-metric.md differ"
    assert f'entry-points."{GROUP}"' in page


def test_the_example_measures(also, monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLE)
    from gradient_similarity import GradientSimilarity

    monkeypatch.delitem(sys.modules, "gradient_similarity")
    also(GradientSimilarity)
    clean = pictures()
    same = [("same", clean[0][2], clean[0][2]), ("tiny", *[np.zeros((2, 2, 3), np.uint8)] * 2)]
    exact = evaluate_pairs(lambda image: image, same, metrics=("gmsd",))
    assert exact["mean"]["gmsd"] == pytest.approx(0, abs=1e-9) and "3 pixels a side" in exact["unavailable"]["gmsd"]
    spoilt = [evaluate_pairs(lambda image: image, clean, protocol, metrics=("gmsd",)) for protocol in ("rgb", "blocks")]
    assert (
        spoilt[0]["mean"]["gmsd"] == pytest.approx(spoilt[1]["mean"]["gmsd"], rel=1e-5)
        and spoilt[0]["mean"]["gmsd"] > 0.02
    )
