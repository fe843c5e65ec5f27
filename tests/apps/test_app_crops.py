"""Where Compare begins, and what stands beside the trained restorers."""

import numpy as np
import pytest

from apps import pictures, runs
from apps.compare import CLASSICAL, CompareTab
from apps.comparison import INPUT, Comparison, View
from apps.endpoints import Endpoints
from apps.pictures import Crop
from apps.restorers import MOST
from workbench.restorers import packaged
from workbench.runs.states import State


def comparison(tmp_path, **views):
    made = {title: View(title, pixels, None if title == INPUT else object()) for title, pixels in views.items()}
    return Comparison("one", tmp_path, made, "")


def test_the_first_crop_is_where_the_results_differ_most(tmp_path):
    same = np.full((400, 600, 3), 90, np.uint8)
    busy, other = same.copy(), same.copy()
    busy[:120, :120] = np.random.default_rng(0).integers(0, 255, (120, 120, 3), np.uint8)  # detail that both keep
    other[300:380, 440:560] += 40
    one = comparison(tmp_path, **{INPUT: busy, "vanilla": same, "adapted": other})
    x, y = pictures.differing_place(one, 4)
    rows, columns = Crop(x, y, 4).window(600, 400)
    assert rows.start < 340 < rows.stop and columns.start < 500 < columns.stop
    alone = comparison(tmp_path, **{INPUT: busy, "adapted": same})
    x, y = pictures.differing_place(alone, 4)
    assert x < 0.3 and y < 0.3, "one result is held against the input"


def test_classical_denoisers_are_packaged_and_come_beside_those_chosen():
    assert set(CLASSICAL) <= set(packaged())
    chosen = [f"restorer-{number}" for number in range(MOST)]
    update, touched = CompareTab.add_classical(None, "nlm", chosen)
    assert touched and update["value"] == [*chosen[: MOST - 1], "nlm"]
    assert CompareTab.add_classical(None, "nlm", ["nlm", "a"])[0]["value"] == ["a", "nlm"]


def test_wrong_types_are_refused_with_the_argument_named(tmp_path):
    endpoints = object.__new__(Endpoints)
    endpoints.runs = tmp_path
    names = ["denoise-photographs-vanilla"]
    for arguments, said in (
        ((["a.png"], names, "awgn", "abc", "standard", None), "sigma 'abc'"),
        ((["a.png"], names, 7, 25, "standard", None), "degradation"),
        ((["a.png"], names, "camera", 25, ["x"], None), "camera"),
        ((["a.png"], "vanilla", "awgn", 25, "standard", None), "restorers"),
    ):
        with pytest.raises(Exception, match=said):
            endpoints.compare_many(*arguments)
    with pytest.raises(Exception, match="restorer: give a name"):
        endpoints.restore_one("a.png", 5)


def test_runs_of_a_recipe_stand_together():
    def state(name, **summary):
        return State(name, "finished", False, 1, 0.0, summary)

    states = [state("a-vanilla-s0", recipe="a"), state("b-vanilla-s0", recipe="b"), state("mine", recipe="a"),
              state("c-dann-s0-0123456789ab"), state("c-dann-s1-0123456789ab")]  # fmt: skip
    assert [each.name for each in runs.by_recipe(states)] == [
        "a-vanilla-s0", "mine", "b-vanilla-s0", "c-dann-s0-0123456789ab", "c-dann-s1-0123456789ab"
    ]  # fmt: skip
