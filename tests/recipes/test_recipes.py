import pytest
from support import ROOT

from data_tools import catalogue
from workbench.data.degradations import DEGRADATIONS
from workbench.data.domains import data_locations
from workbench.data.embedded import EFFECTS
from workbench.data.root import DATASET, PATCHES
from workbench.errors import WorkbenchError
from workbench.methods import NoiseSpaceAdaptation, resolve
from workbench.nets import NETWORKS
from workbench.recipes import VARIANTS, apply_settings, available, former, load_recipe, save_recipe
from workbench.recipes.schema import PAIRS, Data
from workbench.runs.identity import RESUME, difference

TASKS = {"denoise": "denoising", "derain": "deraining", "deblur": "deblurring"}


def adaptation(recipe):
    return NoiseSpaceAdaptation.options_of(recipe)


def test_every_packaged_recipe_is_valid_and_named_after_its_file():
    recipes = available()
    assert {f"{task}-{scale}" for task in TASKS for scale in ("pocket", "bench", "paper")} <= {
        recipe.name for recipe in recipes
    }
    assert "denoise-desk" in {recipe.name for recipe in recipes}
    assert all(load_recipe(recipe.name) == recipe and recipe.description for recipe in recipes)


@pytest.mark.parametrize("recipe", available(), ids=lambda recipe: recipe.name)
def test_packaged_recipes_say_what_they_are_and_name_what_there_is(recipe):
    base, _, scale = recipe.name.rpartition("-")
    assert recipe.scale == scale
    assert recipe.task == TASKS[base] if base in TASKS else base.startswith(("condition-quality", "drdd-"))
    settings = [value for section in recipe.options.values() for value in section.values()]
    networks = [value["name"] for value in settings if isinstance(value, dict)]
    assert {recipe.restorer.name, *networks} <= NETWORKS.keys() and (networks or recipe.method == "drdd")
    for place in data_locations(recipe.data):
        if place.startswith(DATASET):
            name = place.removeprefix(DATASET)
            (_folder,) = catalogue.folders(name.removesuffix(PATCHES))
            if name.endswith(PATCHES):
                assert catalogue.find(name.removesuffix(PATCHES))[0].cut, "cut as the papers do"
    if scale == "pocket":  # needs nothing that is not installed
        assert not any(place.startswith(DATASET) for place in data_locations(recipe.data))


@pytest.mark.parametrize("recipe", ["derain-paper", "deblur-paper"])
def test_the_papers_other_tasks_differ_in_data_and_rate_alone(recipe):
    other, denoise = load_recipe(recipe), load_recipe("denoise-paper")
    assert other.training.learning_rate == adaptation(other).learning_rate == 5e-5
    same = {"learning_rate": 1e-4}
    assert other.training.model_copy(update={**same, "max_steps": denoise.training.max_steps}) == denoise.training
    assert adaptation(other).model_copy(update={**same, "symmetric_range": False}) == adaptation(denoise)
    assert other.restorer == denoise.restorer
    assert other.data.degradation.name == "pairs"


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("recipe", ["denoise-pocket", "denoise-paper", "derain-bench"])
def test_every_variant_fits_every_recipe(recipe, variant):
    changed = resolve(load_recipe(f"{recipe}+{variant}"))
    assert changed.name == f"{recipe}+{variant}"
    networks = [
        value["name"] for section in changed.options.values() for value in section.values() if isinstance(value, dict)
    ]
    assert {changed.restorer.name, *networks} <= NETWORKS.keys()


def test_the_documentation_names_them_all():
    text = (ROOT / "docs" / "recipes.md").read_text()
    for name in [*VARIANTS, *DEGRADATIONS, PAIRS, *EFFECTS, *(recipe.name for recipe in available())]:
        assert f"`{name}`" in text


def test_variants_add_up_and_settings_have_the_last_word(tmp_path):
    last = ["options.noise-space.channel_shuffle=false", "method=noise-space"]
    recipe = load_recipe("denoise-pocket+table4-a+table4-e+fig7-unet-t", last)
    assert recipe.name == "denoise-pocket+table4-a+table4-e+fig7-unet-t" and recipe.restorer.name == "unet-t"
    assert not adaptation(recipe).residual_swap and not adaptation(recipe).channel_shuffle
    own = tmp_path / "mine+hers.yaml"
    own.write_text("name: mine\nscale: pocket\nrestorer: {name: unet-t}\n")
    assert load_recipe(own).name == "mine"
    own = own.rename(tmp_path / "mine.yaml")
    assert load_recipe(f"{own}+table4-a").method == "vanilla"


