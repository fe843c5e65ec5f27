"""The noises of photographs: correlated, and as a camera's JPEG has it."""

import math

import numpy as np
import pytest
from support.photos import flat

from workbench.data.degradations import CorrelatedNoise, DevelopedNoise, cut, degraded_pair, margin_of


def test_correlated_noise_has_the_strength_and_the_correlation_it_says():
    clean = flat(0.5, 256)
    for blur_, left in ((0.4, 0.85), (0.8, 0.35), (1.2, 0.24)):
        noise = CorrelatedNoise((20, 20), (blur_, blur_))(clean, np.random.default_rng(0)) - clean
        assert noise.std() * 255 == pytest.approx(20 * left, rel=0.03)
        neighbours = np.mean(noise[:, 1:] * noise[:, :-1]) / noise.var()
        if blur_ >= 0.8:  # where the pixels do not cut the kernel short
            assert neighbours == pytest.approx(math.exp(-1 / (4 * blur_**2)), abs=0.03)


def test_correlated_noise_softens_its_reference(picture):
    soft = CorrelatedNoise(sigma=(0, 0))
    reference, degraded = degraded_pair(soft, picture, np.random.default_rng(0))
    margin = margin_of(soft)
    np.testing.assert_array_equal(reference, degraded)
    assert reference.shape == (90 - 2 * margin, 110 - 2 * margin, 3)
    assert np.abs(np.diff(reference, axis=0)).max() < 0.5 * np.abs(np.diff(picture, axis=0)).max()
    sharp, _ = degraded_pair(CorrelatedNoise(softness=0), picture, np.random.default_rng(0))
    np.testing.assert_array_equal(sharp, cut(picture, margin_of(CorrelatedNoise(softness=0))))


def test_developed_noise_has_the_levels_and_widths_it_says():
    kind = DevelopedNoise(
        sigma=(10, 10), blur=(0.8, 0.8), coarse=(0, 0), chroma=(0.5, 0.5), chroma_blur=(2.5, 2.5), tone=0, patches=0,
        softness=(0, 0),
    )  # fmt: skip
    noise = (kind(flat(0.5, 256), np.random.default_rng(0)) - 0.5) * 255
    luma = noise @ np.array([0.299, 0.587, 0.114])
    red = (noise[..., 0] - luma) / 1.402
    for plane, level, width in ((luma, 10, 0.8), (red, 5, 2.5)):
        assert plane.std() == pytest.approx(level, rel=0.05)
        neighbours = np.mean(plane[:, 1:] * plane[:, :-1]) / plane.var()
        assert neighbours == pytest.approx(math.exp(-1 / (4 * width**2)), abs=0.03)
    assert abs(np.corrcoef(luma.ravel(), red.ravel())[0, 1]) < 0.05


def test_developed_noise_is_as_strong_as_brightness_and_place_say():
    still = {"sigma": (10, 10), "blur": (0.8, 0.8), "coarse": (0, 0), "chroma": (0, 0), "softness": (0, 0)}
    steps = np.repeat(np.float32([0.0, 0.125, 0.375, 1.0]), 96)
    clean = np.broadcast_to(steps[:, None, None], (384, 96, 3))

    def levels(picture, **options):
        noise = DevelopedNoise(**still, **options)(picture, np.random.default_rng(3)) - picture
        return noise.reshape(-1, 96, 96, 3).std(axis=(1, 2, 3)) * 255

    by_brightness = levels(clean, tone=1.0, patches=0)
    assert by_brightness.max() / by_brightness.min() > 1.3
    assert all(10 / math.e * 0.9 < level < 10 * math.e * 1.1 for level in by_brightness)
    assert levels(clean, tone=0, patches=0) == pytest.approx([10] * 4, rel=0.05)
    noise = DevelopedNoise(**still, tone=0, patches=1.0)(flat(0.5, 256), np.random.default_rng(0)) - 0.5
    blocks = noise.reshape(32, 8, 32, 8, 3).std(axis=(1, 3, 4))
    even = DevelopedNoise(**still, tone=0, patches=0)(flat(0.5, 256), np.random.default_rng(0)) - 0.5
    assert np.log(blocks).std() > 2 * np.log(even.reshape(32, 8, 32, 8, 3).std(axis=(1, 3, 4))).std()


def test_developed_noise_softens_its_reference(picture):
    soft = DevelopedNoise(sigma=(0, 0), softness=(1.6, 1.6))
    reference, degraded = degraded_pair(soft, picture, np.random.default_rng(0))
    np.testing.assert_array_equal(reference, degraded)
    assert np.abs(np.diff(reference, axis=0)).max() < 0.5 * np.abs(np.diff(picture, axis=0)).max()


def test_correlated_noise_can_follow_the_brightness():
    levels = []
    for value in (0.1, 0.5, 0.9):
        clean = flat(value)
        noise = CorrelatedNoise((20, 20), (0.8, 0.8), signal=1.0)(clean, np.random.default_rng(0)) - clean
        levels.append(noise.var() / value)
    assert levels == pytest.approx([levels[1]] * 3, rel=1e-3)
