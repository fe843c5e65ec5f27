import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from workbench.diffusion import NoiseSchedule, shuffle_channels, swap_residuals
from workbench.objectives import charbonnier, diffusion_weight, noise_prediction_error, residual_swap_contrast


@pytest.fixture
def reference(golden):
    numbers = np.load(golden / "objective.npz")
    return {key: torch.from_numpy(np.asarray(numbers[key])) for key in numbers}


def test_schedule_agrees_with_the_authors(reference):
    schedule = NoiseSchedule.linear()
    assert schedule.alpha_bar.dtype == torch.float64
    assert torch.allclose(schedule.betas, reference["betas"], rtol=0, atol=1e-12)
    assert torch.allclose(schedule.alpha_bar, reference["alphas_cumprod"], rtol=0, atol=1e-12)
    noised = schedule.add_noise(reference["clean"], reference["noise"], reference["alpha_bar"])
    assert torch.allclose(noised, reference["noised"], rtol=0, atol=1e-6)


def test_losses_agree_with_the_authors(reference):
    noise, positive, negative = reference["noise"], reference["noise_pos"], reference["noise_neg"]
    error = noise_prediction_error(noise, positive)
    contrast = residual_swap_contrast(noise, positive, negative, margin=0.1)
    assert error.item() == pytest.approx(reference["mse"].item(), abs=1e-6)
    assert contrast.item() == pytest.approx(reference["contrastive_margin_0p1"].item(), abs=1e-6)
    assert (0.5 * (error + contrast)).item() == pytest.approx(reference["diffusion_loss"].item(), abs=1e-6)
    loss = charbonnier(reference["restored"], reference["clean"], eps=1e-3)
    assert loss.item() == pytest.approx(reference["charbonnier_eps_1e3"].item(), abs=1e-6)


def test_ramp_agrees_with_the_authors(reference):
    for epoch, value in zip(reference["lambda_epochs"], reference["lambda_values"], strict=True):
        assert diffusion_weight(epoch.item() / 300, ceiling=0.2) == pytest.approx(value.item(), abs=1e-6)


def test_ramp_is_flat_outside_training():
    assert diffusion_weight(-1.0) == 0.0
    assert diffusion_weight(7.0) == diffusion_weight(1.0)


def test_contrast_is_zero_beyond_the_margin_only():
    noise = torch.zeros(2, 3, 4, 4)
    near, far = noise + 0.1, noise + 1.0
    assert residual_swap_contrast(noise, near, far, margin=0.5) == 0
    assert residual_swap_contrast(noise, near, far, margin=1.5).item() == pytest.approx(1.5 - 0.99)
    assert residual_swap_contrast(noise, far, near, margin=0.0).item() == pytest.approx(0.99)


def test_charbonnier_smooths_the_absolute_error():
    zero, one = torch.zeros(1), torch.ones(1)
    assert charbonnier(zero, zero, eps=0.1).item() == pytest.approx(0.1)
    assert charbonnier(zero, one, eps=1e-3).item() == pytest.approx(1.0, abs=1e-6)


@given(st.floats(0, 1, exclude_max=True), st.sampled_from([(1, 1000), (1, 100), (900, 1000), (500, 500)]))
def test_noise_levels_stay_between_the_levels_of_their_range(draw, timesteps):
    schedule = NoiseSchedule.linear()
    level = schedule.sample_alpha_bar(torch.tensor([draw], dtype=torch.float64), timesteps).item()
    first, last = timesteps
    highest = 1.0 if first == 1 else schedule.alpha_bar[first - 2].item()
    assert schedule.alpha_bar[last - 1].item() - 1e-6 <= level <= highest
    assert 0 < level < 1


def test_noise_levels_are_continuous_and_cover_their_range():
    schedule = NoiseSchedule.linear()
    draws = torch.linspace(0, 1, 20001, dtype=torch.float64)[:-1]
    levels = schedule.sample_alpha_bar(draws)
    assert len(levels.unique()) > 15000
    assert levels.max() > 0.9999 and levels.min() < 0.0067
    assert (levels.diff() <= 0).all()


@pytest.mark.parametrize("timesteps", [(0, 10), (5, 4), (900, 1001)])
def test_wrong_timestep_ranges_are_refused(timesteps):
    with pytest.raises(ValueError, match="rising order"):
        NoiseSchedule.linear().sample_alpha_bar(torch.zeros(1), timesteps)


def test_channel_shuffle_swaps_whole_images_per_sample():
    source, target = torch.zeros(2, 3, 4, 4), torch.ones(2, 3, 4, 4)
    conditions = shuffle_channels(source, target, torch.tensor([False, True]))
    assert conditions.shape == (2, 6, 4, 4)
    assert conditions[:, :, 0, 0].tolist() == [[0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0]]


def test_residual_swap_gives_each_image_the_others_residual():
    degraded_source, restored_source = torch.full((1, 3, 2, 2), 0.5), torch.full((1, 3, 2, 2), 0.4)
    degraded_target, restored_target = torch.full((1, 3, 2, 2), 0.8), torch.full((1, 3, 2, 2), 0.6)
    source, target = swap_residuals(degraded_source, restored_source, degraded_target, restored_target)
    assert torch.allclose(source, torch.tensor(0.3))
    assert torch.allclose(target, torch.tensor(0.7))