def test_table_4_differs_from_the_recipe_where_the_paper_says():
    keys = ("timesteps", "channel_shuffle", "residual_swap", "conditions")
    rows = {
        name: tuple(getattr(adaptation(load_recipe(f"denoise-paper+table4-{name}")), key) for key in keys)
        for name in ("b", "c", "d", "e", "only-syn", "only-real")
    }
    assert rows == {
        "b": ((1, 100), False, False, "both"),
        "c": ((900, 1000), False, False, "both"),
        "d": ((1, 1000), False, False, "both"),
        "e": ((1, 1000), True, False, "both"),
        "only-syn": ((1, 1000), False, False, "source"),
        "only-real": ((1, 1000), False, False, "target"),
    }


def test_paper_recipe_has_the_papers_numbers():
    recipe = load_recipe("denoise-paper")
    assert recipe.restorer.name == "unet-s" and adaptation(recipe).diffusion.name == "diffusion-b"
    assert (recipe.training.patch_size, recipe.training.batch_size) == (128, 40)
    assert (adaptation(recipe).ceiling, adaptation(recipe).steepness, adaptation(recipe).margin) == (0.2, 5.0, 0.1)
    assert (recipe.training.ema_decay, recipe.training.schedule, recipe.warm_start) == (0.9999, "constant", None)
    assert adaptation(recipe).channel_shuffle and adaptation(recipe).residual_swap


def test_settings_change_single_values():
    recipe = load_recipe(
        "denoise-pocket",
        ["training.max_steps=7", "data.sigma=[0, 50]", "restorer.width=8", "options.noise-space.channel_shuffle=false"],
        method="vanilla", seed=4,
    )  # fmt: skip
    assert (recipe.training.max_steps, recipe.method, recipe.seed) == (7, "vanilla", 4)
    assert recipe.data.degradation.overrides == {"sigma": [0, 50]}
    assert recipe.restorer.overrides == {"width": 8}
    assert recipe.options["noise-space"]["channel_shuffle"] is False
    assert recipe.options["noise-space"]["ceiling"] == 1.0, "as the recipe says"


def test_old_and_new_ways_to_say_a_degradation_mean_the_same():
    old = Data(sigma=[0, 50])
    assert old == Data(degradation={"name": "awgn", "sigma": [0, 50]}) == Data(degradation={"sigma": (0.0, 50.0)})
    assert (
        Data(sigma=[0, 75])
        == Data(degradation="awgn")
        == Data(degradation={"name": "awgn", "sigma": [0, 75]})
        == Data()
    )
    # The tree is that of before there were options: digests of runs rest on it.
    tree = old.model_dump(mode="json")
    assert (tree["degradation"], tree["sigma"]) == ("awgn", [0, 50]) and not {"mixture", "fraction"} & tree.keys()
    assert Data(degradation="poisson").model_dump(mode="json")["degradation"] == "poisson"
    # An old file, and a setting that is given; whatever was said before, the setting counts.
    for setting in (
        "data.sigma=[0, 30]",
        "data.degradation.sigma=[0, 30]",
        "data.degradation={name: awgn, sigma: [0, 30]}",
    ):
        for tree in (load_recipe("denoise-pocket", ["data.sigma=[0, 50]"]).model_dump(mode="json"), {
            "name": "x", "scale": "pocket", "restorer": {"name": "unet-t"}, "data": {"sigma": [0, 50]}
        }):  # fmt: skip
            assert apply_settings(tree, [setting]).data.degradation.overrides == {"sigma": [0, 30]}
    derain = load_recipe("derain-pocket", ["data.degradation.slant=5"])
    assert derain.data.degradation.overrides == {"slant": 5}
    assert str(derain.data.degradation) == "rain-streaks, slant 5.0"


def test_what_restoration_alone_looks_at_is_as_warm_starts_were_named():
    assert Data(target="a", camera="mild").source_side == {"source": "embedded", "sigma": [0, 75]}
    assert Data(degradation="haze").source_side == {"source": "embedded", "degradation": "haze"}
    mixed = Data(mixture=[{}, {"degradation": "haze", "source_validation": "a"}], fraction=0.5).source_side
    assert mixed == Data(mixture=[{}, {"degradation": "haze"}], fraction=0.5).source_side
    assert mixed["fraction"] == 0.5 and len(mixed["mixture"]) == 2
    later = Data(mixture=[{}, {"degradation": "haze"}], mixture_from="training")
    assert later.source_side == Data().source_side and len(later.entries) == 2


