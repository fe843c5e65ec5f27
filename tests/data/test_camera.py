"""The simulated camera, and additive white Gaussian noise."""

from dataclasses import replace

import numpy as np
import pytest

from workbench.data.camera import CAMERAS, Camera, Photograph, Roll
from workbench.data.degradations import AdditiveWhiteGaussianNoise
from workbench.data.embedded import photograph
from workbench.evaluation.metrics import psnr

QUIET = Camera(shot_gain=(0.0, 0.0), jpeg_quality=None)
LUMA = np.array([0.299, 0.587, 0.114])


@pytest.fixture(scope="module")
def smooth_scene():
    """A colour gradient, 96 x 80, from dark to bright."""
    row, column = np.mgrid[0:1:96j, 0:1:80j]
    return np.stack([0.15 + 0.6 * row, 0.2 + 0.5 * column, 0.7 - 0.4 * row * column], axis=2).astype(np.float32)


def noise_of(camera, scene, seed=0):
    photograph, reference = camera.shoot(scene, np.random.default_rng(seed))
    return photograph.astype(float) - reference


def neighbour_correlation(plane, axis):
    first, second = np.delete(plane, 0, axis), np.delete(plane, -1, axis)
    return np.corrcoef(first.ravel(), second.ravel())[0, 1]


def test_shapes_types_and_determinism(smooth_scene):
    camera = CAMERAS["standard"]
    photograph, reference = camera.shoot(smooth_scene, np.random.default_rng(3))
    assert photograph.shape == reference.shape == (192, 160, 3)
    assert photograph.dtype == reference.dtype == np.uint8
    again = camera.shoot(smooth_scene, np.random.default_rng(3))
    np.testing.assert_array_equal(photograph, again[0])
    np.testing.assert_array_equal(reference, again[1])
    assert not np.array_equal(photograph, camera.shoot(smooth_scene, np.random.default_rng(4))[0])


def test_uint8_and_float_scenes_agree(smooth_scene):
    scene = np.rint(smooth_scene * 255).astype(np.uint8)
    whole, float_ = (QUIET.shoot(s, np.random.default_rng(0))[1] for s in (scene, scene / 255))
    np.testing.assert_array_equal(whole, float_)


def test_without_gains_the_photograph_is_the_reference(smooth_scene):
    photograph, reference = QUIET.shoot(smooth_scene, np.random.default_rng(0))
    np.testing.assert_array_equal(photograph, reference)
    compressed, reference = replace(QUIET, jpeg_quality=90).shoot(smooth_scene, np.random.default_rng(0))
    assert not np.array_equal(compressed, reference)
    assert psnr(compressed, reference, 255) > 40


@pytest.mark.parametrize("seed", range(4))
def test_development_inverts_the_inverse(smooth_scene, seed):
    """Without blur and noise a smooth scene comes back, whatever the colour matrix, white balance and Bayer phase."""
    camera = replace(QUIET, enlargement=1, lens_blur=0.0, noise_reduction=(0.0, 0.0))
    _, reference = camera.shoot(smooth_scene, np.random.default_rng(seed))
    # Mirroring kinks a gradient at the border.
    np.testing.assert_allclose(reference[2:-2, 2:-2] / 255, smooth_scene[2:-2, 2:-2], atol=0.012)


def test_white_stays_white():
    _, reference = QUIET.shoot(np.ones((16, 16, 3), np.float32), np.random.default_rng(1))
    assert reference.min() == 255


def test_noise_grows_with_gain(smooth_scene):
    levels = [noise_of(Camera(shot_gain=(gain, gain)), smooth_scene).std() for gain in (0.0003, 0.001, 0.003, 0.01)]
    assert all(after > 1.4 * before for before, after in zip(levels, levels[1:], strict=False))


def test_noise_depends_on_the_signal():
    """Shot noise: without read noise, gamma and tone curve still leave more noise in mid-tones than in near black."""
    camera = Camera(shot_gain=(0.002, 0.002), read_scale=0.0)
    dark, middle = (noise_of(camera, np.full((96, 96, 3), value, np.float32)).std() for value in (0.03, 0.5))
    assert middle > 1.5 * dark > 0


def test_noise_is_correlated_as_in_real_photographs(smooth_scene):
    """The ranges of the real sets in benchmarks/results/camera_calibration.csv, with a little room."""
    noise = np.stack([noise_of(CAMERAS["standard"], smooth_scene, seed) for seed in range(6)])
    luma = noise @ LUMA
    chroma = noise[..., 2] - luma
    for axis in (1, 2):
        assert 0.48 < neighbour_correlation(luma, axis) < 0.64
        assert 0.82 < neighbour_correlation(chroma, axis) < 0.96
    for a, b in ((0, 1), (1, 2), (0, 2)):
        assert 0.25 < np.corrcoef(noise[..., a].ravel(), noise[..., b].ravel())[0, 1] < 0.75


