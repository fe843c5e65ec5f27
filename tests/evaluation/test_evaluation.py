import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.photos import noisy, photo

from workbench.errors import WorkbenchError
from workbench.evaluation import (
    PROTOCOLS,
    Lpips,
    evaluate_folder,
    evaluate_pairs,
    format_result,
    get_protocol,
    metrics,
)
from workbench.evaluation.measures import FIDELITY
from workbench.images import read_image, to_float, to_uint, write_png


def identity(image):
    return image


@pytest.mark.parametrize("pair", [0, 1, 2])
def test_protocols_agree_with_the_reference_numbers(golden, pair):
    expected = json.loads((golden / "metrics.json").read_text())[pair]
    degraded, reference = (
        to_float(read_image(golden / f"metric_{pair}_{side}.png").pixels) for side in ("input", "target")
    )
    for name, key in (("y", "derain_{}_y"), ("rgb", "deblur_{}_rgb")):
        protocol = get_protocol(name)
        images = protocol.prepare(degraded), protocol.prepare(reference)
        assert protocol.psnr(*images) == pytest.approx(expected[key.format("psnr")], abs=1e-4)
        assert protocol.ssim(*images) == pytest.approx(expected[key.format("ssim")], abs=1e-6)


def test_psnr_by_hand():
    zeros = np.zeros((2, 2, 3), np.uint8)
    assert metrics.psnr(zeros + np.uint8(255), zeros, 255) == 0
    assert metrics.psnr(zeros, zeros + np.uint8(1), 255) == pytest.approx(48.1308, abs=1e-4)  # no wrap-around of uint8
    assert metrics.psnr(zeros, zeros, 255) == math.inf


def test_luma_of_the_primaries():
    colours = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    np.testing.assert_allclose(metrics.luma(colours)[0], [16, 235, 81.481, 144.553, 40.966])


def ssim_by_windows(x, y, window, data_range, sample):
    """SSIM as its definition says, a loop over the windows inside the image."""
    reach, values = window.shape[0] // 2, []
    for row in range(reach, x.shape[0] - reach):
        for column in range(reach, x.shape[1] - reach):
            area = slice(row - reach, row + reach + 1), slice(column - reach, column + reach + 1)
            a, b = x[area], y[area]
            mean_a, mean_b = (window * a).sum(), (window * b).sum()
            correction = window.size / (window.size - 1) if sample else 1
            var_a, var_b = (correction * (window * (v - m) ** 2).sum() for v, m in ((a, mean_a), (b, mean_b)))
            covariance = correction * (window * (a - mean_a) * (b - mean_b)).sum()
            c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
            luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
            values.append(luminance * (2 * covariance + c2) / (var_a + var_b + c2))
    return np.mean(values)


def gaussian(dimensions):
    line = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = line
    for _ in range(dimensions - 1):
        window = np.multiply.outer(window, line)
    return window / window.sum()


def test_ssim_is_its_definition():
    x = photo(16, 18).astype(np.float64)
    y = noisy(x).astype(np.float64)
    uniform = np.full((7, 7), 1 / 49)
    by_channel = [ssim_by_windows(x[..., c], y[..., c], uniform, 1, sample=True) for c in range(3)]
    assert metrics.ssim(y, x, 1) == pytest.approx(np.mean(by_channel), abs=1e-9)
    expected = ssim_by_windows(x[..., 0], y[..., 0], gaussian(2), 1, sample=False)
    assert metrics.ssim_gaussian(y[..., 0], x[..., 0], 1) == pytest.approx(expected, abs=1e-9)


def test_ssim_of_a_volume_is_its_definition():
    x = photo(8, 9).astype(np.float64)
    y = noisy(x).astype(np.float64)
    window, values = gaussian(3), []
    pad = [np.pad(v, 5, mode="edge") for v in (x, y)]
    for index in np.ndindex(x.shape):
        a, b = (v[tuple(slice(i, i + 11) for i in index)] for v in pad)
        mean_a, mean_b = (window * a).sum(), (window * b).sum()
        var_a, var_b = ((window * (v - m) ** 2).sum() for v, m in ((a, mean_a), (b, mean_b)))
        covariance = (window * (a - mean_a) * (b - mean_b)).sum()
        numerator = (2 * mean_a * mean_b + 1e-4) * (2 * covariance + 9e-4)
        values.append(numerator / ((mean_a**2 + mean_b**2 + 1e-4) * (var_a + var_b + 9e-4)))
    assert metrics.ssim_volume(y, x, 1) == pytest.approx(np.mean(values), abs=1e-9)