def test_a_mixtures_entries_are_the_recipes_data_where_they_say_nothing_else():
    data = Data(
        source="a", source_validation="b", mixture=[{"weight": 2}, {"degradation": "haze"}, {"source": ["c", "d"]}]
    )
    said = [(each.weight, each.source, each.degradation.name, each.source_validation) for each in data.entries]
    assert said == [
        (2, "a", "awgn", "b"), (1, "a", "haze", None), (1, ["c", "d"], "awgn", None),
    ]  # fmt: skip
    assert data_locations(data) == ["a", "c", "d", "simulated-camera", "b"]
    assert Data(**data.model_dump(mode="json")) == data


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
        ("data.degradation=fog", "data.degradation"),
        ("data.degradation=pairs", "needs source folders with input/ and target/"),
        ("data.degradation={name: poisson, peek: 3}", "data.degradation: poisson has no option 'peek'"),
        ("data.degradation={name: poisson, peak: 3}", "data.degradation: poisson: peak: "),
        ("data.degradation={name: haze, airlight: [0.5, 2]}", "data.degradation: airlight must be two rising numbers"),
        ("data.degradation={name: pairs, peak: 3}", "data.degradation: pairs has no options"),
        ("data.mixture=[]", "data.mixture: "),
        ("data.mixture=[{degradation: fog}]", "data.mixture.0.degradation: no degradation is called 'fog'"),
        ("data.mixture=[{weight: 0}]", "data.mixture.0.weight: "),
        ("data.mixture=[{wait: 1}]", "data.mixture.0.wait: there is no such key"),
        ("data.mixture=[{degradation: pairs}]", "needs source folders with input/ and target/"),
        ("data.fraction=0", "data.fraction: "),
        ("options.noise-space.timesteps=[0, 100]", "1..1000"),
        ("options.noise-space.conditions=source", "leaves nothing to swap"),
        ("options.noise-space.paired=false", "no residual swap"),
        ("training.devices=3", "shared evenly"),
        ("training.schedule=[", "not a valid value"),
    ],
)
def test_wrong_settings_are_one_line(setting, message):
    with pytest.raises(WorkbenchError, match=message.replace("[", r"\[")) as raised:
        resolve(load_recipe("denoise-pocket", [setting]))
    assert "\n" not in str(raised.value)


FORMER = """
name: mine
scale: pocket
restorer: {name: unet-t}
noise_space: {ceiling: 2, diffusion: {name: diffusion-t}}
options: {noise-space: {ceiling: 3}, dann: {ceiling: 0.5}}
"""


def test_keys_that_have_moved_are_read_on_and_said_once_where_they_were_written_by_hand(tmp_path, capsys):
    former._say.cache_clear()
    stored, own = tmp_path / "recipe.yaml", tmp_path / "mine.yaml"
    for path in (stored, own):
        path.write_text(FORMER)
    now = {"noise-space": {"ceiling": 3, "diffusion": {"name": "diffusion-t"}}, "dann": {"ceiling": 0.5}}
    assert load_recipe(tmp_path).options == load_recipe(stored).options == now
    assert capsys.readouterr().err == ""
    assert load_recipe(own).options == now
    changed = load_recipe("denoise-pocket", ["noise_space.ceiling=7", "noise_space.diffusion.widths=[8, 8]"])
    assert changed.options["noise-space"]["ceiling"] == 7
    assert changed.options["noise-space"]["diffusion"] == {"name": "diffusion-pocket", "widths": [8, 8]}
    said = "workbench: noise_space.KEY is now options.noise-space.KEY; the old name is read on\n"
    assert capsys.readouterr().err == said
    with pytest.raises(WorkbenchError, match="noise_space: there is no such key"):
        stored.write_text(
            FORMER.replace("noise_space: {", "noise_space: [{").replace("diffusion-t}}", "diffusion-t}}]")
        )
        load_recipe(stored)


def test_wrong_combinations_are_one_line():
    with pytest.raises(
        WorkbenchError, match="data.degradation: rain-streaks has no option 'sigma'; its options are: density"
    ):
        load_recipe("derain-pocket", ["data.sigma=[0, 50]"])
    with pytest.raises(WorkbenchError, match=r"denoise-pocket\+table9: no such variant; there are table4-a"):
        load_recipe("denoise-pocket+table9")


def test_wrong_files_are_one_line(tmp_path):
    with pytest.raises(WorkbenchError, match="no recipe is called 'denoise'; packaged are .*denoise-pocket"):
        load_recipe("denoise")
    with pytest.raises(WorkbenchError, match="cannot be read"):
        load_recipe(tmp_path / "missing.yaml")
    for text, message in (("a: [", "not valid YAML"), ("- 1", "a mapping"), ("name: x", "scale")):
        (tmp_path / "recipe.yaml").write_text(text)
        with pytest.raises(WorkbenchError, match=message):
            load_recipe(tmp_path)


@pytest.mark.parametrize("method", former._ADDED)
def test_a_run_keeps_the_options_that_it_had_before_there_were_others(method, tmp_path):
    now = resolve(load_recipe("denoise-pocket", method=method))
    options = now.options[method]
    before = {key: value for key, value in options.items() if key not in former._ADDED[method]}
    save_recipe(now.model_copy(update={"options": {method: before}}), tmp_path / "recipe.yaml")
    then = resolve(load_recipe(tmp_path))
    assert then.options[method] == options | former._ADDED[method]
    assert difference(then, now, RESUME) is not None, "a run of before is none of today's method"
    save_recipe(now, tmp_path / "recipe.yaml")
    assert resolve(load_recipe(tmp_path)).options[method] == options
