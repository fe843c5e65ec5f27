"""Intervals of gains: paired, by photograph, with known answers."""

import numpy as np
import pandas as pd
import pytest

from workbench.comparison.intervals import FEWEST, bootstrap_interval, gain_interval, photographs


def width(interval):
    return interval[1] - interval[0]


def test_the_interval_of_independent_gains_is_that_of_the_normal_distribution():
    gains = np.random.default_rng(1).normal(0.5, 1.0, (1, 400))
    low, high = bootstrap_interval(gains, [f"scene {index}" for index in range(400)])
    error = 1.96 * gains.std() / 20
    assert low == pytest.approx(gains.mean() - error, abs=0.01) and high == pytest.approx(
        gains.mean() + error, abs=0.01
    )


def test_crops_of_one_photograph_count_once():
    gains = np.random.default_rng(1).normal(0.5, 1.0, (1, 50))
    alone = bootstrap_interval(gains, range(50))
    crops = bootstrap_interval(gains.repeat(4, axis=1), np.arange(50).repeat(4))
    assert crops == pytest.approx(alone)
    apart = bootstrap_interval(gains.repeat(4, axis=1), range(200))
    assert width(apart) == pytest.approx(width(alone) / 2, rel=0.1), "as if there were four times as many photographs"


def test_seeds_are_drawn_too():
    seeds = np.array([0.0, 1.0, 2.0])[:, None] + np.zeros((3, 10))
    assert bootstrap_interval(seeds, range(10)) == (0, 2), "photographs agree, three seeds do not"
    assert bootstrap_interval(seeds[1:2], range(10)) == (1, 1)


def test_too_few_photographs_have_no_interval():
    assert bootstrap_interval(np.ones((3, 40)), np.arange(40) % (FEWEST - 1)) is None


def test_pictures_are_told_by_their_names():
    assert photographs(["a_chair_1.png", "a_chair_2.png", "a_desk-1.png"]) == ["a_chair", "a_chair", "a_desk"]
    assert photographs(["0001_01", "0001_02", "0002_01"]) == ["0001", "0001", "0002"]
    assert photographs(["kodim01.png", "kodim02.png"]) == ["kodim01", "kodim02"]
    assert photographs(["photo_1", "photo_2"]) == ["photo_1", "photo_2"], "not all of one"


def test_gains_are_paired_by_picture_and_seed():
    rng = np.random.default_rng(0)
    rows = [
        {"cell": cell, "seed": seed, "picture": f"kodim{picture}", "psnr": level + gain}
        for picture, level in enumerate(rng.normal(30, 5, 12))
        for seed in (0, 1, 2)
        for cell, gain in {"vanilla": 0, "dann": 0.25, "oracle": 1}.items()
        if (cell, seed) != ("oracle", 1)
    ]
    scores = pd.DataFrame(rows)
    assert gain_interval(scores, "dann") == pytest.approx((0.25, 0.25)), "whatever the pictures' own levels"
    assert gain_interval(scores, "oracle") == pytest.approx((1, 1)), "over the seeds that both have"
    assert gain_interval(scores, "vanilla") is None and gain_interval(scores, "magic") is None
    scores.loc[(scores.picture == "kodim3") & (scores.cell == "dann"), "psnr"] = np.nan
    assert gain_interval(scores, "dann") == pytest.approx((0.25, 0.25)), "a picture without a number is left out"
