"""The palette: one colour for one thing, told apart by those who see red or green badly."""

from itertools import combinations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from workbench import colours

# Viénot, Brettel and Mollon (1999), for linear RGB
SIGHT = {
    "usual": np.eye(3),
    "protanopia": np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
    "deuteranopia": np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]),
}
LEAST = 8.0
"""CIEDE2000; 1 is just seen side by side."""


def seen(code, sight):
    rgb = np.array([int(code[place : place + 2], 16) / 255 for place in (1, 3, 5)]) ** 2.2
    return rgb2lab((SIGHT[sight] @ rgb).clip(0, 1) ** (1 / 2.2))


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_are_told_apart(sight):
    codes = sorted(set(colours.COLOURS.values()))
    for one, other in combinations(codes, 2):
        assert deltaE_ciede2000(seen(one, sight), seen(other, sight)) > LEAST, (one, other)


def test_a_setting_does_not_change_the_colour():
    for label in (
        "adapted",
        "adapted-c5",
        "adapted-c0.2",
        "adapted, ceiling 1",
        "noise-space",
        "(f) (Ours)",
        "paired (Ours)",
    ):
        assert colours.colour(label) == colours.COLOURS["adapted"], label
    assert colours.colour("vanilla-early-500") == colours.COLOURS["vanilla-early"] != colours.colour("vanilla")
    assert colours.colour("vanilla + best blur") == colours.OTHER
