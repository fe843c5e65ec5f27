"""What makes two runs the same: one table, which resuming, reuse, warm starts, comparisons and tables ask."""

import json
from typing import get_args

import pytest
from pydantic import BaseModel

from workbench.methods import resolve
from workbench.recipes import Recipe, load_recipe, save_recipe
from workbench.recipes.schema import MixtureEntry, Network
from workbench.runs import Run
from workbench.runs.identity import (
    EXPERIMENT,
    RESTORATION,
    RESUME,
    REUSE,
    difference,
    digest,
    entry_of,
    find_run,
)


def recipe(*settings, name="denoise-pocket", **overrides):
    return resolve(load_recipe(name, settings, **overrides))


def keys_of(model, prefix=""):
    """All dotted keys of the schema; a network's hyper-parameters and a method's options are named by others."""
    for name, field in model.model_fields.items():
        found = [each for each in (field.annotation, *get_args(field.annotation)) if isinstance(each, type)]
        sections = [each for each in found if issubclass(each, BaseModel)]
        if not sections or issubclass(sections[0], Network):
            yield f"{prefix}{name}" + (".name" if sections and name == "restorer" else "")
        for section in sections:
            if not issubclass(section, Network):
                yield from keys_of(section, f"{prefix}{name}.")


def test_every_key_of_the_schema_is_classified():
    keys = [*keys_of(Recipe), *keys_of(MixtureEntry, "data.mixture.0.")]
    assert len(keys) > 50 and {"seed", "warm_start.threads", "data.camera"} <= set(keys)
    unnamed = [key for key in keys if entry_of(key) is None and key != "options"]
    assert unnamed == [], "say in workbench.runs.identity what they decide"


def test_a_key_that_the_table_does_not_name_decides():
    method = "neighbor2neighbor"
    before = recipe(method=method)
    after = before.model_copy(update={"options": {method: before.options.get(method, {}) | {"of_tomorrow": 1}}})
    assert difference(before, after) == f"options.{method}.of_tomorrow (nothing there, 1 here)"
    assert entry_of("training.of_tomorrow") is None
    wider = recipe("restorer.width=5", method=method)
    assert difference(before, wider).startswith("restorer.width ")


@pytest.mark.parametrize(
    ("setting", "counts"),
    [
        ("training.batch_size=3", {"resume", "reuse", "experiment"}),
        ("training.precision=bf16-mixed", {"resume", "reuse", "experiment"}),
        ("warm_start.max_steps=3", {"resume", "reuse", "experiment"}),
        ("seed=4", {"resume", "reuse", "restoration", "experiment"}),
        ("restorer.width=5", {"resume", "reuse", "restoration", "experiment"}),
        ("data.source=/pictures", {"resume", "reuse", "restoration", "experiment"}),
        ("data.sigma=[0, 50]", {"resume", "reuse", "restoration", "experiment"}),
        ("data.validation_images=3", {"resume", "reuse"}),
        ("data.source_validation=/pairs", {"resume", "reuse"}),
        ("training.snapshot_every=50", {"reuse"}),
        ("training.validate_every=7", {"reuse"}),
        *[
            (f"{section}.{key}", set())
            for section in ("training", "warm_start")
            for key in ("workers=1", "threads=2", "log_every=3", "checkpoint_every=3", "accelerator=cpu")
        ],
        ("warm_start.validate_every=7", {"reuse"}),
        ("name=other", set()),
        ("description=other", set()),
    ],
)
def test_what_counts_for_whom(setting, counts):
    before, after = recipe(), recipe(setting)
    asked = {"resume": RESUME, "reuse": REUSE, "experiment": EXPERIMENT}
    found = {name for name, roles in asked.items() if difference(before, after, roles) is not None}
    assert found == counts - {"restoration"}
    assert (digest(before, REUSE, {}) != digest(after, REUSE, {})) == ("reuse" in counts)
    key = setting.partition("=")[0]
    if not key.startswith(("training", "warm_start")):
        assert (difference(before, after, RESTORATION) is not None) == ("restoration" in counts)


def test_what_a_method_does_not_use_does_not_count():
    for unused in (["options.noise-space.ceiling=5.0"], ["options.dann.ceiling=0.5"]):
        assert difference(recipe(method="vanilla"), recipe(*unused, method="vanilla"), REUSE) is None
    assert "ceiling" in difference(recipe(), recipe("options.noise-space.ceiling=5.0"))
    assert difference(recipe(), recipe("data.camera=strong")) == "data.camera (standard there, strong here)"


def test_a_missing_section_is_said():
    assert difference(recipe("warm_start=null"), recipe()) == "warm_start (None there, a section here)"


def made(runs, name, written, status="finished", fingerprints=None):
    folder = runs / name
    folder.mkdir(parents=True)
    save_recipe(written, folder / "recipe.yaml")
    run = Run(folder)
    run.write_summary({"status": status})
    run.write_fingerprints(fingerprints or {})
    return folder


def test_a_run_is_found_by_what_its_folder_says(tmp_path):
    asked = recipe()

    def found(fingerprints=None):
        run = find_run(sorted(tmp_path.iterdir()), asked, REUSE, fingerprints or {}, resolve)
        return run and run.name

    for name, content in (("broken", "]"), ("empty", ""), ("list", "- 1"), ("unknown", "name: x\nscale: huge")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "recipe.yaml").write_text(content)
    made(tmp_path, "another", recipe("training.batch_size=3"))
    made(tmp_path, "other-pictures", asked, fingerprints={"/pictures": "0" * 16})
    assert found() is None and found({"/pictures": "0" * 16}) == "other-pictures"
    made(tmp_path, "a-interrupted", asked, status="interrupted")
    assert found() == "a-interrupted"
    made(tmp_path, "b-slower", recipe("training.workers=1"))
    assert found() == "b-slower"
    made(tmp_path, "c-the-very-one", asked)
    assert found() == "c-the-very-one"
    (tmp_path / "c-the-very-one" / "summary.json").write_text("{")
    assert found() == "b-slower"


def test_a_recipe_that_was_written_before_an_option_was_there_has_its_default(tmp_path):
    asked = recipe(method="dann")
    folder = made(tmp_path, "old", asked)
    text = json.loads(json.dumps(asked.model_dump(mode="json")))
    key = next(iter(text["options"]["dann"]))
    del text["options"]["dann"][key]
    save_recipe(Recipe.model_validate(text), folder / "recipe.yaml")
    assert key not in Run(folder).recipe.options["dann"]
    assert find_run([folder], asked, REUSE, {}, resolve).name == "old"


def test_a_data_set_and_its_folder_are_the_same_place(tmp_path, monkeypatch):
    """A run is found again under either name, and through a link; another folder of equal pictures is another place."""
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "photos").symlink_to(tmp_path / "elsewhere")
    written = recipe(f"data.source=[{tmp_path / 'elsewhere'}]", f"data.target={tmp_path / 'data' / 'photos'}")
    named = recipe("data.source=[dataset:photos]", "data.target=dataset:photos")
    assert difference(written, named) is None
    folder = made(tmp_path / "runs", "old", written, fingerprints={str(tmp_path / "elsewhere"): "0" * 16})
    assert find_run([folder], named, REUSE, {"dataset:photos": "0" * 16}, resolve).name == "old"
    assert find_run([folder], named, REUSE, {"dataset:photos": "1" * 16}, resolve) is None
    assert difference(written, recipe("data.source=[dataset:photos]", "data.target=dataset:other")).startswith(
        "data.target ("
    )
