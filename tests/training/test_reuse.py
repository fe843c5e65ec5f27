import pytest
from support import TINY

from workbench.errors import WorkbenchError
from workbench.recipes import load_recipe
from workbench.training import Run, find_or_train, find_or_train_all, fit, recipe_digest, run_name


def test_a_second_call_finds_the_run_of_the_first(tmp_path, capfd):
    recipe = load_recipe("denoise-pocket", TINY, method="vanilla")
    first = find_or_train(recipe, tmp_path)
    finished = first.summary["finished_at"]
    assert first.finished and first.name == f"denoise-pocket-vanilla-s0-{recipe_digest(recipe)}"
    again = find_or_train(recipe, tmp_path)
    assert again.folder == first.folder and again.summary["finished_at"] == finished
    assert run_name(recipe.model_copy(update={"description": "other", "name": "other"}), tmp_path) == first.name
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_the_digest_tells_runs_apart_and_nothing_else():
    def digest(name="denoise-pocket", *settings, **overrides):
        return recipe_digest(load_recipe(name, settings, **overrides))

    plain = digest()
    assert plain == digest("denoise-pocket", "training.threads=2", "description=other", "name=other")
    different = {
        plain, digest(seed=1), digest(method="vanilla"), digest("denoise-pocket", "options.noise-space.ceiling=5"),
        digest("denoise-pocket+table4-e"), digest("denoise-pocket", "training.snapshot_every=50"),
    }  # fmt: skip
    assert len(different) == 6
    assert digest("denoise-pocket+table4-e") == digest("denoise-pocket", "options.noise-space.residual_swap=false")


def test_smoke_trains_hardly_any_steps_under_another_name(tmp_path):
    recipe = load_recipe("denoise-pocket", ["training.snapshot_every=50"])
    run = find_or_train(recipe, tmp_path, smoke=True)
    assert run.finished and run.summary["steps"] <= 12 and recipe_digest(recipe) not in run.name
    assert list(run.snapshots) == [0, 4, 8, 12] and run.summary["warm_start"] is not None


@pytest.mark.usefixtures("warm_python")
def test_several_runs_are_trained_side_by_side_and_found_again(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("workbench.training.reuse.trainings_at_once", lambda: 2)
    recipes = {seed: load_recipe("denoise-pocket", TINY, method="vanilla", seed=seed) for seed in (0, 1)}
    recipes["again"] = recipes[0]
    here = []

    def note(recipe, runs, name, **options):
        here.append(Run(runs / name).finished)
        return fit(recipe, runs, name, **options)

    monkeypatch.setattr("workbench.training.fitting.fit", note)
    runs = find_or_train_all(recipes, tmp_path)
    assert here == [True] * 3, "trained by other processes"
    assert list(runs) == [0, 1, "again"] and runs["again"].folder == runs[0].folder
    assert [runs[seed].summary["seed"] for seed in (0, 1)] == [0, 1]
    finished = runs[1].summary["finished_at"]
    assert find_or_train_all(recipes, tmp_path)[1].summary["finished_at"] == finished
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.usefixtures("warm_python")
def test_a_recipe_that_fails_side_by_side_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.training.reuse.trainings_at_once", lambda: 2)
    settings = [*TINY, "data.source=/nowhere/at-all"]
    recipes = {seed: load_recipe("denoise-pocket", settings, method="vanilla", seed=seed) for seed in (0, 1)}
    with pytest.raises(WorkbenchError, match="nowhere"):
        find_or_train_all(recipes, tmp_path)
