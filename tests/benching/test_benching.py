import json
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from support import TINY

from workbench.benching import command, gpu, monitoring, restoring, smoke
from workbench.benching.measuring import Settings, Times, in_turn
from workbench.benching.reference import PlainStep
from workbench.benching.scaling import model_line, modelled_seconds
from workbench.benching.step import Step, batches_of, recipe_of
from workbench.errors import WorkbenchError
from workbench.methods import METHODS

ONCE = Settings(repeats=1, warm_up=0)


def steps(*changes, count=4):
    """Losses of the plain reference and of the workbench, from the same weights on the same batches."""
    recipe = recipe_of("pocket", (*TINY, "data.target=synthetic", *changes))
    torch.manual_seed(0)
    method = METHODS[recipe.method](recipe)
    plain, ours = PlainStep(method), Step(method)
    batches = batches_of(recipe, method, torch.device("cpu"), count)
    numbers = range(method.head_start, method.head_start + count)
    return [[step(batch, number) for batch, number in zip(batches, numbers, strict=True)] for step in (plain, ours)]


@pytest.mark.parametrize("form", ["joined", "apart"])
@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_the_workbench_takes_the_steps_of_the_plain_reference(form, margin):
    plain, ours = steps(f"options.noise-space.negative_pass={form}", f"options.noise-space.margin={margin}")
    assert ours == pytest.approx(plain, rel=1e-5)
    assert len(set(plain)) == len(plain)


def test_the_losses_of_a_training_are_those_of_the_plain_reference():
    plain, ours = steps("training.max_steps=30", count=30)
    assert ours == pytest.approx(plain, rel=1e-4)


def test_contenders_take_turns_and_the_first_is_what_they_are_compared_with():
    called = []
    contenders = {name: lambda name=name: called.append(name) for name in "abc"}
    times = in_turn(contenders, Settings(repeats=2, warm_up=1))
    assert "".join(called) == "abcbcacab"
    assert [len(each.clock) for each in times.values()] == [2, 2, 2]


def test_processor_time_is_not_that_of_sleep():
    times = in_turn({"sleep": lambda: time.sleep(0.05)}, ONCE)["sleep"]
    assert times.clock[0] >= 0.05 > 2 * times.processor[0]
    assert Times([1.0], [2.0]).ratio(Times([3.0], [8.0])) == 4
    assert Times([1.0], [2.0]).ratio(Times([3.0], [8.0]), "cuda") == 3


def test_the_monitors_benchmark_makes_runs_that_it_lists_and_draws(tmp_path):
    result = monitoring.run(ONCE, runs=2, points=50)
    assert [row.case for row in result.rows] == ["list 2 runs", "read and draw 50 points", "draw 50 points"]
    monitoring.write_runs(tmp_path, 1, 50)
    from workbench.runs.folder import list_runs

    (run,) = list_runs(tmp_path)
    assert run.finished and len(run.scalars()) == 50


def test_pictures_of_a_size_are_restored_and_seams_measured():
    image = restoring.picture(0.01)
    assert image.dtype == np.uint8 and image.shape[0] * image.shape[1] == pytest.approx(10_000, rel=0.02)
    result = restoring.run(Settings(repeats=1, warm_up=0, megapixels=(0.01,)))
    found = {row.what: row.facts for row in result.rows}
    assert found["whole"]["seam"] == 0 and found["as restored by default"]["seam"] == 0
    assert found["bfloat16"]["seam"] > 0
    assert "GFLOP a megapixel" in result.notes[0]


def test_large_pictures_are_restored_by_default_alone(monkeypatch):
    for limit in ("LARGEST_COMPARED", "LARGEST_HALF"):
        monkeypatch.setattr(restoring, limit, 0.005)
    result = restoring.run(Settings(repeats=1, warm_up=0, megapixels=(0.01,)))
    assert [row.what for row in result.rows] == ["as restored by default"]


def test_the_command_prints_a_table_and_writes_what_it_rests_on(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(command.BENCHMARKS, "monitor", "monitoring.run")
    monkeypatch.setattr(monitoring.run, "__defaults__", (2, 50))
    (file,) = command.run_benchmarks(["monitor"], Settings(repeats=3, warm_up=1), tmp_path)
    written = json.loads(file.read_text())
    assert {"machine", "provenance", "settings", "rows"} <= written.keys()
    assert written["settings"]["repeats"] == 3 and written["settings"]["warm_up"] == 1
    assert {"commit", "torch", "version"} <= written["provenance"].keys()
    for row in written["rows"]:
        assert len(row["clock"]["all"]) == len(row["processor"]["all"]) == 3 and row["clock"]["spread"] >= 0
    printed = capsys.readouterr().out
    assert "list 2 runs" in printed and "median of 3 after 1" in printed


def test_a_benchmark_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(WorkbenchError, match="there are step, data"):
        command.run_benchmarks(["speed"], ONCE, tmp_path)


def test_the_plan_of_a_gpu_fits_its_time_and_its_commands_are_there(tmp_path):
    parts = gpu.plan(tmp_path)
    assert sum(part.minutes for part in parts) <= gpu.MINUTES
    names = {argument for part in parts for argument in part.arguments}
    assert {"smoke", "step", "restore", "denoise"} <= names and "--compile" in names
    assert {part.arguments[0] for part in parts} == {"bench", "compare"}


def test_a_part_that_fails_or_takes_too_long_does_not_stop_the_others(tmp_path, capsys):
    parts = [
        gpu.Part("wrong", ("bench", "speed", "--output", str(tmp_path)), 1),
        gpu.Part("slow", ("recipes",), 1e-6),
        gpu.Part("right", ("recipes",), 1),
    ]
    failed = gpu.run_plan(parts, tmp_path)
    assert [failure["name"] for failure in failed] == ["wrong", "slow"]
    assert "there are step" in (tmp_path / "1.log").read_text()
    assert "denoise-pocket" in (tmp_path / "3.log").read_text()


def test_the_smoke_run_says_what_works_and_goes_on_where_something_fails(monkeypatch):
    monkeypatch.setattr(smoke, "METHODS", {name: METHODS[name] for name in ("vanilla", "noise-space")})
    monkeypatch.setattr(smoke, "packaged", lambda: ["denoise-simulated-camera-vanilla", "not-there"])
    monkeypatch.setattr(smoke, "PRECISIONS", ("32-true",))
    small = ("restorer.width=4", "training.patch_size=16", "training.batch_size=2", "data.target=synthetic")
    result = smoke.run(replace(ONCE, device="cpu", changes=small))
    assert [row.facts[""] for row in result.rows[:3]] == ["trains and restores", "trains and restores", "restores"]
    assert [failure["name"] for failure in result.details["failed"]] == ["32-true, not-there"]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_a_recipe_to_be_tried_with(method):
    assert smoke.recipe_for(method, []).method == method


def test_the_model_of_several_devices_divides_the_step_and_adds_the_exchange():
    assert modelled_seconds(1.0, 1e9, 1, 1e9) == 1.0
    assert modelled_seconds(1.0, 1e9, 4, 3e9) == pytest.approx(0.25 + 1.5 / 3)
    assert "model, not a measurement: 3,600 steps take 1 h on 1, 0.126 h on 8" in model_line(1.0, 1e8, 3600)
