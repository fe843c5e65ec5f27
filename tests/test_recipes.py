import pytest

from workbench.errors import WorkbenchError
from workbench.recipes import available, load_recipe, save_recipe


def test_every_packaged_recipe_is_valid_and_named_after_its_file():
    recipes = available()
    assert {"denoise-pocket", "denoise-paper"} <= {recipe.name for recipe in recipes}
    assert all(load_recipe(recipe.name) == recipe and recipe.description for recipe in recipes)


def test_paper_recipe_has_the_papers_numbers():
    recipe = load_recipe("denoise-paper")
    assert recipe.restorer.name == "unet-s" and recipe.noise_space.diffusion.name == "diffusion-b"
    assert (recipe.training.patch_size, recipe.training.batch_size) == (128, 40)
    assert (recipe.noise_space.ceiling, recipe.noise_space.steepness, recipe.noise_space.margin) == (0.2, 5.0, 0.1)
    assert (recipe.training.ema_decay, recipe.training.schedule, recipe.warm_start) == (0.9999, "constant", None)
    assert recipe.noise_space.channel_shuffle and recipe.noise_space.residual_swap


def test_settings_change_single_values():
    recipe = load_recipe(
        "denoise-pocket",
        ["training.max_steps=7", "data.sigma=[0, 50]", "restorer.width=8", "noise_space.channel_shuffle=false"],
        method="vanilla", seed=4,
    )  # fmt: skip
    assert (recipe.training.max_steps, recipe.data.sigma, recipe.method, recipe.seed) == (7, (0, 50), "vanilla", 4)
    assert recipe.restorer.overrides == {"width": 8}
    assert recipe.noise_space.channel_shuffle is False
    assert recipe.noise_space.residual_swap is True


def test_saved_recipe_reads_back(tmp_path):
    recipe = load_recipe("denoise-pocket", ["data.source=[a, b]"])
    save_recipe(recipe, tmp_path / "recipe.yaml")
    assert load_recipe(tmp_path) == recipe
    assert load_recipe(str(tmp_path / "recipe.yaml")) == recipe


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.max_step=7", "training.max_step: there is no such key"),
        ("training.max_steps=many", "training.max_steps"),
        ("training.max_steps=0", "training.max_steps"),
        ("max_steps", "write KEY=VALUE"),
        ("name.x=1", "has no keys below"),
        ("data.sigma=[50, 10]", "rising"),
        ("noise_space.timesteps=[0, 100]", "1..1000"),
        ("noise_space.conditions=source", "leaves nothing to swap"),
        ("noise_space.paired=false", "no residual swap"),
        ("training.devices=3", "shared evenly"),
        ("training.schedule=[", "not a valid value"),
    ],
)
def test_wrong_settings_are_one_line(setting, message):
    with pytest.raises(WorkbenchError, match=message.replace("[", r"\[")) as raised:
        load_recipe("denoise-pocket", [setting])
    assert "\n" not in str(raised.value)


def test_wrong_files_are_one_line(tmp_path):
    with pytest.raises(WorkbenchError, match="no recipe is called 'denoise'; packaged are .*denoise-pocket"):
        load_recipe("denoise")
    with pytest.raises(WorkbenchError, match="cannot be read"):
        load_recipe(tmp_path / "missing.yaml")
    for text, message in (("a: [", "not valid YAML"), ("- 1", "a mapping"), ("name: x", "scale")):
        (tmp_path / "recipe.yaml").write_text(text)
        with pytest.raises(WorkbenchError, match=message):
            load_recipe(tmp_path)
