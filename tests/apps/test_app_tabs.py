"""What is behind the tabs: degradations, batches, blind votes, packaged restorers, curves, states, results."""

import json
import zipfile
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from support.apps import PAIR, log_run, measure, write_run

from apps import batch, comparison, curves, restorers, runs, starting, votes
from apps.degrading import KINDS, Degradation
from apps.guarding import is_loopback
from apps.main import build, read_auth
from apps.monitor import MonitorTab
from apps.results import ALL, RECORDED, ResultsTab
from workbench.data.degradations import DEGRADATIONS
from workbench.errors import WorkbenchError
from workbench.images import read_image, write_png
from workbench.nets import build as build_network
from workbench.recipes import load_recipe, save_recipe
from workbench.restore import restore_array
from workbench.restorers import Restorer, load_restorer, save_restorer
from workbench.runs import processes
from workbench.runs.planned import write_plan
from workbench.runs.states import Watcher

pytestmark = pytest.mark.usefixtures("nothing_packaged", "no_lpips")


@pytest.fixture
def folder(tmp_path):
    for seed, (name, method) in enumerate(zip(PAIR, ("vanilla", "noise-space"), strict=True)):
        write_run(tmp_path / "runs", name, method, seed)
    return tmp_path / "runs"


@pytest.fixture
def choices(folder):
    return restorers.find_restorers(folder)[0]


# Degradations


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("none", "camera")])
def test_a_degradation_keeps_the_size_and_has_the_photo_as_reference(kind):
    photo = np.random.default_rng(0).integers(0, 256, (70, 61, 3), dtype=np.uint8)
    degraded, reference = Degradation(kind)(photo)
    assert degraded.shape == reference.shape == photo.shape and degraded.dtype == np.float32
    assert reference is photo or kind in ("correlated-noise", "developed-noise")  # which soften it
    assert np.abs(degraded - photo / np.float32(255)).mean() > 0.005
    np.testing.assert_array_equal(degraded, Degradation(kind)(photo)[0])


def test_every_degradation_of_the_package_can_be_chosen():
    assert set(DEGRADATIONS) < set(KINDS)
    with pytest.raises(WorkbenchError, match="does not exist"):
        Degradation("fog-machine")


def test_a_photo_too_large_for_a_degradation_is_refused(monkeypatch):
    monkeypatch.setattr("apps.degrading.MAX_PIXELS", 100)
    with pytest.raises(WorkbenchError, match="up to 0 megapixels"):
        Degradation("haze")(np.zeros((20, 20, 3), np.uint8))


# Batches


def test_a_batch_restores_every_file_with_every_restorer(choices, tmp_path):
    rng = np.random.default_rng(0)
    files = []
    for place in ("x", "y", "z"):
        (tmp_path / place).mkdir()
        files.append(tmp_path / place / "same.png")
        write_png(files[-1], rng.integers(0, 256, (24, 30, 3), dtype=np.uint8))
    files[2].write_text("no image")
    heic = tmp_path / "phone.HEIC"
    heic.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    (tmp_path / "notes.txt").write_text("passed over")
    told = []
    files += [heic, tmp_path / "notes.txt"]
    archive, report = batch.restore_all(
        files, choices, tmp_path, lambda share, text: told.append((share, text)), names=[
            "trip/x/same.png", "trip/y/same.png", "trip/z/same.png", heic.name, "notes.txt",
        ],
    )  # fmt: skip
    assert report["images"] == 4 and report["passed_over"] == ["notes.txt"]
    assert set(report["failed"]) == {"trip/z/same.png", "phone.HEIC"} and "JPEG" in report["failed"]["phone.HEIC"]
    assert told[0] == (0, f"0 of 8: trip/x/same.png, {PAIR[0]}") and told[-1][0] < 1
    with zipfile.ZipFile(archive) as packed:
        expected = {f"{name}/trip/{place}/same.png" for name in PAIR for place in "xy"}
        assert set(packed.namelist()) == {*expected, "report.json"}
        assert json.loads(packed.read("report.json")) == report
        result = packed.extract(f"{PAIR[1]}/trip/y/same.png", tmp_path)
    expected = restore_array(load_restorer(choices[1].path)[0], read_image(files[1]).pixels)
    np.testing.assert_array_equal(read_image(result).pixels, expected)
    page = batch._summary(report)
    assert "2 of 4 images" in page and "trip/z/same.png" in page and "notes.txt" in page


