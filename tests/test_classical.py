import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.data import chelsea

from workbench.evaluation.classical import CLASSICAL, OPPONENT, SMALLEST, noise_level
from workbench.evaluation.metrics import psnr


def noisy(sigma):
    """A part of a photograph, soft as those of cameras are, and the same with independent noise, 8-bit units."""
    clean = gaussian_filter(chelsea()[20:84, 180:244] / 255.0, (1.6, 1.6, 0))
    return clean, clean + np.random.default_rng(0).normal(scale=sigma / 255, size=clean.shape)


@pytest.mark.parametrize("sigma", [5, 25, 50])
def test_the_noise_level_is_found_without_a_reference(sigma):
    ramp = np.linspace(0.2, 0.8, 96)[:, None, None] * np.array([1.0, 0.8, 0.6])
    noise = np.random.default_rng(sigma).normal(scale=sigma / 255, size=(96, 96, 3))
    left = np.linalg.norm([0.2125, 0.7154, 0.0721])  # of independent noise in the grey picture
    assert noise_level(ramp + noise) * 255 == pytest.approx(1.5 * left * sigma, rel=0.05)


def test_the_noise_level_is_never_nothing():
    flat = np.full((20, 20, 3), 0.5)
    assert noise_level(flat) == noise_level(flat[:1]) == SMALLEST


@pytest.mark.parametrize("sigma", [20, 40])
@pytest.mark.parametrize("name", CLASSICAL)
def test_classical_denoisers_take_noise_out(name, sigma):
    clean, degraded = noisy(sigma)
    restored = CLASSICAL[name](degraded)
    assert restored.shape == degraded.shape and restored.dtype == np.float32
    assert psnr(restored, clean, data_range=1) > psnr(degraded, clean, data_range=1) + 5


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (7, 9)])
def test_classical_denoisers_take_small_pictures(name, shape):
    flat = np.full((*shape, 3), [0.2, 0.5, 0.7])
    assert np.allclose(CLASSICAL[name](flat), flat, atol=2e-3)


def test_opponent_colours_keep_the_noise_level():
    assert np.allclose(OPPONENT @ OPPONENT.T, np.eye(3), atol=1e-12)
