"""The protocols on real image sets, where those are at hand, against what their makers' manifest says."""

import json

import pytest

from workbench.evaluation import evaluate_folder

# Noise, rain, motion blur, low light and haze; the sets with the fewest pixels of each.
SETS = ["cc15", "sidd_pair", "rain100l", "spa_pair", "gopro", "lol_eval15", "sots"]


@pytest.mark.parametrize("name", SETS)
def test_input_scores_agree_with_the_manifest(real_data, name):
    sets = {entry["name"]: entry for entry in json.loads((real_data / "MANIFEST.json").read_text())["sets"]}
    expected = sets[name]["input_vs_target"]
    report = evaluate_folder(lambda image: image, real_data / name, "rgb", lpips=False)
    assert len(report["images"]) == sets[name]["pairs"] and not report["failed"]
    assert report["input_mean"] == report["mean"]
    assert report["mean"]["psnr"] == pytest.approx(expected["psnr_rgb"], abs=0.011)
    # the manifest's SSIM is scikit-image's, rounded
    assert report["mean"]["ssim"] == pytest.approx(expected["ssim_rgb"], abs=1e-3)


def test_lpips_of_real_noise_from_local_weights(real_data, monkeypatch):
    monkeypatch.setenv("WORKBENCH_WEIGHTS", str(real_data / "weights"))
    report = evaluate_folder(lambda image: image, real_data / "sidd_pair", "rgb")
    assert "lpips" not in report["unavailable"]
    assert 0.2 < report["mean"]["lpips"] < 1.5, "a very noisy picture is far from its reference"