def test_blocks_are_averaged_and_what_is_left_over_does_not_count():
    protocol = PROTOCOLS["blocks"]
    reference = photo(520, 300)
    restored = noisy(reference)
    restored[512:], restored[:, 256:] = 0, 0
    parts = [(restored[top : top + 256, :256], reference[top : top + 256, :256]) for top in (0, 256)]
    assert protocol.psnr(restored, reference) == pytest.approx(np.mean([metrics.psnr(*part, 1) for part in parts]))
    assert protocol.ssim(restored, reference) == pytest.approx(np.mean([metrics.ssim(*part, 1) for part in parts]))
    small = photo(30, 40), photo(30, 40, seed=3)
    assert protocol.psnr(*small) == pytest.approx(metrics.psnr(*small, 1))
    assert PROTOCOLS["blocks-volume"].ssim(*small) == pytest.approx(metrics.ssim_volume(*small, 1))


def test_rgb_rounds_and_blocks_do_not():
    reference = np.full((8, 8, 3), 0.5, np.float32)
    restored = reference + 0.2 / 255
    assert PROTOCOLS["rgb"].psnr(*map(PROTOCOLS["rgb"].prepare, (restored, reference))) == math.inf
    assert PROTOCOLS["blocks"].psnr(*map(PROTOCOLS["blocks"].prepare, (restored, reference))) < 100


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(sorted(PROTOCOLS.keys() - {"rgb-ecc"})),
    st.integers(11, 40),
    st.integers(11, 40),
    st.floats(0.02, 0.4),
)
def test_protocols_are_symmetric_and_clip(name, height, width, sigma):
    protocol, reference = PROTOCOLS[name], photo(height, width)
    beyond = reference + np.random.default_rng(0).normal(0, sigma, reference.shape).astype(np.float32)
    pair = protocol.prepare(beyond), protocol.prepare(reference)
    assert protocol.psnr(*pair) == pytest.approx(protocol.psnr(*pair[::-1]))
    assert protocol.ssim(*pair) == pytest.approx(protocol.ssim(*pair[::-1]))
    assert -1 <= protocol.ssim(*pair) <= 1
    np.testing.assert_array_equal(protocol.prepare(np.clip(beyond, 0, 1)), pair[0])
    assert protocol.ssim(pair[1], pair[1]) == pytest.approx(1)


def test_unknown_protocol_lists_the_known_ones():
    with pytest.raises(WorkbenchError, match="'srgb'.*rgb, y, blocks"):
        get_protocol("srgb")


# Folders


def test_the_time_is_that_of_restoring_a_megapixel(monkeypatch):
    clock = iter([10.0, 12.0, 20.0, 24.0])
    monkeypatch.setattr("workbench.evaluation.evaluate.time.perf_counter", lambda: next(clock))
    pictures = [(name, np.zeros((100, size, 3), np.uint8), np.zeros((100, size, 3), np.uint8))
                for name, size in (("a", 50), ("b", 100))]  # fmt: skip
    report = evaluate_pairs(brighten, pictures, metrics=FIDELITY)
    assert report["seconds_per_megapixel"] == pytest.approx(6.0 / 0.015)
    assert "400 s a megapixel" in format_result(report)
    assert evaluate_pairs(brighten, [], metrics=FIDELITY)["seconds_per_megapixel"] is None


@pytest.fixture
def pairs(tmp_path):
    for index, name in enumerate(("a.png", "b.png", "sub/c.png")):
        reference = to_uint(photo(seed=index))
        for side, image in (("input", to_uint(noisy(photo(seed=index)))), ("target", reference)):
            (tmp_path / side / name).parent.mkdir(parents=True, exist_ok=True)
            write_png(tmp_path / side / name, image)
    return tmp_path


def brighten(image):
    assert image.dtype == np.float32 and image.max() <= 1
    return image + np.float32(0.1)


def test_evaluate_folder(pairs):
    calls = []
    report = evaluate_folder(brighten, pairs, metrics=FIDELITY, progress=lambda *call: calls.append(call))
    assert calls == [(0, 3, "a.png"), (1, 3, "b.png"), (2, 3, "sub/c.png"), (3, 3, "")]
    measured = ["protocol", "images", "mean", "input_mean", "seconds_per_megapixel", "unavailable", "failed"]
    assert list(report) == measured
    assert report["protocol"] == "rgb" and report["failed"] == []
    assert [list(image) for image in report["images"]] == [["name", "psnr", "ssim"]] * 3
    protocol = PROTOCOLS["rgb"]
    expected = []
    for image in report["images"]:
        degraded, reference = (read_image(pairs / side / image["name"]).pixels for side in ("input", "target"))
        restored = to_uint(to_float(degraded) + np.float32(0.1))
        assert image["psnr"] == protocol.psnr(restored, reference)
        assert image["ssim"] == protocol.ssim(restored, reference)
        expected.append((image["psnr"], protocol.psnr(degraded, reference)))
    assert [report["mean"]["psnr"], report["input_mean"]["psnr"]] == pytest.approx(np.mean(expected, axis=0).tolist())
    assert report["unavailable"] == {}
    json.dumps(report, allow_nan=False)


