"""Where Compare begins, and what stands beside the trained restorers."""

import re

import numpy as np

from apps import pictures, previewing, restorers, runs, spectrum
from apps.compare import CLASSICAL, CompareTab
from apps.comparison import INPUT, Comparison, View
from apps.pictures import Crop
from apps.restorers import MOST
from workbench.colours import COLOURS
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


def test_the_first_crop_is_no_dark_one_unless_all_are(tmp_path):
    one, other = np.full((400, 600, 3), 90, np.uint8), np.full((400, 600, 3), 90, np.uint8)
    other[:120, :120] += 10
    one[:, 300:], other[:, 300:] = 0, 15  # differs more, but who sees it?
    assert pictures.differing_place(comparison(tmp_path, input=one, vanilla=one, adapted=other), 4) == (0.1, 0.1)
    x, _ = pictures.differing_place(comparison(tmp_path, input=one, vanilla=one // 6, adapted=other // 6), 4)
    assert x > 0.5


def test_classical_denoisers_are_packaged_and_come_beside_those_chosen():
    assert set(CLASSICAL) <= set(packaged())
    chosen = [f"restorer-{number}" for number in range(MOST)]
    update, touched = CompareTab.add_classical(None, "nlm", chosen)
    assert touched and update["value"] == [*chosen[: MOST - 1], "nlm"]
    assert CompareTab.add_classical(None, "nlm", ["nlm", "a"])[0]["value"] == ["a", "nlm"]


def test_runs_of_a_recipe_stand_together():
    names = {"a-vanilla-s0": "a", "b-vanilla-s0": "b", "mine": "a", "c-dann-s0": "c-dann", "c-dann-s1": "c-dann"}
    states = [State(name, "finished", False, 1, 0.0, {}, recipe) for name, recipe in names.items()]
    groups = runs.by_recipe(states)
    assert {recipe: [each.name for each in group] for recipe, group in groups.items()} == {
        "a": ["a-vanilla-s0", "mine"], "b": ["b-vanilla-s0"], "c-dann": ["c-dann-s0", "c-dann-s1"],
    }  # fmt: skip
    sheet = runs.headings({**groups, '</style>"': []})
    assert re.findall(r'nth-of-type\((\d+)\) { --recipe: "(.*?)"', sheet)[:3] == [
        ("1", "a"),
        ("3", "b"),
        ("4", "c-dann"),
    ]
    assert sheet.count("</style>") == 1 and sheet.endswith("</style>"), "a name is no markup"


def test_a_large_photo_has_a_crop_first(tmp_path, monkeypatch):
    photo = np.full((90, 120, 3), 120, np.uint8)
    photo[60:, 80:] = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)
    choices = restorers.chosen(["denoise-photographs-vanilla"], restorers.find_restorers(tmp_path)[0])
    assert previewing.preview(photo, choices) == "", "a small one has none"
    monkeypatch.setattr(previewing, "FROM_PIXELS", 10_000)
    monkeypatch.setattr(previewing, "CROP_SIDE", 32)
    page = previewing.preview(photo, choices)
    assert page.count("<figure>") == 2 and "input" in page and "vanilla" in page


def test_a_restorer_has_its_colour_in_the_spectrum_too(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    titles = (INPUT, "vanilla", "adapted", "nlm", "tv", "reference")
    drawn = spectrum.plot(comparison(tmp_path, **dict.fromkeys(titles, noise)))
    inks = {line.name: line.line.color for line in drawn.data}
    assert inks["vanilla"] == COLOURS["vanilla"] and inks["adapted"] == COLOURS["adapted"]
    assert len(set(inks.values())) == len(titles)
