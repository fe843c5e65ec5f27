"""Comparisons on equal terms: the grid, its runs, its tables."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pandas as pd
import pytest
from support import ROOT, TINY

from workbench.comparison import (
    Cell,
    Grid,
    command,
    controls,
    early_stopped,
    grid_rows,
    run_grid,
    running,
    table,
    write_tables,
)
from workbench.comparison.command import make_grid, methods_for
from workbench.comparison.running import _Children
from workbench.comparison.tables import COLUMNS, read_csv, write_csv
from workbench.errors import Interrupted, WorkbenchError
from workbench.recipes import load_recipe, save_recipe
from workbench.runs.evaluating import evaluate_restorer
from workbench.tabular import as_markdown, as_text
from workbench.training import fit


def small(pairs):
    """Settings for data that are made in no time."""
    return ["data.target=synthetic", f"data.validation={pairs}"]


def call(tmp_path, pairs, *arguments):
    settings = [part for setting in [*TINY, *small(pairs)] for part in ("--set", setting)]
    return [sys.executable, "-m", "workbench", "compare", "denoise", "--runs", str(tmp_path / "runs"), "--name", "c",
            "--data", str(pairs), "--processes", "2", *settings, *arguments]  # fmt: skip


def grid_of(tmp_path, *arguments):
    options = {
        "task": "denoise", "scale": "pocket", "methods": ["dann"], "control_names": ["vanilla"], "seeds": ["0"],
        "settings": TINY, "data": [], "protocol": "rgb", "runs": tmp_path,
    }  # fmt: skip
    return make_grid(**options | dict(arguments))


@pytest.mark.usefixtures("warm_python")
def test_one_failed_run_stops_no_other_and_a_second_call_reuses_what_is_there(tmp_path, pairs, monkeypatch):
    spoilt = "options.noise-space.learning_rate=1e30"
    arguments = ["--methods", "dann,noise-space", "--controls", "", "--seeds", "3", "--set", spoilt]
    done = subprocess.run(call(tmp_path, pairs, *arguments), capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("workbench: ")]
    assert "noise-space-s3" in line and "the loss is " in line
    assert "dann" in done.stdout and "Failed: denoise-pocket-noise-space-s3" in done.stdout

    written = json.loads((tmp_path / "runs" / "c" / "comparison.json").read_text())
    (row,) = [row for row in written["rows"] if row["cell"] == "dann"]
    assert (row["seed"], row["images"], row["test"], row["steps"]) == (3, 2, "pairs", 8)
    assert row["psnr"] > 0 and row["seconds_per_step"] > 0 and row["peak_mib"] > 50
    assert written["failed"][0]["name"].startswith("denoise-pocket-noise-space-s3")
    for form in ("txt", "md", "csv"):
        assert "dann" in (tmp_path / "runs" / "c" / f"comparison.{form}").read_text()

    settings = [*TINY, *small(pairs), spoilt]
    grid = grid_of(
        tmp_path / "runs", ("control_names", []), ("seeds", ["3"]), ("settings", settings), ("data", [str(pairs)])
    )
    called = []
    monkeypatch.setattr(_Children, "call", lambda self, name, command, log, threads: called.append(command))
    assert run_grid(grid, 1) == [] and called == []
    (job,) = grid.jobs()
    record = next((job.run.folder / "evaluations").iterdir())
    content = json.loads(record.read_text())
    del content["report"]["mean"]["lpips"]
    record.write_text(json.dumps(content))
    assert job.missing() == [str(pairs)], "a table has all metrics"
    record.unlink()
    assert run_grid(grid, 1) == []
    ((*_, task),) = called
    assert json.loads(task)["tests"] == [str(pairs)], "what was not measured is measured, without training again"

    other = job.resolved.model_copy(update={"seed": 4})
    save_recipe(other, job.run.folder / "recipe.yaml")
    with pytest.raises(WorkbenchError, match=r"dann-s3.*: holds a run whose recipe differs at seed \(4 there"):
        grid_of(
            tmp_path / "runs", ("control_names", []), ("seeds", ["3"]), ("settings", settings), ("data", [str(pairs)])
        )


CHILD = """
import pathlib, signal, sys, time
begun = pathlib.Path(sys.argv[1])
def stop(*_):
    begun.with_suffix(".stopped").touch()
    sys.exit(143)