def test_what_fails_is_listed_and_the_others_are_done(pairs):
    (pairs / "input" / "b.png").write_bytes(b"")
    (pairs / "target" / "only.png").write_bytes(b"")
    write_png(pairs / "target" / "sub" / "c.png", to_uint(photo(41, 52)))
    report = evaluate_folder(identity, pairs, metrics=FIDELITY)
    assert [image["name"] for image in report["images"]] == ["a.png"]
    assert report["failed"] == [
        {"name": "b.png", "reason": "input: the file is empty"},
        {"name": "only.png", "reason": "missing in input/"},
        {"name": "sub/c.png", "reason": "sizes differ: input 52x40, target 52x41"},
    ]
    assert report["mean"]["psnr"] == report["images"][0]["psnr"]


@pytest.mark.parametrize(
    ("restore_fn", "reason"),
    [
        (lambda image: image * np.float32(np.nan), "not finite"),
        (lambda image: image[1:], "52x39 of 52x40"),
    ],
)
def test_a_restorer_gone_wrong_is_no_result(pairs, restore_fn, reason):
    report = evaluate_folder(restore_fn, pairs, metrics=FIDELITY)
    assert report["images"] == [] and all(reason in failure["reason"] for failure in report["failed"])
    assert report["mean"] == {"psnr": None, "ssim": None}
    assert "mean" in format_result(report)


def test_a_folder_laid_out_otherwise_is_refused(tmp_path):
    with pytest.raises(WorkbenchError, match=r"nowhere: a paired folder has input/ and target/; input/ is missing"):
        evaluate_folder(identity, tmp_path / "nowhere")
    (tmp_path / "input").mkdir()
    with pytest.raises(WorkbenchError, match="target/ is missing"):
        evaluate_folder(identity, tmp_path)
    (tmp_path / "target").mkdir()
    with pytest.raises(WorkbenchError, match="no images"):
        evaluate_folder(identity, tmp_path)


def test_values_that_do_not_exist_are_null_with_a_reason(monkeypatch, no_weights, offline):
    same = photo()
    examples = [("same", same, same), ("tiny", photo(5, 9), photo(5, 9, seed=4)), ("plain", noisy(same), same)]
    report = evaluate_pairs(identity, examples, "y")
    by_name = {image["name"]: image for image in report["images"]}
    assert by_name["same"]["psnr"] is None and by_name["same"]["ssim"] == pytest.approx(1)
    assert by_name["tiny"]["ssim"] is None and by_name["tiny"]["psnr"] > 0
    assert report["mean"]["psnr"] == pytest.approx((by_name["tiny"]["psnr"] + by_name["plain"]["psnr"]) / 2)
    assert report["unavailable"]["psnr"] == "PSNR is infinite where image and target are equal: same (input), same"
    assert "11 pixels: tiny (input), tiny" in report["unavailable"]["ssim"]
    assert report["unavailable"]["lpips"].startswith("LPIPS not available, because")
    json.dumps(report, allow_nan=False)
    table = format_result(report)
    assert all(reason in table for reason in report["unavailable"].values()) and "same" in table


def test_lpips_in_the_report(weights, monkeypatch):
    monkeypatch.setenv("WORKBENCH_WEIGHTS", str(weights))
    metric = Lpips.load("squeeze")
    reference = photo()
    examples = [("a", to_uint(noisy(reference)), to_uint(reference)), ("tiny", photo(16, 30), photo(16, 30, seed=1))]
    report = evaluate_pairs(identity, iter(examples), "rgb", metrics=(*FIDELITY, metric))
    assert report["images"][0]["lpips"] == pytest.approx(metric(examples[0][1], examples[0][2]))
    assert report["images"][1]["lpips"] is None
    assert report["mean"]["lpips"] == report["images"][0]["lpips"] == report["input_mean"]["lpips"]
    assert report["unavailable"] == {
        "lpips": "LPIPS not available for images smaller than 17 pixels: tiny (input), tiny"
    }


def test_integer_and_float_pairs_score_alike():
    reference = to_uint(photo(), 16)
    degraded = to_uint(noisy(photo()), 16)
    as_float = evaluate_pairs(identity, [("a", to_float(degraded), to_float(reference))], "blocks", metrics=FIDELITY)
    as_integer = evaluate_pairs(identity, [("a", degraded, reference)], "blocks", metrics=FIDELITY)
    assert as_integer | {"seconds_per_megapixel": 0} == as_float | {"seconds_per_megapixel": 0}
