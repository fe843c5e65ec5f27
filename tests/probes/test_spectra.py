"""Spectra, detail and residuals of images whose spectrum is known."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from workbench.diagnostics import (
    ProbeImages,
    detail_and_noise,
    high_frequency_ratio,
    radial_spectrum,
    residual_statistics,
    spectrum,
    target_pull,
)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_white_noise_has_its_variance_as_density_everywhere():
    frequency, power = spectrum(0.1 * noise(64, 3, 64, 64) + 0.5)
    assert frequency.shape == (15,) and power.shape == (64, 15)
    np.testing.assert_allclose(power.mean(dim=0), 0.01, rtol=0.1)


def test_a_wave_shows_at_its_frequency():
    column = torch.arange(64)
    wave = torch.sin(2 * math.pi * 0.3 * column).expand(1, 3, 64, 64)
    frequency, power = spectrum(wave)
    assert abs(frequency[power[0].argmax()].item() - 0.3) < 1 / 32
    with pytest.raises(ValueError, match="square"):
        spectrum(wave[..., :32])


def test_radial_spectrum_of_white_noise_is_flat_at_its_level():
    pixels = np.clip(np.rint(128 + 5 * np.random.default_rng(0).standard_normal((256, 300, 1))), 0, 255)
    frequency, power = radial_spectrum(np.repeat(pixels, 3, axis=2).astype(np.uint8))
    assert frequency[0] > 0 and frequency[-1] < 0.5
    # The inner rings hold few frequencies and scatter.
    np.testing.assert_allclose(power[8:], 20 * np.log10(5), atol=2)
    assert radial_spectrum(np.zeros((8, 100, 3), np.uint8)) is None


def test_detail_and_noise_take_an_image_apart():
    reference, other = noise(4, 3, 64, 64), noise(4, 3, 64, 64, seed=1)
    detail, rest = detail_and_noise(reference, reference)
    torch.testing.assert_close(detail, torch.ones(4))
    assert rest.max() < 1e-9
    restored = 0.4 * reference + 0.3 * other
    detail, rest = detail_and_noise(restored, reference)
    torch.testing.assert_close(detail, torch.full((4,), 0.4), atol=0.03, rtol=0)
    torch.testing.assert_close(rest, torch.full((4,), 0.09), atol=0.01, rtol=0)
    torch.testing.assert_close(high_frequency_ratio(restored, reference), detail.square() + rest)


def test_high_frequency_ratio_sees_blur_and_not_brightness():
    reference = noise(2, 3, 64, 64)
    blurred = torch.from_numpy(gaussian_filter(reference.numpy(), (0, 0, 1.5, 1.5)))
    assert high_frequency_ratio(blurred, reference).max() < 0.01
    assert high_frequency_ratio(blurred, reference, cutoff=0.01).min() > 0.01
    torch.testing.assert_close(high_frequency_ratio(reference + 3, reference), torch.ones(2), rtol=1e-4, atol=0)


def test_residual_statistics():
    degraded, residual = noise(2, 3, 64, 64), 0.1 * noise(2, 3, 64, 64, seed=1)
    table = residual_statistics(degraded + residual + 0.2, degraded)
    np.testing.assert_allclose(table["mean"], 0.2, atol=0.01)
    np.testing.assert_allclose(table["std"], 0.1, rtol=0.03)
    np.testing.assert_allclose(table.neighbour_correlation, 0, atol=0.03)
    np.testing.assert_allclose(table["kurtosis"], 0, atol=0.2)
    soft = torch.from_numpy(gaussian_filter(residual.numpy(), (0, 0, 1, 1)))
    # Gaussian-filtered white noise has the correlation exp(-1 / (4 sigma^2)) between neighbours.
    np.testing.assert_allclose(
        residual_statistics(degraded + soft, degraded).neighbour_correlation, math.exp(-0.25), atol=0.04
    )
    uniform = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    assert residual_statistics(uniform, torch.zeros_like(uniform))["kurtosis"][0] == pytest.approx(-1.2, abs=0.1)


@pytest.mark.parametrize(("kept", "expected"), [(1.0, (0.0, 0.1)), (0.0, (0.1, 0.1))])
def test_the_target_pull_tells_a_loss_of_noise_from_a_loss_of_all(kept, expected):
    reference, other = noise(3, 3, 64, 64), 0.3 * noise(3, 3, 64, 64, seed=1)
    other -= reference * (other * reference).mean(dim=(1, 2, 3), keepdim=True)
    images = ProbeImages(reference, reference, reference + other, reference)

    def diffusion_losses(batch, source, target, weight):
        assert weight == 1 and batch["level"].dtype == torch.float64
        return {"diffusion": 0.5 * 0.1 * (target - kept * reference).square().flatten(1).sum(dim=1).mean()}

    method = SimpleNamespace(restorer=lambda pictures: pictures, diffusion_losses=diffusion_losses)
    detail, rest = target_pull(method, images, draws=2)
    torch.testing.assert_close(detail, torch.full((3,), expected[0]), atol=2e-3, rtol=0)
    torch.testing.assert_close(rest, torch.full((3,), expected[1]), atol=2e-3, rtol=0)