def test_names_in_a_batch_repeat_and_lead_nowhere_else(choices, photo, tmp_path):
    names = ["a.png", "A.png", "../../a.png", "/etc/b.jpg", "b.png", "b\\..\\b.png"]
    archive, report = batch.restore_all([photo] * 6, choices[:1], tmp_path, names=names)
    with zipfile.ZipFile(archive) as packed:
        inside = {name.removeprefix(f"{PAIR[0]}/") for name in packed.namelist()} - {"report.json"}
    assert inside == {"a.png", "A-2.png", "a-3.png", "etc/b.png", "b.png", "b/b.png"}
    assert report["images"] == 6 and not report["failed"]


def test_paths_that_do_not_fit_the_files_are_not_believed():
    assert batch._relative(["a.png", "b.png"], ["t/a.png", "t/u/b.png"]) == ["t/a.png", "t/u/b.png"]
    assert batch._relative(["a.png"], ["t/evil.html"]) == ["t/a.png"]
    for told in (None, [], ["one", "two", "three"], [1, 2], "ab", {"a": 1}):
        assert batch._relative(["a.png", "b.png"], told) == ["a.png", "b.png"]


def test_a_batch_stops_after_the_current_file(choices, tmp_path, photo):
    import threading

    stop = threading.Event()
    stop.set()
    with pytest.raises(comparison.CancelledError):
        batch.restore_all([photo], choices, tmp_path, stop=stop)


def test_an_empty_or_hopeless_batch_is_said(choices, tmp_path, monkeypatch):
    with pytest.raises(WorkbenchError, match="no images yet"):
        batch.restore_all([tmp_path / "a.txt"], choices, tmp_path)
    (tmp_path / "a.png").touch()
    assert "empty" in batch.restore_all([tmp_path / "a.png"], choices, tmp_path)[1]["failed"]["a.png"]
    monkeypatch.setattr(batch, "MOST_FILES", 0)
    with pytest.raises(WorkbenchError, match="too many"):
        batch.restore_all([tmp_path / "a.png"], choices, tmp_path)


# Blind votes


def test_votes_are_kept_and_counted_whatever_the_order(folder, choices, photo):
    job = comparison.compare([photo], choices, Degradation("awgn"))
    rng = np.random.default_rng(0)
    ballots = [votes.draw(job, rng) for _ in range(30)]
    assert {(ballot.a, ballot.b) for ballot in ballots} == {("vanilla", "adapted"), ("adapted", "vanilla")}
    for ballot in ballots[:10]:
        votes.keep(folder, job, ballot, "a" if ballot.a == "adapted" else "b")
    votes.keep(folder, job, ballots[0], "neither")
    (line,) = votes.tally(folder)
    assert line == (PAIR[1], PAIR[0], 10, 0, 1)
    assert (folder / "votes.csv").read_text().splitlines()[0] == ",".join(votes.COLUMNS)
    with pytest.raises(WorkbenchError, match="vote"):
        votes.keep(folder, job, ballots[0], "adapted")


def test_a_damaged_line_is_no_vote(folder):
    folder.joinpath("votes.csv").write_text("time,a,b,vote\n1,x,y,a\n2,x,,a\nnonsense\n3,y,x,a\n4,x,y,z\n")
    assert votes.tally(folder) == [("x", "y", 1, 1, 0)]
    assert votes.tally(folder / "missing") == []


def test_a_vote_needs_two_restorers(choices, photo):
    with pytest.raises(WorkbenchError, match="two restorers"):
        votes.draw(comparison.compare([photo], choices[:1]), np.random.default_rng(0))


def test_a_photos_name_is_no_formula_in_the_votes(folder, choices, tmp_path):
    write_png(tmp_path / "=1+1.png", np.zeros((32, 32, 3), np.uint8))
    job = comparison.compare([tmp_path / "=1+1.png"], choices)
    votes.keep(folder, job, votes.draw(job, np.random.default_rng(0)), "a")
    assert ",'=1+1.png," in (folder / "votes.csv").read_text()


# Packaged restorers


