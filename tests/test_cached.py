from conftest import TINY

from workbench.recipes import load_recipe
from workbench.training import cached_name, cached_run, recipe_digest


def test_a_second_call_finds_the_run_of_the_first(tmp_path, capfd):
    recipe = load_recipe("denoise-pocket", TINY, method="vanilla")
    first = cached_run(recipe, tmp_path)
    finished = first.summary["finished_at"]
    assert first.finished and first.name == f"denoise-pocket-vanilla-s0-{recipe_digest(recipe)}"
    again = cached_run(recipe, tmp_path)
    assert again.folder == first.folder and again.summary["finished_at"] == finished
    assert cached_name(recipe.model_copy(update={"description": "other"})) == first.name
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


def test_the_digest_tells_runs_apart_and_nothing_else():
    def digest(name="denoise-pocket", *settings, **overrides):
        return recipe_digest(load_recipe(name, settings, **overrides))

    plain = digest()
    assert plain == digest("denoise-pocket", "training.threads=2", "description=other", "name=other")
    different = {
        plain, digest(seed=1), digest(method="vanilla"), digest("denoise-pocket", "noise_space.ceiling=5"),
        digest("denoise-pocket+table4-e"), digest("denoise-pocket", "training.snapshot_every=50"),
    }  # fmt: skip
    assert len(different) == 6
    assert digest("denoise-pocket+table4-e") == digest("denoise-pocket", "noise_space.residual_swap=false")


def test_smoke_trains_hardly_any_steps_under_another_name(tmp_path):
    recipe = load_recipe("denoise-pocket", ["training.snapshot_every=50"])
    run = cached_run(recipe, tmp_path, smoke=True)
    assert run.finished and run.summary["steps"] <= 12 and recipe_digest(recipe) not in run.name
    assert list(run.snapshots) == [0, 4, 8, 12] and run.summary["warm_start"] is not None
