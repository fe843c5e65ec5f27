"""Probes and curves against networks whose errors are known in closed form."""

import numpy as np
import pytest
import torch
from torch import nn

from workbench.data.camera import detail
from workbench.diagnostics import (
    BANDS,
    CORRUPTIONS,
    NoisePredictor,
    condition_quality,
    noise_errors,
    positional_reliance,
    probe_images,
    reliance,
    stage,
)
from workbench.diffusion import NoiseSchedule
from workbench.errors import WorkbenchError
from workbench.probes.condition_quality import band_steps
from workbench.probes.intervals import mean_interval
from workbench.recipes import load_recipe

SCHEDULE = NoiseSchedule.linear()


class Believer(nn.Module):
    """Takes a mix of its conditions for the clean image and solves Eq. 1 for the noise."""

    def __init__(self, first=1.0, second=0.0):
        super().__init__()
        self.shares = first, second

    def forward(self, noised, conditions, alpha_bar):
        first, second = conditions.chunk(2, dim=1)
        clean = self.shares[0] * first + self.shares[1] * second
        alpha_bar = alpha_bar[:, None, None, None]
        return (noised - alpha_bar.sqrt() * clean) / (1 - alpha_bar).sqrt()


class Blind(nn.Module):
    """Predicts no noise at all."""

    def forward(self, noised, conditions, alpha_bar):
        return torch.zeros_like(noised)


def images(count=6, seed=0):
    return torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def believed_error(clean, condition, timestep=100):
    """The error of `Believer`: what its condition is off by, seen in [-1, 1], divided by the noise's share."""
    alpha_bar = SCHEDULE.alpha_bar[timestep - 1].item()
    return alpha_bar / (1 - alpha_bar) * 4 * (clean - condition).square().mean(dim=(1, 2, 3))


def test_noise_errors_are_those_of_the_condition():
    clean, other = images(), images(seed=1)
    predictor = NoisePredictor(Believer(), SCHEDULE)
    assert noise_errors(predictor, clean, clean, timesteps=(50, 900)).max() < 1e-6
    found = noise_errors(predictor, clean, other, timesteps=(100, 900))
    assert found.shape == (6, 2)
    for column, step in enumerate((100, 900)):
        torch.testing.assert_close(found[:, column], believed_error(clean, other, step), rtol=1e-3, atol=1e-6)
    plain = NoisePredictor(Believer(), SCHEDULE, symmetric_range=False)
    torch.testing.assert_close(noise_errors(plain, clean, other)[:, 0], found[:, 0] / 4, rtol=1e-3, atol=1e-6)


def test_equal_seeds_draw_equal_noise_and_batches_do_not_matter():
    clean, predictor = images(), NoisePredictor(Blind(), SCHEDULE)
    first = noise_errors(predictor, clean, clean, seed=3)
    assert torch.equal(first, noise_errors(predictor, clean, images(seed=1), seed=3))
    assert not torch.equal(first, noise_errors(predictor, clean, clean, seed=4))
    assert first.mean().item() == pytest.approx(1, abs=0.1), "the error of predicting nothing is the noise's variance"
    with pytest.raises(ValueError, match=r"1\.\.1000"):
        noise_errors(predictor, clean, clean, timesteps=(0,))


def test_condition_quality_rises_with_the_noise_as_predicted():
    clean = images(12)
    table = condition_quality(NoisePredictor(Believer(), SCHEDULE), clean, levels=(0, 20, 80))
    assert set(table.band) == {"1-100", "101-300", "301-600", "601-1000", "all"} and set(table.images) == {12}
    band = table[table.band == "601-1000"].set_index("level")
    alpha_bar = SCHEDULE.alpha_bar[torch.tensor(band_steps(BANDS[-1], 4)) - 1]
    for sigma in (0, 20, 80):
        expected = (alpha_bar / (1 - alpha_bar)).mean().item() * 4 * (sigma / 255) ** 2
        assert band["mean"][sigma] == pytest.approx(expected, rel=0.05, abs=1e-6)
    assert ((table.low <= table["mean"]) & (table["mean"] <= table.high)).all()
    whole = table[table.band == "all"].set_index("level")["mean"]
    by_band = table[table.band != "all"].groupby("level")["mean"].mean()
    np.testing.assert_allclose(whole, by_band, rtol=1e-6)


def test_bands_and_intervals():
    assert band_steps((1, 100), 4) == [13, 38, 63, 88]
    assert band_steps((7, 7), 1) == [7]
    mean, low, high = mean_interval(np.array([1.0, 2.0, 3.0]))
    # Student's t with 2 degrees of freedom is 4.303 at 97.5 %; the standard error is 1 / sqrt(3).
    assert (mean, low, high) == pytest.approx((2, 2 - 2.484, 2 + 2.484), abs=1e-3)
    assert mean_interval(np.array([1.0])) == (1, -np.inf, np.inf)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_corruptions_grow_with_their_level(name):
    corruption = CORRUPTIONS[name]
    ramp = torch.linspace(0, 0.6, 32).expand(2, 3, 32, 32)
    clean = (ramp + 0.4 * images(2).repeat_interleave(2, 2).repeat_interleave(2, 3)).contiguous()
    assert torch.equal(corruption(clean, 0), clean)
    errors = [(corruption(clean, level) - clean).square().mean().item() for level in corruption.levels]
    assert errors == sorted(errors) and errors[-1] > 4 * errors[1] > 0
    level = corruption.levels[2]
    assert torch.equal(corruption(clean, level, seed=1), corruption(clean, level, seed=1))
    assert corruption(clean, level).shape == clean.shape
    with pytest.raises(ValueError, match="negative"):
        corruption(clean, -1)