signal.signal(signal.SIGTERM, stop)
begun.with_suffix(".begun").touch()
time.sleep(300)
"""


def test_an_interruption_stops_each_child_once_and_starts_no_other(tmp_path, monkeypatch):
    grid = grid_of(tmp_path, ("methods", ["vanilla"]), ("seeds", ["0", "1", "2"]))
    monkeypatch.setattr(
        running, "_child", lambda task: [sys.executable, "-S", "-c", CHILD, str(tmp_path / str(task["seed"]))]
    )

    def interrupt():
        while len(list(tmp_path.glob("*.begun"))) < 2:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    with pytest.raises(Interrupted, match="the same command goes on from there") as raised:
        run_grid(grid, 2)
    assert raised.value.exit_status == 130
    assert sorted(path.name for path in tmp_path.glob("?.*")) == ["0.begun", "0.stopped", "1.begun", "1.stopped"]
    assert signal.getsignal(signal.SIGTERM) == before


def test_an_interrupted_command_has_written_its_tables(tmp_path, monkeypatch):
    def interrupted(*_):
        raise Interrupted("interrupted", 130)

    monkeypatch.setattr(command, "run_grid", interrupted)
    with pytest.raises(Interrupted):
        command.compare(grid_of(tmp_path, ("settings", [])), 1, None, "text")
    assert (tmp_path / "compare-denoise-pocket" / "comparison.md").exists()


def test_runs_are_named_as_train_names_them_and_by_their_settings(tmp_path):
    plain_grid = grid_of(tmp_path, ("settings", []))
    assert [job.name for job in plain_grid.jobs()] == ["denoise-pocket-vanilla-s0", "denoise-pocket-dann-s0"]
    assert list(plain_grid.tests) == ["simulated-camera (standard)", "held-out source (awgn)"]
    changed, other = grid_of(tmp_path), grid_of(tmp_path, ("settings", TINY[1:]))
    assert len({grid.jobs()[0].name for grid in (plain_grid, changed, other)}) == 3


def test_a_method_may_stand_beside_its_variants(tmp_path):
    chosen = ["noise-space", "noise-space+guarded", "noise-space+unpaired+table4-b"]
    grid = grid_of(tmp_path, ("control_names", []), ("methods", chosen), ("settings", []))
    plain, guarded, both = (job.resolved.options["noise-space"] for job in grid.jobs())
    assert (plain["guard"], guarded["guard"]) == ("none", "transplant") and guarded["ceiling"] > plain["ceiling"]
    assert (both["paired"], both["channel_shuffle"]) == (False, False)
    assert [job.name for job in grid.jobs()][1] == "denoise-pocket-noise-space+guarded-s0"


@pytest.mark.parametrize("key", ["options.noise-space.head_start", "noise_space.head_start"])
def test_settings_have_the_last_word_over_a_variant_but_not_over_a_control(tmp_path, key):
    given = [f"{key}=2", "training.max_steps=5"]
    chosen = ("control_names", ["vanilla-early"]), ("methods", ["noise-space+guarded"]), ("settings", given)
    early, guarded = grid_of(tmp_path, *chosen).jobs()
    own = guarded.resolved.options["noise-space"]
    assert (own["head_start"], own["guard"], own["ceiling"]) == (2, "transplant", 5.0)
    assert guarded.own_settings == ["options.noise-space.ceiling=5.0", "options.noise-space.guard=transplant"]
    assert early.resolved.training.max_steps == 1000


def test_every_method_has_the_same_recipe_but_for_itself(tmp_path):
    grid = grid_of(
        tmp_path, ("control_names", ["vanilla", "oracle"]), ("methods", ["dann", "pixelda"]), ("settings", [])
    )
    recipes = [job.resolved.model_dump(exclude={"method", "options"}) for job in grid.jobs()]
    assert len(recipes) == 4 and all(recipe == recipes[0] for recipe in recipes)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("methods", ["magic"]), "no method is called 'magic'"),
        (("methods", ["dann+magic"]), r"--methods dann\+magic: no such variant"),
        (("methods", ["noise-space+table4-a"]), "a variant here must be one that changes"),
        (("methods", ["noise-space+fig7-unet-b"]), "a variant here must be one that changes"),
        (("methods", ["dann+guarded"]), "a variant here must be one that changes"),
        (("control_names", ["magic"]), "no control is called 'magic'"),
        (("task", "dance"), "no recipe is called 'dance-pocket'"),
        (("seeds", ["one"]), "--seeds one: give whole numbers"),
        (("data", ["/no/where"]), "--data /no/where: no such folder"),
        (("settings", ["options.dann.depth=3"]), "options.dann: depth: there is no such key"),
        (("settings", ["options.dan.width=3"]), "no method is called 'dan'"),
        (("methods", ["nlcl"]), "method nlcl is for deraining, not for denoising; leave it out of --methods"),
        (("methods", ["condition-quality"]), "method condition-quality trains no restorer"),
        (("settings", ["restorer={name: dncnn-pocket}", "warm_start=null"]), "dann: method dann works on bottleneck"),
        (("protocol", "magic"), "magic"),
    ],
)
def test_a_wrong_call_is_told_before_anything_is_trained(tmp_path, arguments, reason):
    with pytest.raises(WorkbenchError, match=reason):
        grid_of(tmp_path / "runs", arguments)
    assert not (tmp_path / "runs").exists()


def test_an_oracle_without_references_is_told_before_anything_is_trained(tmp_path):
    settings = [*TINY, "data.target=synthetic"]
    with pytest.raises(WorkbenchError, match="oracle: data.target: the oracle needs .* or leave it out of the compar"):
        grid_of(tmp_path / "runs", ("control_names", ["vanilla", "oracle"]), ("settings", settings))


def test_every_task_has_its_methods(tmp_path, pairs):
    adaptation = ["noise-space", "dann", "dsn", "pixelda", "cycada"]
    for recipe, own in (
        ("denoise-pocket", ["neighbor2neighbor", "ap-bsn", "c2n", "masked", "self-collaboration"]),
        ("derain-pocket", ["nlcl"]),
        ("deblur-pocket", ["selfdeblur", "vdip"]),
    ):
        assert methods_for(load_recipe(recipe)) == adaptation + own
    assert methods_for(load_recipe("derain-pocket", ["task=dehazing"])) == adaptation
    residual = ["drdd", "entangled", "rddm", "ir-sde", "de-irsde", "direct"]
    assert methods_for(load_recipe("denoise-pocket", method="direct")) == residual
    settings, data = [*TINY, *small(pairs)], [str(pairs)]
    grid = grid_of(tmp_path, ("task", "derain"), ("methods", None), ("settings", settings), ("data", data))
    assert [cell.name for cell in grid.cells] == ["vanilla", *adaptation, "nlcl"]


def test_a_method_that_trains_nothing_stands_in_the_table(tmp_path, pairs):
    network = "{name: selfdeblur, steps: 2, width: 4, levels: 2, hidden: 8, kernel_size: 5}"
    grid = grid_of(
        tmp_path, ("task", "deblur"), ("methods", ["selfdeblur"]), ("control_names", []), ("data", [str(pairs)]),
        ("settings", [*TINY, *small(pairs), f"options.selfdeblur.network={network}"]),
    )  # fmt: skip
    (job,) = grid.jobs()
    evaluate_restorer(fit(job.resolved, tmp_path, job.name).folder, str(pairs))
    (measured,) = [row for row in grid_rows(grid) if row["cell"] == "selfdeblur"]
    assert (measured["steps"], measured["seconds_per_step"]) == ("0", "") and float(measured["psnr"]) > 0
    text = write_tables(grid, tmp_path / "tables")["text"]
    assert "its time is that of restoring" in text
    assert ("LPIPS not available, because" in text) == (measured["lpips"] == "")
    assert "restorer unet-pocket" in text.splitlines()[0] and "\nselfdeblur: network selfdeblur, 0 steps." in text


def test_early_stopped_vanilla_trains_a_third_of_the_warm_start_and_nothing_more():
    for name, steps in (("denoise-pocket", 1000), ("denoise-paper", 50_000)):
        recipe = load_recipe(name)
        cell = early_stopped(recipe)
        early, alone = load_recipe(name, cell.settings, method=cell.method), recipe.warm_start or recipe.training
        assert early.warm_start is None and early.method == "vanilla"
        assert early.training.model_copy(update={"max_steps": alone.max_steps}) == alone
        assert early.training.max_steps == steps
    assert [cell.name for cell in controls(recipe)] == ["vanilla", "vanilla-early", "oracle"]


def test_a_cell_may_have_fewer_seeds(tmp_path):
    grid = Grid("denoise-pocket", (Cell("a", "vanilla"), Cell("b", "dann", seeds=(1,))), (0, 1), {}, tmp_path)
    assert [job.name for job in grid.jobs()] == ["a-s0", "a-s1", "b-s1"]


def rows(**psnr):
    """Rows of cells with the PSNR of each seed."""
    filled = dict.fromkeys(COLUMNS, "") | {
        "test": "t",
        "images": 2,
        "ssim": 0.9,
        "lpips": "",
        "seconds": 10,
        "warm_seconds": 5,
    }
    return [
        filled | {"cell": cell, "psnr": value, "seed": "" if cell == "input" else seed}
        for cell, values in psnr.items()
        for seed, value in enumerate(values)
    ]


def test_gains_and_closed_gaps_are_paired_by_seed():
    frame = read_csv(_csv(rows(input=[20.0], vanilla=[30.0, 32.0], dann=[31.0, 34.0], oracle=[32.0, 36.0])))
    head, *lines = table(frame, "t")
    cells = {line[0]: dict(zip(head, line, strict=True)) for line in lines}
    assert cells["dann"]["PSNR / dB"] == "32.50 ± 2.12"
    assert cells["dann"]["gain over vanilla / dB"] == "+1.50 ± 0.71"
    assert cells["dann"]["gap closed"] == "50 ± 0 %"
    assert cells["dann"]["seeds"] == "2" and cells["dann"]["training / s"] == "15"
    assert cells["vanilla"]["gain over vanilla / dB"] == cells["oracle"]["gap closed"] == cells["input"]["seeds"] == ""
    assert "peak memory / MiB" not in head and cells["dann"]["LPIPS"] == ""
    for text in (as_markdown([head, *lines]), as_text([head, *lines])):
        assert len(text.splitlines()) == 6 and "+1.50 ± 0.71" in text


def test_a_gain_has_an_interval_where_there_are_scores_of_photographs():
    frame = read_csv(_csv(rows(vanilla=[30.0, 30.0], dann=[31.0, 31.0])))
    scores = pd.DataFrame(
        [
            {"cell": cell, "seed": seed, "test": "t", "picture": f"kodim{number}", "psnr": 25.0 + number + gain}
            for cell, gain in (("vanilla", 0), ("dann", 1))
            for seed in (0, 1)
            for number in range(6)
        ]
    )
    head, vanilla, dann = table(frame, "t", scores)
    assert dann[head.index("95 %")] == "+1.00 to +1.00" and vanilla[head.index("95 %")] == ""
    assert "95 %" not in table(frame, "t", scores[scores.picture < "kodim4"])[0]


def test_no_gap_is_closed_where_there_is_none_or_no_oracle():
    for cells in ({"oracle": [30.4, 30.4]}, {}):
        frame = read_csv(_csv(rows(vanilla=[30.0, 30.0], dann=[31.0, 31.0], **cells)))
        assert all(line[3] == "" for line in table(frame, "t")[1:])


def test_what_restoring_costs_is_a_column_where_it_was_counted():
    counted = [row | {"gmacs": 1.25} for row in rows(direct=[30.0, 31.0])] + [
        row | {"gmacs": 5} for row in rows(drdd=[29.0])
    ]
    head, *lines = table(read_csv(_csv(counted)), "t")
    assert [dict(zip(head, line, strict=True))["restoring / GMAC"] for line in lines] == ["1.25", "5.00"]
    assert "restoring / GMAC" not in table(read_csv(_csv(rows(direct=[30.0]))), "t")[0]


def test_what_training_costs_is_a_column_where_it_was_counted():
    counted = [row | {"training_gmacs": cost} for row, cost in zip(rows(direct=[30.0, 31.0]), (800, 900), strict=True)]
    head, line = table(read_csv(_csv(counted)), "t")
    assert dict(zip(head, line, strict=True))["training / TMAC"] == "0.85"
    assert "training / TMAC" not in table(read_csv(_csv(rows(direct=[30.0]))), "t")[0]


def test_older_csv_files_lack_the_newer_columns():
    newer = ["peak_mib", "seconds_per_step", "seconds_per_megapixel", "gmacs", "training_gmacs"]
    frame = pd.DataFrame(rows(vanilla=[30.0])).drop(columns=newer)
    assert read_csv(_csv(frame.to_dict("records")))[newer].isna().all(axis=None)
    path = ROOT / "benchmarks" / "results" / "embedded.csv"
    assert list(read_csv(path).columns) == list(COLUMNS)


def _csv(filled):
    import io

    return io.StringIO(write_csv(filled))
