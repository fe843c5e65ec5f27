"""Odd files and odd names in run folders and recipes: named in one line, quickly, and the others are done."""

import json
import os
import subprocess
import sys
import time

import pytest

from workbench.errors import WorkbenchError
from workbench.files import read_json
from workbench.methods import resolve
from workbench.recipes import load_recipe, save_recipe
from workbench.runs import Run, list_runs
from workbench.runs.measurements import find_measurements
from workbench.runs.processes import end_with, living_process
from workbench.runs.states import Watcher
from workbench.training import fit
from workbench.training.needed import find_shared

DEEP = 20_000
BOMB = "\n".join(
    ["a: &a [x, x, x, x, x, x, x, x, x]"]
    + [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
)
YAML = {
    "deep": "a: " + "[" * DEEP + "]" * DEEP, "deep-mapping": "{a: " * DEEP + "1" + "}" * DEEP, "bomb": BOMB,
    "inside-itself": "a: &a [*a]", "huge": "a: " + "x" * 2_000_000, "number": "seed: " + "9" * 10_000,
    "date": "name: 2001-99-99", "binary": "\x00\x01", "null": "null", "list": "- 1", "empty": "", "open": "[",
}  # fmt: skip
JSON = {
    "deep": "[" * DEEP + "]" * DEEP, "deep-object": '{"a":' * DEEP + "1" + "}" * DEEP, "null": "null", "list": "[1]",
    "number": "9" * 10_000, "cut": '{"a"', "empty": "", "text": '"a"',
}  # fmt: skip


def run_folder(runs, name, recipe=None):
    folder = runs / name
    folder.mkdir(parents=True)
    save_recipe(recipe or load_recipe("denoise-pocket"), folder / "recipe.yaml")
    (folder / "summary.json").write_text('{"status": "finished", "steps": 3}')
    return folder


@pytest.mark.parametrize("name", YAML)
def test_odd_yaml_is_one_line_at_once(tmp_path, name):
    (tmp_path / "recipe.yaml").write_text(YAML[name])
    begin = time.perf_counter()
    with pytest.raises(WorkbenchError) as caught:
        load_recipe(tmp_path / "recipe.yaml")
    assert "recipe.yaml" in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 600
    assert time.perf_counter() - begin < 20, "on a loaded machine; seconds at most elsewhere"
    with pytest.raises(WorkbenchError):
        load_recipe("denoise-pocket", [f"data={YAML[name]}"])


def test_aliases_that_stand_for_little_are_read(tmp_path):
    text = (tmp_path / "mine.yaml", load_recipe("denoise-pocket").model_dump(mode="json"))
    text[1]["data"]["source"] = text[1]["data"]["target"] = ["photographs"]
    import yaml

    text[0].write_text(yaml.safe_dump(text[1]))
    assert "&id001" in text[0].read_text() and load_recipe(text[0]).data.target == ["photographs"]


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize("file", ["summary.json", "data.json", "process.json"])
def test_odd_json_in_a_run_leaves_the_others(tmp_path, file, name):
    run_folder(tmp_path, "good")
    (run_folder(tmp_path, "odd") / file).write_text(JSON[name])
    assert [run.name for run in list_runs(tmp_path)] == ["good", "odd"]
    assert {state.name: state.status for state in Watcher(tmp_path).states()}["good"] == "finished"
    assert tmp_path / "good" in find_measurements(tmp_path).unmeasured
    assert find_shared(resolve(load_recipe("denoise-pocket")), tmp_path / ".warm-starts").name == "good"
    odd = Run(tmp_path / "odd")
    assert living_process(odd) is None
    if file != "process.json":
        with pytest.raises(WorkbenchError, match=f"odd/{file}: not valid"):
            odd.summary if file == "summary.json" else odd.fingerprints  # noqa: B018


@pytest.mark.parametrize("name", YAML)
def test_an_odd_recipe_in_a_run_leaves_the_others(tmp_path, name):
    for run in ("good", "odd"):
        (run_folder(tmp_path, run) / "evaluations").mkdir()
        (tmp_path / run / "evaluations" / "a-rgb.json").write_text("{}")
    (tmp_path / "odd" / "recipe.yaml").write_text(YAML[name])
    assert {state.name for state in Watcher(tmp_path).states()} == {"good", "odd"}
    failed = {failure["name"]: failure["reason"] for failure in find_measurements(tmp_path).failed}
    assert set(failed) == {str(tmp_path / "odd"), str(tmp_path / "good" / "evaluations" / "a-rgb.json")}


def test_process_notes_of_odd_values_are_no_process(tmp_path):
    folder = run_folder(tmp_path, "odd")
    import socket

    for pid, created in (("x", 1.0), (-1, 1.0), (2**70, 1.0), (1, "x"), (None, None), ([], {})):
        note = {"pid": pid, "created": created, "host": socket.gethostname()}
        (folder / "process.json").write_text(json.dumps(note))
        assert pid is None or living_process(Run(folder)) is None


def test_pipes_and_folders_in_the_place_of_files_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "loop.json").symlink_to(tmp_path / "loop.json")
    (tmp_path / "latin.json").write_bytes(b'{"a": "\xe9"}')
    for name in ("pipe", "folder", "latin"):
        with pytest.raises(WorkbenchError, match=f"{name}.json: cannot be read"):
            read_json(tmp_path / f"{name}.json")
    with pytest.raises((WorkbenchError, FileNotFoundError)):
        read_json(tmp_path / "loop.json")


