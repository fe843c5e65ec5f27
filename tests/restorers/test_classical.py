import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.data import chelsea

from workbench.errors import WorkbenchError
from workbench.evaluation.metrics import psnr
from workbench.restorers import load_restorer
from workbench.restorers.classical import OPPONENT, SMALLEST, bm3d, noise_level, non_local_means, total_variation

CLASSICAL = {"nlm": non_local_means, "tv": total_variation, "bm3d": bm3d}


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


@pytest.mark.parametrize("name", CLASSICAL)
def test_classical_denoisers_are_restorers_by_name(name):
    clean, degraded = noisy(25)
    restorer, card = load_restorer(name)
    assert (restorer.kind, card["networks"]) == (name, {})
    degraded = degraded.astype(np.float32)
    assert np.allclose(restorer.restore(degraded), CLASSICAL[name](degraded), atol=1e-5)
    weaker = load_restorer(name, {"strength": 0.01})[0].restore(degraded)
    assert np.abs(weaker - degraded).mean() < np.abs(restorer.restore(degraded) - degraded).mean() / 2
    with pytest.raises(WorkbenchError, match="option power: "):
        load_restorer(name, {"power": 2})


@pytest.mark.parametrize("name", CLASSICAL)
def test_tiles_share_the_noise_level_of_the_whole(name):
    """Half of the picture is noisy: tiles that estimated by themselves would be treated unlike."""
    clean, degraded = noisy(25)
    half = np.concatenate([clean, degraded], axis=1).astype(np.float32)
    restorer, _ = load_restorer(name)
    whole, tiles = restorer.restore(half), restorer.restore(half, tile=64)
    assert np.abs(whole - tiles).max() < (1e-5 if name == "nlm" else 0.05)
    assert np.abs(whole - tiles).mean() < 2e-3
