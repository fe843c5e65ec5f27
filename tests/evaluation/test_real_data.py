"""The protocols on real image sets, where those are at hand, against what their makers' manifest says."""

import json

import numpy as np
import pytest

from workbench.evaluation import evaluate_folder, evaluate_pairs
from workbench.evaluation.measures import FIDELITY
from workbench.evaluation.metrics import psnr
from workbench.images import read_image

# Noise, rain, motion blur, camera shake, low light and haze; the sets with the fewest pixels of each.
SETS = ["cc15", "sidd_pair", "rain100l", "spa_pair", "gopro", "levin", "lol_eval15", "sots"]


@pytest.mark.parametrize("name", SETS)
def test_input_scores_agree_with_the_manifest(real_data, name):
    sets = {entry["name"]: entry for entry in json.loads((real_data / "MANIFEST.json").read_text())["sets"]}
    expected = sets[name]["input_vs_target"]
    report = evaluate_folder(lambda image: image, real_data / name, "rgb", metrics=FIDELITY)
    assert len(report["images"]) == sets[name]["pairs"] and not report["failed"]
    assert report["input_mean"] == report["mean"]
    assert report["mean"]["psnr"] == pytest.approx(expected["psnr_rgb"], abs=0.011)
    # the manifest's SSIM is scikit-image's, rounded
    assert report["mean"]["ssim"] == pytest.approx(expected["ssim_rgb"], abs=1e-3)


def test_real_shake_is_measured_after_alignment(real_data):
    pairs, by_shift = [], []
    for name in ("im1_kernel2.png", "im1_kernel3.png", "im2_kernel4.png", "im3_kernel5.png"):
        blurred, sharp = (read_image(real_data / "levin" / side / name).pixels for side in ("input", "target"))
        pairs.append((name, blurred, sharp))
        inner = sharp[10:-10, 10:-10]
        shifted = (np.roll(blurred, (y, x), axis=(0, 1))[10:-10, 10:-10] for y in range(-6, 7) for x in range(-6, 7))
        by_shift.append(max(psnr(image, inner, data_range=255) for image in shifted))
    as_they_are = evaluate_pairs(lambda image: image, pairs, "rgb", metrics=FIDELITY)["images"]
    aligned = evaluate_pairs(lambda image: image, pairs, "rgb-ecc", metrics=FIDELITY)["images"]
    for before, after, best_shift in zip(as_they_are, aligned, by_shift, strict=True):
        assert after["psnr"] > before["psnr"] + 0.5, "the blurred picture lies some pixels off"
        # An independent measurement: whole pixels, all of them tried. Parts of pixels and brightness gain a little.
        assert best_shift - 0.2 < after["psnr"] < best_shift + 2
        assert after["ssim"] > before["ssim"]


def test_lpips_of_real_noise_from_local_weights(real_data, monkeypatch):
    monkeypatch.setenv("WORKBENCH_WEIGHTS", str(real_data / "weights"))
    report = evaluate_folder(lambda image: image, real_data / "sidd_pair", "rgb")
    assert "lpips" not in report["unavailable"]
    assert 0.2 < report["mean"]["lpips"] < 1.5, "a very noisy picture is far from its reference"