def test_a_run_folder_of_a_later_format_is_refused_by_name(tmp_path):
    folder = run_folder(tmp_path, "later")
    run_folder(tmp_path, "good")
    assert Run(folder).finished, "without a number it is one of before"
    Run(folder).write_format()
    assert Run(folder).finished
    (folder / "format").write_text("2\n")
    for read in ("recipe", "summary", "fingerprints", "finished"):
        with pytest.raises(WorkbenchError, match=r"later: a run folder of format '2'; this version knows 1"):
            getattr(Run(folder), read)
    assert {state.name: state.status for state in Watcher(tmp_path).states()} == {
        "good": "finished", "later": "stopped"
    }  # fmt: skip
    with pytest.raises(WorkbenchError, match="format"):
        fit(load_recipe("denoise-pocket"), tmp_path, "later", resume=True)


@pytest.mark.parametrize("name", ["../escaped", "/escaped", "a/b", "..", ".", ".hidden", "a\\b", "a\nb", ""])
def test_a_run_lies_in_the_runs_folder(tmp_path, name):
    with pytest.raises(WorkbenchError, match="name"):
        load_recipe("denoise-pocket", [f"name={json.dumps(name)}"])
    if name:
        with pytest.raises(WorkbenchError, match="name"):
            fit(load_recipe("denoise-pocket"), tmp_path / "runs", name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("setting", "meant"),
    [
        ("training.max_step=3", "training.max_steps"),
        ("max_steps=3", "training.max_steps"),
        ("data.sorce=embedded", "data.source"),
        ("trainnig={}", "training"),
        ("warm_start.batchsize=3", "warm_start.batch_size"),
    ],
)
def test_a_wrong_key_names_the_nearest(setting, meant):
    with pytest.raises(WorkbenchError, match=f"there is no such key; did you mean {meant}\\?$"):
        load_recipe("denoise-pocket", [setting])


@pytest.mark.parametrize(
    ("setting", "method", "message"),
    [
        ("options.noise-space.cieling=3", "noise-space", "options.noise-space: cieling: .*did you mean ceiling"),
        ("noise_space.cieling=3", "noise-space", "cieling: there is no such key; did you mean ceiling"),
        ("options.dann.cieling=3", "noise-space", "options.dann: cieling: there is no such key; did you mean ceiling"),
        ("options.dann.ceiling=-3", "vanilla", "options.dann: ceiling: "),
        ("options.dan.ceiling=3", "vanilla", "no method is called 'dan'"),
    ],
)
def test_settings_of_any_method_are_checked(setting, method, message):
    with pytest.raises(WorkbenchError, match=message):
        resolve(load_recipe("denoise-pocket", [setting], method=method))


def test_a_child_ends_with_the_process_that_started_it(tmp_path):
    """As those of a comparison whose process is killed; also one that has more to do when it was asked once."""
    child = (
        "import os, signal, sys, time; from workbench.runs import processes; processes.AGAIN = 0.1\n"
        "signal.signal(signal.SIGTERM, lambda *_: signal.signal(signal.SIGTERM, signal.SIG_DFL))\n"
        "processes.end_with(int(sys.argv[1]))\n"
        "open(sys.argv[2], 'w').write(str(os.getpid())); time.sleep(300); time.sleep(300)"
    )
    note = tmp_path / "pid"
    parent = (
        "import os, subprocess, sys, time\n"
        f"command = [sys.executable, '-c', {child!r}, str(os.getpid()), {str(note)!r}]\n"
        "subprocess.Popen(command, start_new_session=True)\n"
        "time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", parent])
    _until(lambda: note.exists() and note.read_text())
    pid = int(note.read_text())
    assert _alive(pid)
    process.kill()
    process.wait()
    _until(lambda: not _alive(pid))


def _until(true, seconds=120):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_watch_is_a_thread_that_ends_with_the_process():
    threads = [thread.name for thread in __import__("threading").enumerate()]
    end_with(os.getppid())
    added = [each for each in __import__("threading").enumerate() if each.name not in threads]
    assert [each.daemon for each in added] == [True]
