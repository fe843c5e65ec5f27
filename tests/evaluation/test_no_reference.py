"""Noise and blur of pictures without a reference."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from workbench.data.embedded import photograph
from workbench.evaluation import no_reference as module
from workbench.evaluation.no_reference import no_reference, noise_level


@pytest.fixture(scope="module")
def clean():
    return photograph("astronaut").pixels[:256, :256].astype(np.float32) / 255


def noisy(clean, sigma):
    return clean + np.random.default_rng(0).normal(0, sigma / 255, clean.shape).astype(np.float32)


@pytest.mark.parametrize("sigma", [2, 10, 40])
def test_white_noise_is_measured_at_its_level(sigma):
    luma = 0.5 + np.random.default_rng(1).normal(0, sigma / 255, (200, 300)).astype(np.float32)
    assert noise_level(luma) == pytest.approx(sigma, rel=0.03)


def test_planes_and_steps_along_the_axes_are_no_noise():
    rows, columns = np.mgrid[:64, :64].astype(np.float32) / 64
    assert noise_level(rows + 2 * columns) == pytest.approx(0, abs=1e-3)
    assert noise_level((columns > 0.5).astype(np.float32)) == 0


def test_noise_raises_the_one_and_blur_the_other(clean):
    plain, grainy = no_reference(clean), no_reference(noisy(clean, 15))
    soft = no_reference(gaussian_filter(clean, (2, 2, 0)))
    assert grainy["noise"] > 2 * plain["noise"] > 2 * soft["noise"]
    assert grainy["blur"] < plain["blur"] < soft["blur"]


def test_bit_depths_agree(clean):
    eight = np.rint(clean * 255).astype(np.uint8)
    assert no_reference(eight) == pytest.approx(no_reference(eight.astype(np.uint16) * 257), rel=1e-4)


def test_large_pictures_are_measured_in_windows(monkeypatch, clean):
    whole = no_reference(noisy(clean, 15))
    monkeypatch.setattr(module, "WINDOW", 64)
    monkeypatch.setattr(module, "MOST_WINDOWS", 9)
    parts = no_reference(noisy(clean, 15))
    assert parts != whole and parts == pytest.approx(whole, rel=0.25)
    wide = np.zeros((80, 2000, 3), np.float32)
    assert [window.shape for window in module._windows(wide)] == [(64, 64, 3)] * 3


def test_too_small_and_flat_pictures_have_no_number():
    assert no_reference(np.zeros((8, 100, 3), np.uint8)) == {"noise": None, "blur": None}
    assert no_reference(np.full((32, 32, 3), 7, np.uint8)) == {"noise": 0, "blur": None}