def test_packaged_restorers_come_after_runs_with_their_cards(folder, tmp_path, monkeypatch):
    network = {"name": "unet-pocket", "width": 4, "depth": 2}
    torch.manual_seed(0)
    (tmp_path / "packaged").mkdir()
    provenance = {"method": "vanilla", "recipe": "derain-bench", "seed": 3, "data": {"target": "simulated-rain"}}
    for name in ("derain-vanilla", "denoise-vanilla", "too-large"):
        path = tmp_path / "packaged" / f"{name}.safetensors"
        save_restorer(path, Restorer.of(build_network(**network), network), provenance=provenance)
    with path.open("ab") as file:
        file.truncate(restorers.MAX_PACKAGED + 1)
    (tmp_path / "packaged" / "broken.safetensors").touch()
    monkeypatch.setattr(restorers.names, "PACKAGED", tmp_path / "packaged")
    found, problems = restorers.find_restorers(folder)
    assert [choice.name for choice in found] == [*PAIR, "denoise-vanilla", "derain-vanilla"]
    assert found[2].label == "packaged · vanilla · denoise-vanilla"
    assert found[2].facts["seed"] == "3" and found[2].facts["target"] == "simulated-rain"
    assert len(problems) == 1 and "broken" in problems[0]


# The Monitor tab


def test_the_page_is_sent_only_what_changed(folder):
    log_run(folder / PAIR[0], range(10, 60, 10), pictures=(10, 20))
    with gr.Blocks():
        tab = MonitorTab(Watcher(folder), controls=True)

    def changed(chosen, seen, names, place=0, **others):
        settings = {"smoothing": 0, "axis": "steps", "log_values": False, "width": 1280, "touched": False} | others
        sent = tab.update(chosen, None, names, step=place, seen=seen, **settings)
        keys = ["empty", "chosen", "states", "names", "figure", "focus", "step", "pictures", "log", "recipe", "stop"]
        parts = dict(zip(keys, sent[:-1], strict=False))
        return {key for key, part in parts.items() if part != gr.skip()}, sent[-1], parts

    first, seen, parts = changed([PAIR[0]], {}, [])
    assert {"chosen", "states", "figure", "pictures"} <= first
    names = parts["names"]["value"]
    assert names == ["loss/total", "time/steps_per_second"]
    assert (parts["step"]["minimum"], parts["step"]["value"], parts["step"]["step"]) == (10, 20, 10)
    assert "step 20" in parts["pictures"]["value"]
    again, seen, _ = changed([PAIR[0]], seen, names, place=20)
    assert again == set()
    log_run(folder / PAIR[0], [60], pictures=(30,))
    later, seen, parts = changed([PAIR[0]], seen, names, place=20)
    assert later >= {"figure", "step", "pictures"} and not later & {"chosen", "names", "focus", "recipe"}
    assert parts["step"]["value"] == 30 and "step 30" in parts["pictures"]["value"]
    assert json.loads(parts["figure"])["layout"]["xaxis"]["uirevision"] == "loss/total steps"
    earlier, seen, parts = changed([PAIR[0]], seen, names, place=19)
    assert earlier == {"pictures"} and "step 10" in parts["pictures"]["value"]
    scale, seen, parts = changed([PAIR[0]], seen, names, place=19, log_values=True)
    assert scale == {"figure"} and json.loads(parts["figure"])["layout"]["yaxis"]["type"] == "log"
    gone, _, parts = changed(["deleted", PAIR[0]], seen, names, place=19, log_values=True)
    assert "chosen" in gone and parts["chosen"]["value"] == [PAIR[0]]


def test_a_study_shows_how_many_of_its_runs_are_finished(folder):
    with gr.Blocks():
        tab = MonitorTab(Watcher(folder), controls=False)
    settings = {"smoothing": 0, "axis": "steps", "log_values": False, "width": 1280, "touched": False, "step": 0}
    assert tab.update([], None, [], seen={}, **settings)[-2]["value"] == ""
    write_run(folder / "rivals", "vanilla-s0", "vanilla", 0)
    write_plan(folder / "rivals", "rivals", "A <b>title</b>", ["vanilla-s0", "adapted-s0", "../../elsewhere"])
    (folder / "other").mkdir()
    (folder / "other" / "study.json").write_text("[]")
    shown = tab.update([], None, [], seen={}, **settings)[-2]["value"]
    assert "rivals: A &lt;b&gt;title" in shown and "1 of 3" in shown and "other" not in shown


@pytest.mark.parametrize("pictures", [(), (100,), (100, 234)])
def test_the_slider_of_pictures_can_be_made_of_any_number_of_them(folder, pictures):
    log_run(folder / PAIR[0], range(10, 60, 10), pictures=pictures)
    with gr.Blocks():
        tab = MonitorTab(Watcher(folder), controls=False)
    sent = tab.update([PAIR[0]], None, [], 0, "steps", False, 0, 1280, False, {})
    limits = {name: sent[6][name] for name in ("minimum", "maximum", "step", "value")}
    assert gr.Slider(**limits).value == (pictures[-1] if pictures else 0)
    assert sent[6]["visible"] == (len(pictures) > 1)


