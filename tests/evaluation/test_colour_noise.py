"""Colour noise in flat places."""

import numpy as np
import pytest

from workbench.evaluation import NoValue, evaluate_pairs
from workbench.evaluation.colour_noise import colour_noise

RNG = np.random.default_rng(0)


def scene(side=128):
    """Flat above, strongly textured in colour below."""
    reference = np.full((side, side, 3), 128.0)
    reference[side // 2 :] += RNG.uniform(-60, 60, (side // 2, side, 3))
    return reference


def test_independent_noise_keeps_its_level_and_texture_does_not_count():
    reference = scene()
    assert colour_noise(reference, reference) == 0
    assert colour_noise(reference + RNG.normal(0, 5, reference.shape), reference) == pytest.approx(5, rel=0.05)


def test_grey_noise_and_a_shift_of_colour_are_no_colour_noise():
    reference = scene()
    grey = RNG.normal(0, 5, (*reference.shape[:2], 1))
    assert colour_noise(reference + grey + [9, 0, -9], reference) == pytest.approx(0, abs=1e-9)


def test_places_without_light_are_left_out():
    reference = scene()
    reference[:32] = 0
    noisy = reference + RNG.normal(0, 5, reference.shape) * (reference > 0)
    assert colour_noise(noisy, reference) == pytest.approx(5, rel=0.05)
    with pytest.raises(NoValue, match="fewer than four unclipped squares of 16 pixels"):
        colour_noise(np.zeros((64, 64, 3)), np.zeros((64, 64, 3)))


@pytest.mark.parametrize(("kind", "full"), [(np.uint8, 255), (np.uint16, 65535)])
def test_it_is_in_levels_of_eight_bits_whatever_the_file_has(kind, full):
    reference = scene().clip(0, 255) / 255
    noisy = (reference + RNG.normal(0, 5 / 255, reference.shape)).clip(0, 1)
    pairs = [("a", (noisy * full).round().astype(kind), (reference * full).round().astype(kind))]
    report = evaluate_pairs(lambda picture: picture, pairs, metrics=("colour-noise",))
    assert report["mean"]["colour-noise"] == pytest.approx(5, rel=0.05)