def test_night_noise_is_like_that_of_sidd(smooth_scene):
    """Luma and chroma correlation, and more of it in the dark, as in benchmarks/results/camera_calibration.csv."""
    noise = np.stack([noise_of(CAMERAS["night"], smooth_scene, seed) for seed in range(4)])
    luma = noise @ LUMA
    chroma = noise[..., 2] - luma
    for axis in (1, 2):
        assert 0.2 < neighbour_correlation(luma, axis) < 0.4
        assert 0.5 < neighbour_correlation(chroma, axis) < 0.75
    dark, bright = (noise_of(CAMERAS["night"], np.full((64, 64, 3), value, np.float32)).std() for value in (0.25, 0.8))
    assert dark > 1.1 * bright


@pytest.mark.parametrize("seed", range(4))
def test_gradient_correction_brings_detail_back(seed):
    """Whatever the Bayer phase, a photograph comes back better than by bilinear interpolation."""
    plain = replace(QUIET, enlargement=1, lens_blur=0.0, noise_reduction=(0.0, 0.0))
    scene = photograph("astronaut").pixels[:200, 100:300]
    bilinear, corrected = (
        psnr(camera.shoot(scene, np.random.default_rng(seed))[1], scene, 255)
        for camera in (plain, replace(plain, gradient_correction=True))
    )
    assert corrected > bilinear + 0.8


def test_gains_are_checked():
    with pytest.raises(ValueError, match="shot_gain"):
        Camera(shot_gain=(0.0, 0.01))


def test_shots_depend_on_seed_and_number_alone(smooth_scene):
    scenes = [Photograph("a", smooth_scene), Photograph("b", smooth_scene[::-1])]
    long, short = (Roll(scenes, CAMERAS["mild"], 5, shots, 64) for shots in (5, 3))
    assert [shot.name for shot in long] == ["a-000", "b-001", "a-002", "b-003", "a-004"]
    for first, second in zip(long, short, strict=False):
        np.testing.assert_array_equal(first.photograph, second.photograph)
        assert first.photograph.shape == first.reference.shape == (64, 64, 3)
    assert not np.array_equal(long[0].photograph, Roll(scenes, CAMERAS["mild"], 6, 1, 64)[0].photograph)


def test_a_small_scene_is_taken_whole(smooth_scene):
    assert Roll([Photograph("a", smooth_scene)], QUIET, 0, 1, 4096)[0].photograph.shape == (192, 160, 3)


@pytest.mark.parametrize("sigma", [5.0, 50.0])
def test_awgn_level_and_no_clipping(sigma):
    clean = np.zeros((128, 128, 3), np.float32)
    degraded = AdditiveWhiteGaussianNoise((sigma, sigma))(clean, np.random.default_rng(0))
    assert degraded.dtype == np.float32
    assert degraded.std() * 255 == pytest.approx(sigma, rel=0.02)
    assert degraded.mean() * 255 == pytest.approx(0, abs=sigma / 50)
    assert degraded.min() < 0
    assert not clean.any()


def test_awgn_levels_are_uniform_and_deterministic():
    degradation = AdditiveWhiteGaussianNoise((10.0, 60.0))
    clean = np.full((32, 32, 3), 0.5, np.float32)
    levels = [255 * (degradation(clean, np.random.default_rng(seed)) - clean).std() for seed in range(200)]
    assert np.mean(levels) == pytest.approx(35, abs=3)
    assert min(levels) < 15 and max(levels) > 55
    one, other = (degradation(clean, np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("sigma", [(-1.0, 5.0), (6.0, 5.0)])
def test_awgn_range_is_checked(sigma):
    with pytest.raises(ValueError, match="sigma"):
        AdditiveWhiteGaussianNoise(sigma)


def test_a_shot_is_taken_when_it_is_asked_for(smooth_scene, monkeypatch):
    taken = []
    shoot = Camera.shoot
    monkeypatch.setattr(Camera, "shoot", lambda self, *given: taken.append(1) or shoot(self, *given))
    roll = Roll([Photograph("a", smooth_scene)], QUIET, 0, 3, 32)
    assert len(roll) == 3 and not taken
    assert roll[-1] is roll[2] and len(taken) == 1
    assert [shot.name for shot in roll[1:]] == ["a-001", "a-002"] and len(taken) == 2
    with pytest.raises(IndexError):
        roll[3]