def test_curves_that_a_person_chose_stay_and_an_early_look_changes_nothing(folder):
    log_run(folder / PAIR[0], range(10, 60, 10))
    with gr.Blocks():
        tab = MonitorTab(Watcher(folder), controls=False)

    def names(chosen, seen, touched):
        sent = tab.update([PAIR[0]], PAIR[0], chosen, 0, "steps", False, 0, 1280, touched, seen)
        return sent[3], json.loads(sent[4]["value"] if isinstance(sent[4], dict) else sent[4])["data"], sent[-1]

    first, drawn, seen = names([], {}, False)
    assert first["value"] == ["loss/total", "time/steps_per_second"] and len(drawn) == 2
    # A second look that began before the page had the answer to the first
    again = tab.update([PAIR[0]], PAIR[0], [], 0, "steps", False, 0, 1280, False, seen)
    assert again[4] == gr.skip()
    mine, drawn, _ = names(["loss/total"], seen, True)
    assert "value" not in mine and len(drawn) == 1


def test_a_run_keeps_its_colour_and_its_name_whatever_else_is_shown(folder):
    log_run(folder / PAIR[0], range(10, 60, 10))
    log_run(folder / PAIR[1], range(10, 60, 10))
    log_run(folder / PAIR[1], range(10, 60, 10), name="loss/diffusion")
    with gr.Blocks():
        tab = MonitorTab(Watcher(folder), controls=False)

    def drawn(chosen, seen):
        sent = tab.update(chosen, None, [], 0, "steps", False, 0, 1280, False, seen)
        lines = [line for line in json.loads(sent[4])["data"] if line["legendgroup"] in chosen]
        shown = {line["name"] for line in lines if line["showlegend"]}
        return {line["name"]: line["line"]["color"] for line in lines}, shown, sent[-1]

    both, shown, seen = drawn([PAIR[0], PAIR[1]], {})
    assert len(set(both.values())) == 2
    assert shown == set(PAIR), "the first diagram, of a loss that one run has, is not the only one with names"
    one, _, seen = drawn([PAIR[1]], seen)
    assert one[PAIR[1]] == both[PAIR[1]]
    assert drawn([PAIR[1], PAIR[0]], seen)[0] == both


def test_fifty_runs_make_a_figure_of_bounded_size(tmp_path):
    log_run(tmp_path / "first", range(1, 4001))
    watcher = Watcher(tmp_path)
    write_run(tmp_path, "r", "vanilla", 0)
    (tmp_path / "r" / "events").symlink_to(tmp_path / "first" / "events")
    reader = watcher.reader("r")
    drawn = curves.figure(
        {f"r{n}": reader for n in range(50)}, ["loss/total", curves.THROUGHPUT], smoothing=0.5, log=False,
        axis=curves.HOURS, columns=2,
    )  # fmt: skip
    assert drawn.layout.showlegend and sum(trace.showlegend for trace in drawn.data) == 50
    assert len(drawn.data) == 100 and all(len(trace.x) <= 240 for trace in drawn.data)
    assert len(drawn.to_json()) < 1_000_000
    np.testing.assert_allclose(drawn.data[-1].y, 20, rtol=1e-5)
    none = curves.figure({}, [], smoothing=0, log=False, axis=curves.STEPS, columns=2)
    assert (
        none.layout.xaxis.visible is False and none.layout.yaxis.visible is False and drawn.layout.xaxis.visible is None
    )


def test_names_and_logs_cannot_bring_html_into_the_page(tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    write_run(tmp_path, evil, "vanilla", 0)
    watcher = Watcher(tmp_path)
    (state,) = watcher.states()
    for page in (runs.state_table([(state, watcher.progress(state))]), runs.log_block(evil)):
        assert "<img src=x" not in page and "&lt;img" in page


def test_a_form_with_a_mistake_is_told_in_one_line_and_starts_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "_launch", lambda run, *options: None)
    with gr.Blocks():
        form = starting.StartForm(Watcher(tmp_path), gr.Accordion())
    good = ["denoise-pocket", "vanilla", 1, "mine", 20, 4, 1e-5, "training.patch_size=24\n\nwarm_start=null"]
    for place, value, message in (
        (0, "/etc/passwd", "no packaged recipe"), (3, "../mine", "use letters"), (4, 0, "max_steps"),
        (7, "training.nothing=1", "no such key"), (1, "magic", "magic"),
    ):  # fmt: skip
        with pytest.raises(gr.Error, match=message) as caught:
            form.start(*good[:place], value, *good[place + 1 :])
        assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
    assert form.start(*good) == "mine"
    recipe = Watcher(tmp_path).run("mine").recipe
    assert (recipe.method, recipe.seed, recipe.training.max_steps, recipe.training.patch_size) == ("vanilla", 1, 20, 24)
    assert recipe.training.learning_rate == 1e-5