def test_corruptions_are_what_their_units_say():
    clean = torch.full((1, 3, 128, 128), 0.5)
    noise = CORRUPTIONS["awgn"](clean, 40) - clean
    assert noise.std().item() * 255 == pytest.approx(40, rel=0.02)
    torch.testing.assert_close(CORRUPTIONS["blur"](clean, 2), clean)
    point = torch.zeros(1, 3, 33, 33)
    point[..., 16, 16] = 1
    row = CORRUPTIONS["blur"](point, 2)[0, 0].sum(dim=0)
    spread = (row * (torch.arange(33) - 16).square()).sum().sqrt().item()
    assert spread == pytest.approx(2, rel=0.02)
    with pytest.raises(ValueError, match="quality"):
        CORRUPTIONS["jpeg"](clean, 100)


def test_reliance_of_a_network_that_reads_the_first_condition_only():
    clean, source, target = images(), images(seed=1), images(seed=2)
    table = reliance(NoisePredictor(Believer(), SCHEDULE), clean, source, target)
    rows = table.set_index(["condition", "replacement", "order"])
    right = believed_error(clean, source).mean().item()
    blank = believed_error(clean, torch.zeros_like(clean)).mean().item()
    row = rows.loc["source", "blank", "fixed"]
    assert (row.base, row.error, row.rise) == pytest.approx((right, blank, blank - right), rel=1e-3)
    assert row.change == pytest.approx(believed_error(source, torch.zeros_like(clean)).mean().item(), rel=1e-3)
    assert rows.loc["source", "clean", "fixed"].error == pytest.approx(0, abs=1e-6)
    unread = rows.loc["target", "other", "fixed"]
    assert unread.rise == unread.change == 0
    assert rows.loc["target", "other", "swapped"].change > 0, "now the target comes first"
    shuffled = rows.loc["source", "blank", "shuffled"]
    assert shuffled.change == pytest.approx(row.change / 2, rel=1e-5)
    assert (table.low <= table.rise).all() and (table.rise <= table.high).all()


def test_positional_reliance():
    clean, source, target = images(), images(seed=1), images(seed=2)
    found = positional_reliance(NoisePredictor(Believer(), SCHEDULE), clean, source, target)
    assert found["fixed"] == pytest.approx(believed_error(clean, source).mean().item(), rel=1e-3)
    assert found["swapped"] == pytest.approx(believed_error(clean, target).mean().item(), rel=1e-3)
    assert found["rise"] == pytest.approx(found["swapped"] - found["fixed"], rel=1e-5)
    indifferent = positional_reliance(NoisePredictor(Believer(0.5, 0.5), SCHEDULE), clean, source, target)
    assert indifferent["rise"] == pytest.approx(0, abs=1e-5) and indifferent["change"] < 1e-8


def test_stages():
    clean, target = images(), images(seed=2)
    restored = (clean + 0.02 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))).contiguous()

    def of(network):
        return stage(reliance(NoisePredictor(network, SCHEDULE), clean, restored, target, ("other",)))

    assert str(of(Blind())) == "I"
    assert of(Blind()).source_rise == 0
    both = of(Believer(0.7, 0.3))
    # Two independent uniform images a condition: the changes are as the squares of the shares.
    assert str(both) == "II" and both.target_share == pytest.approx((0.3 / 0.7) ** 2, rel=0.2)
    assert str(of(Believer(0.9, 0.1))) == "III"
    with pytest.raises(ValueError, match="no replacement 'other'"):
        stage(reliance(NoisePredictor(Blind(), SCHEDULE), clean, restored, target, ("blank",)))


def test_probe_images_are_held_out_pairs_of_both_domains():
    recipe = load_recipe("denoise-pocket")
    found = probe_images(recipe, count=4, size=32)
    assert all(patches.shape == (4, 3, 32, 32) for patches in found)
    # AWGN of sigma 25, and a camera whose photographs are closer to their references than to other scenes'
    assert (found.degraded - found.clean).std().item() * 255 == pytest.approx(25, rel=0.05)
    assert (found.target - found.reference).std() < 0.5 * (found.target - found.reference.roll(1, 0)).std()
    again = probe_images(recipe, count=2, size=32)
    assert all(torch.equal(first[:2], second) for first, second in zip(found, again, strict=True))
    with pytest.raises(WorkbenchError, match="use a smaller size"):
        probe_images(recipe, size=4096)


def test_textured_probe_images_have_more_detail_than_the_others():
    recipe = load_recipe("denoise-pocket")
    plain, textured = (probe_images(recipe, count=4, size=32, textured=choice) for choice in (False, True))

    def details(patches):
        return np.array([detail(patch.permute(1, 2, 0).numpy()) for patch in patches])

    for domain in ("clean", "reference"):
        assert details(getattr(textured, domain)).min() > details(getattr(plain, domain)).mean()
        assert not torch.equal(getattr(textured, domain)[0], getattr(textured, domain)[1])
    assert (textured.target - textured.reference).std() < 0.5 * (textured.target - plain.reference).std()
    again = probe_images(recipe, count=2, size=32, textured=True)
    assert all(torch.equal(first[:2], second) for first, second in zip(textured, again, strict=True))
