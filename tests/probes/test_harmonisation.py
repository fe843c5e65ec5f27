"""What noise does to the distance of domains, and the level that the dual distance chooses."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import WorkbenchError
from workbench.evaluation.lpips import Lpips
from workbench.probes.divergence import Mixture, conditional_divergence, divergence
from workbench.probes.harmonisation import (
    DualMmd,
    block_means,
    dual_mmd,
    harmonisation,
    lpips_features,
    median_width,
    pixels,
    plane,
    random_convolutions,
    squared_mmd,
    with_noise,
)


def pictures(count, light=0.0, contrast=0.3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return light + contrast * torch.randn(count, 3, 16, 16, generator=generator)


def test_mmd_of_two_normal_sets_is_the_formulas():
    """For N(0, 1) and N(m, 1) on a line: 2 w / sqrt(w^2 + 2) * (1 - exp(-m^2 / (2 (w^2 + 2))))."""
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(1500, 1, generator=generator) + mean for mean in (0.0, 1.5))
    width = 0.8
    factor = width / (width**2 + 2) ** 0.5
    expected = 2 * factor * (1 - np.exp(-(1.5**2) / (2 * (width**2 + 2))))
    assert squared_mmd(first, second, width) == pytest.approx(expected, abs=0.03)
    biased = squared_mmd(first, second, width, unbiased=False)
    assert biased - squared_mmd(first, second, width) == pytest.approx(2 * (1 - factor) / 1500, rel=0.05)


def test_unbiased_mmd_is_nothing_on_average_for_one_distribution():
    generator = torch.Generator().manual_seed(0)
    values = [squared_mmd(*torch.randn(2, 20, 4, generator=generator), width=2.0) for _ in range(200)]
    assert abs(np.mean(values)) < 3 * np.std(values) / 200**0.5
    assert min(values) < 0 < max(values)
    assert squared_mmd(pixels(pictures(9)), pixels(pictures(9)), 3.0, unbiased=False) == pytest.approx(0, abs=1e-12)


def test_noise_is_of_the_level_and_grows_in_place():
    images = torch.zeros(4, 3, 32, 32)
    one, two = with_noise(images, 0.5, (3,)), with_noise(images, 1.0, (3,))
    torch.testing.assert_close(two, 2 * one)
    assert two.std() == pytest.approx(1.0, rel=0.03) and not torch.equal(two[0], two[1])
    assert not torch.equal(with_noise(images, 1.0, (4,)), two)
    assert with_noise(images, 0.0, (3,)) is images


@pytest.mark.parametrize("features", [pixels, block_means, random_convolutions()])
def test_features_are_a_vector_a_picture(features):
    vectors = features(pictures(5))
    assert vectors.shape[0] == 5 and vectors.ndim == 2
    torch.testing.assert_close(features(pictures(5)[2:3])[0], vectors[2])


def test_features_of_lpips(real_data, monkeypatch):
    monkeypatch.setenv("WORKBENCH_WEIGHTS", str(real_data / "weights"))
    images = pictures(2).repeat(1, 1, 4, 4)
    lpips = Lpips.load()
    assert lpips_features(lpips)(images).shape == (2, 2 * (384 + 256 + 256))
    assert lpips_features(lpips, layers=[0])(images).shape == (2, 2 * 64)


def test_domains_come_together_in_pixels_and_stay_apart_in_their_light():
    domains = {
        "dark": pictures(24, -0.15, seed=1),
        "light": pictures(24, 0.15, seed=2),
        "same": pictures(24, 0.15, seed=3),
    }
    near = harmonisation(domains, [0.0, 1.0, 4.0], pixels)
    assert near.distance.is_monotonic_decreasing and near.distance[0] > 2 * near.distance[2]
    assert (near.chance == 1 / 3).all()
    two = {name: domains[name] for name in ("light", "same")}
    equal = harmonisation(two, [0.0, 1.0], pixels)
    assert ((equal.null_low < equal.distance) & (equal.distance < equal.null_high)).all()
    assert (equal.null_low < 0).all() and abs(equal.accuracy - 0.5).max() < 0.15
    far = harmonisation({name: domains[name] for name in ("dark", "light")}, [0.0, 1.0], block_means)
    assert (far.distance > far.null_high).all() and (far.accuracy > 0.9).all()


def test_the_dual_distance_falls_to_the_target_and_rises_from_the_source():
    source, target = pictures(16, contrast=0.1, light=0.2), pictures(16, contrast=0.1, seed=1)
    levels = [0.0, 0.1, 0.3, 1.0, 3.0]
    chosen = dual_mmd(source, target, levels, pixels, repetitions=2)
    assert (np.diff(chosen.to_target) < 0).all()
    assert chosen.to_source[0] == pytest.approx(0, abs=1e-12) and (chosen.to_source[1:] > 0).all()
    again = dual_mmd(source, target, levels, pixels, repetitions=2)
    assert np.array_equal(again.to_target, chosen.to_target)
    width = median_width(pixels(source), pixels(target))
    fixed, number = (dual_mmd(source, target, levels, pixels, width=each) for each in ("first", width))
    assert np.array_equal(fixed.to_source, number.to_source)
    assert not np.allclose(fixed.to_source, dual_mmd(source, target, levels, pixels).to_source)


def test_the_level_is_where_the_weighted_distances_are_least():
    dual = DualMmd(np.array([0.0, 0.5, 1.0]), np.array([4.0, 1.0, 0.0]), np.array([0.0, 1.0, 8.0]))
    np.testing.assert_allclose(dual.objective(0.5), [0.5, 0.5 * 0.25 + 0.5 * 0.125, 0.5])
    assert (dual.best(0.5), dual.best(0.0), dual.best(1.0)) == (0.5, 0.0, 1.0)
    both_rising = DualMmd(dual.levels, dual.to_source, dual.to_source)
    assert all(both_rising.best(weight) == 0 for weight in (0.1, 0.5, 0.9)), "as Sec. 4.5 has it"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: squared_mmd(torch.zeros(3, 2), torch.zeros(3, 2), 0.0), "kernel width 0.0 must be positive"),
        (lambda: harmonisation({"one": pictures(8)}, [0.0], pixels), "at least two domains"),
        (lambda: dual_mmd(pictures(4), pictures(4), [0.0], pixels, width="narrow"), "kernel width 'narrow'"),
        (lambda: dual_mmd(pictures(4), pictures(4), [0.0], pixels, repetitions=0), "repetitions 0"),
        (lambda: DualMmd(*np.zeros((3, 2))).objective(1.1), "weight 1.1: give a number from 0 to 1"),
    ],
)
def test_what_is_impossible_is_said(call, said):
    with pytest.raises(WorkbenchError, match=said):
        call()


NORMAL = st.tuples(st.floats(-2, 2), st.floats(0.3, 2))


@settings(max_examples=30, deadline=None)
@given(first=NORMAL, second=NORMAL, level=st.floats(0, 2))
def test_divergence_of_normal_distributions_is_the_formulas(first, second, level):
    (mean, deviation), (other_mean, other_deviation) = first, second
    p, q = (Mixture([1.0], [each[0]], [each[1]]).noised(level) for each in (first, second))
    variance, other = deviation**2 + level**2, other_deviation**2 + level**2
    expected = 0.5 * (variance / other + (other_mean - mean) ** 2 / other - 1 + np.log(other / variance))
    assert divergence(p, q) == pytest.approx(expected, rel=1e-4, abs=1e-6)


P = Mixture([0.5, 0.5], [-1.0, 1.0], [0.2, 0.2])
Q = Mixture([0.3, 0.7], [-0.8, 1.2], [0.25, 0.3])


def test_noise_brings_densities_closer_as_proposition_3_1_says():
    falling = [divergence(P.noised(level), Q.noised(level)) for level in (0.0, 0.1, 0.3, 0.5, 1.0, 2.0)]
    assert (np.diff(falling) < 0).all() and falling[-1] > 0


@pytest.mark.parametrize("level", [0.3, 1.0])
def test_what_the_divergence_loses_is_the_conditional_one(level):
    """The joint divergence, that without noise, is the larger: Eq. 23 is printed the wrong way round."""
    noisy, conditional = divergence(P.noised(level), Q.noised(level)), conditional_divergence(P, Q, level)
    assert conditional > 0.01, "p(x | y) is not the noise's kernel, or this would be 0"
    assert divergence(P, Q) == pytest.approx(noisy + conditional, rel=1e-4)


def test_the_plane_shows_sets_apart_and_keeps_distances_within_it():
    generator = torch.Generator().manual_seed(0)
    spread = torch.tensor([3.0, 1.0, 0.01, 0.01])
    sets = {name: torch.randn(20, 4, generator=generator) * spread + shift for name, shift in (("a", 0.0), ("b", 9.0))}
    drawn = plane(sets)
    assert {name: tuple(each.shape) for name, each in drawn.items()} == {"a": (20, 2), "b": (20, 2)}
    whole, flat = (torch.cat(list(each.values())).double() for each in (sets, drawn))
    within = torch.cdist(whole, whole), torch.cdist(flat, flat)
    torch.testing.assert_close(flat.mean(dim=0), torch.zeros(2, dtype=torch.float64), atol=1e-9, rtol=0)
    assert (within[1] <= within[0] + 1e-3).all() and (within[1] - within[0]).abs().max() < 0.2 * within[0].max()
    assert flat[:, 0].var() > flat[:, 1].var()
    assert drawn["a"][:, 0].max() < drawn["b"][:, 0].min() or drawn["b"][:, 0].max() < drawn["a"][:, 0].min()