# The Results tab


def test_a_click_on_a_number_finds_its_run(folder):
    measure(folder / PAIR[0], 27.25)
    log_run(folder / PAIR[0], range(10, 60, 10), pictures=(10,))
    with gr.Blocks():
        tab = ResultsTab(folder)
    page, lines, _ = tab.fill("noise-da", "1", False)
    assert "27.25" in page and "34.71" in page and "Finished but not measured: " + PAIR[1] in page
    (index,) = [index for index, line in enumerate(lines) if line[1] and "PSNR" in line[0]]
    _, title, run, _ = tab.choose_line(lines, 1280, SimpleNamespace(index=index))
    assert run["value"] == PAIR[0] and "27.25" in title and "pocket" in title
    numbers, figure, pictures, recipe = tab.show_run(PAIR[0], 1280)
    assert "step 10" in pictures and "denoise-pocket" in recipe and len(figure.data) == 2 and PAIR[0] in numbers
    (row,) = [row for row in page.split("<tr") if "27.25" in row]
    assert ">here<" in row and page.count(">Vanilla<") == 2, "a line for the paper and one for the runs here"
    assert '<th scope="row">Noise-DA</th>' in page and ">Ours<" not in page
    only_ours, lines, _ = tab.fill("noise-da", "1", True)
    assert "34.71" not in only_ours and all(line[1] for line in lines)
    assert "Nothing measured yet" in tab.fill("drdd", "all", True)[0]


def test_results_open_on_what_was_measured(folder, tmp_path):
    with gr.Blocks():
        empty, full = ResultsTab(tmp_path / "nothing"), ResultsTab(folder)
    assert empty.enter(False, RECORDED, ALL)[1] == RECORDED
    page, lines, _ = empty.fill(RECORDED, ALL, False)
    assert page.count("<table>") == 11 and "PolyU" in page and "guarded-c5" in page and not lines
    assert full.enter(False, RECORDED, ALL)[1] == RECORDED, "runs are there, but none was measured"
    measure(folder / PAIR[0], 27.25)
    assert full.enter(False, RECORDED, ALL)[1] == "noise-da"
    assert full.enter(True, RECORDED, ALL)[1] == RECORDED, "somebody chose it"


def test_several_changed_settings_are_folded(folder):
    settings = ["training.batch_size=8", "training.learning_rate=0.001"]
    for name, changed in zip(PAIR, (settings, settings[:1]), strict=True):
        save_recipe(load_recipe("denoise-pocket", changed, method="noise-space"), folder / name / "recipe.yaml")
        measure(folder / name, 27.25)
    with gr.Blocks():
        page, *_ = ResultsTab(folder).fill("noise-da", "1", False)
    assert f"<details><summary>2 settings</summary>{' '.join(settings)}</details>" in page
    assert f">{settings[0]}</td>" in page


@pytest.mark.parametrize("name", ["../secret", "/etc", "..", "", None, "missing"])
def test_no_run_outside_the_folder_is_shown(folder, name):
    write_run(folder.parent, "secret", "vanilla", 0)
    with gr.Blocks():
        tab = ResultsTab(folder)
    with pytest.raises(gr.Error, match="not there"):
        tab.show_run(name, 1280)


# Who may do what


def test_controls_are_off_where_others_can_reach_the_app_without_a_password(folder):
    with_controls = {block.elem_id for block in build(folder, controls=True).blocks.values()}
    without = {block.elem_id for block in build(folder, controls=False).blocks.values()}
    assert {"start-run", "stop-run", "really-delete"} <= with_controls
    assert not {"start-run", "stop-run", "resume-run", "really-delete"} & without and "controls-off" in without


def test_which_addresses_are_of_this_machine_alone():
    assert is_loopback("127.0.0.1") and is_loopback("localhost") and is_loopback("::1")
    assert not is_loopback("0.0.0.0") and not is_loopback("192.0.2.1")


def test_the_password_is_read_and_never_repeated():
    assert read_auth("me:a:b") == ("me", "a:b") and read_auth(None) is None
    for wrong in ("secret", ":secret", "secret:", ""):
        with pytest.raises(WorkbenchError) as caught:
            read_auth(wrong)
        assert "secret" not in str(caught.value)
