"""What a run counts for, what is compared with a paper, and how tables look."""

import csv
import json
import re
import shutil
import statistics
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_cli import workbench

from data_tools.catalogue import tasks
from workbench import nets
from workbench.errors import WorkbenchError
from workbench.evaluation.sets import EvaluationSet
from workbench.images import write_png
from workbench.methods import resolve
from workbench.papers import published
from workbench.papers.formats import render
from workbench.papers.tables import table_lines
from workbench.recipes import load_recipe, save_recipe
from workbench.recipes.schema import Training
from workbench.restorers import Restorer, save_restorer
from workbench.runs.evaluations import read_evaluation, run_folder, save_evaluation
from workbench.runs.identity import Role, entry_of
from workbench.runs.measurements import find_measurements

SIDD = EvaluationSet("sidd/validation", "data/sidd/validation", "sidd/validation", 1280)
OWN = EvaluationSet("own", "photos/own", None, None)
VALIDATED_ON_IT = ["data.validation=photos/own"]
PROVENANCE = {"commit": "0123456789ab"}


def report(psnr=30.0, ssim=0.9, lpips=None, images=1280, protocol="blocks-volume", failed=()):
    return {
        "protocol": protocol, "images": [{"name": str(index)} for index in range(images)],
        "mean": {"psnr": psnr, "ssim": ssim, "lpips": lpips}, "input_mean": dict.fromkeys(("psnr", "ssim", "lpips")),
        "failed": [{"name": name} for name in failed],
    }  # fmt: skip


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


@pytest.fixture
def add(runs):
    """Make a run folder as training leaves it, with an evaluation."""

    def add(name, recipe, settings=(), *, on=SIDD, seed=0, method=None, result=None, commit="aaaaaaaaaaaa"):
        folder = runs / name
        folder.mkdir(parents=True)
        save_recipe(load_recipe(recipe, settings, seed=seed, method=method), folder / "recipe.yaml")
        summary = {"status": "finished", "provenance": {"commit": commit}}
        (folder / "summary.json").write_text(json.dumps(summary))
        if on is not None:
            save_evaluation(folder, on, result or report(), PROVENANCE)
        return folder

    return add


@pytest.fixture
def lines(runs):
    return lambda table=None, paper="noise-da": table_lines(paper, table, find_measurements(runs).measurements, tasks())


def of(lines, row, metric="PSNR", column=None):
    return [line for line in lines if (line.row, line.metric) == (row, metric) and column in (None, line.column)]


@pytest.mark.parametrize("paper", ["noise-da", "drdd"])
def test_without_runs_every_cell_is_there_and_empty(lines, paper):
    found, numbers = lines(paper=paper), published(paper)
    assert [line.published for line in found] == [number.printed for number in numbers]
    for line in found:
        assert line.ours is line.spread is line.difference is None and line.n == 0
        assert not (line.scale or line.data or line.protocol or line.settings or line.commit)
        assert line.why


def test_seeds_of_the_papers_experiment_are_averaged_and_compared(add, lines):
    scores = [33.0, 34.0, 36.5]
    for seed, psnr in enumerate(scores):
        add(f"s{seed}", "denoise-paper", seed=seed, result=report(psnr, lpips=0.1), commit=f"{seed % 2}" * 12)
    everything = lines()
    filled = [(line.table, line.row, line.column, line.metric) for line in everything if line.n]
    assert {(table, row) for table, row, *_ in filled} == {
        ("1", "Ours"),
        ("4", "(f) (Ours)"),
        ("5", "Ours"),
        ("A1", "Ours"),
    }
    assert {(column, metric) for *_, column, metric in filled} == {("denoising", m) for m in ("PSNR", "SSIM", "LPIPS")}
    [line] = of([line for line in everything if line.table == "1"], "Ours")
    assert (line.published, line.n, line.scale, line.data) == ("34.71", 3, "paper", "sidd/validation")
    assert (line.protocol, line.commit, line.settings) == ("blocks-volume", "000000000000 111111111111", "")
    assert line.ours == pytest.approx(34.5) and line.difference == pytest.approx(34.5 - 34.71)
    assert line.spread == pytest.approx(statistics.stdev(scores)) == pytest.approx(1.802776, abs=1e-6)
    assert len(everything) == len(published("noise-da"))


def test_one_seed_has_no_spread_and_of_the_same_seed_the_later_evaluation_counts(add, lines, runs):
    add("first", "denoise-paper", result=report(30.0))
    [record] = (runs / "first" / "evaluations").iterdir()
    content = json.loads(record.read_text()) | {"date": "2020-01-01T00:00:00+00:00"}
    record.write_text(json.dumps(content))
    add("again", "denoise-paper", result=report(33.0))
    [line] = of(lines("1"), "Ours")
    assert (line.n, line.ours, line.spread) == (1, 33.0, None)


# The paper's recipe has none, so all of it is a change.
WARM_START = " ".join(
    f"warm_start.{key}={json.dumps(value)}"
    for key, value in Training(max_steps=7).model_dump(mode="json").items()
    if entry_of(f"warm_start.{key}").role is Role.RESULT
)


@pytest.mark.parametrize(
    ("settings", "on", "result", "labels"),
    [
        (["training.max_steps=10"], SIDD, report(), {"settings": "training.max_steps=10"}),
        (["data.target=photos"], SIDD, report(), {"settings": 'data.target="photos"'}),
        (["warm_start={max_steps: 7}"], SIDD, report(), {"settings": WARM_START}),
        (VALIDATED_ON_IT, OWN, report(images=4), {"data": "own"}),
        ([], SIDD, report(images=1279), {"data": "1279 of sidd/validation"}),
        ([], SIDD, report(failed=["0001_01"]), {"data": "1280 of sidd/validation"}),
        ([], SIDD, report(protocol="rgb"), {"protocol": "rgb"}),
    ],
)
def test_what_is_not_the_papers_experiment_is_shown_but_not_compared(add, lines, settings, on, result, labels):
    add("run", "denoise-paper", settings, on=on, result=result)
    for metric in ("PSNR", "SSIM"):
        cell, line = of(lines("1"), "Ours", metric)
        assert cell.published and cell.ours is None
        assert line.published == "" and line.difference is None and line.n == 1
        assert (line.scale, {key: getattr(line, key) for key in labels}) == ("paper", labels)


def test_the_protocol_counts_by_metric(add, lines):
    """Two ways to compute SSIM share one PSNR; the paper's is MATLAB's."""
    add("run", "denoise-paper", result=report(protocol="blocks"))
    [psnr] = of(lines("1"), "Ours")
    cell, ssim = of(lines("1"), "Ours", "SSIM")
    assert psnr.difference is not None and ssim.difference is None and cell.published == "0.9202"


LEVIN = EvaluationSet("levin", "data/levin", None, None)
SOURCE = EvaluationSet("held-out source (awgn)", "held-out-source", None, None)
SHAKE = EvaluationSet("simulated-shake (standard)", "simulated-shake", None, None)


@pytest.mark.parametrize("on", [LEVIN, replace(LEVIN, name="gopro/test", data_set="gopro/test"), SOURCE, SHAKE])
def test_a_denoiser_measured_on_pictures_that_are_not_for_denoising_does_not_count(add, lines, on):
    add("run", "denoise-paper", on=on, result=report(images=4, protocol="rgb"))
    found = lines("1")
    assert not [line for line in found if line.n]
    [line] = of(found, "Ours")
    assert line.why == "no run of denoise-paper, measured on sidd/validation"


def test_one_model_for_many_tasks_counts_where_its_pictures_belong(add, lines):
    on = EvaluationSet("gopro/test", "dataset:gopro/test", "gopro/test", 2)
    add("run", "drdd-allinone5-paper", on=on, result=report(28.0, images=2, protocol="rgb"))
    add("known", "drdd-allinone5-paper+drdd-known-noise", on=on, result=report(27.0, images=2, protocol="rgb"))
    found = lines(paper="drdd")
    filled = [(line.table, line.row, line.column, line.metric) for line in found if line.n]
    assert ("8", "DRDD (Ours)", "Deblurring", "SSIM") in filled and (
        "C.7",
        "DRDD (Ours)",
        "Deblurring",
        "PSNR",
    ) in filled
    assert ("8", "DRDD w.o Denoising Network", "Deblurring", "SSIM") in filled
    assert {column for _, _, column, _ in filled} == {"Deblurring"}


def test_measurements_on_pictures_that_nobody_knows_are_named(call, add, runs):
    add("run", "denoise-pocket", on=LEVIN)
    status, out, err = call("tables", "--table", "1", "--runs", runs)
    assert status == 0 and "pocket" not in out
    assert "left out, for nobody says what the pictures are for: levin" in err


def test_what_stays_empty_says_why_below_its_table(lines):
    text = render(lines(), "text")
    assert "Not compared: Vanilla, DANN" in text
    assert "Not compared: Ne2Ne, MaskedD: the paper had another network" in text
    drdd = render(lines("8", "drdd"), "md")
    assert "DRDD (Ours), Average, SSIM: the mean of the row's SSIM is .9166." in drdd


@pytest.mark.parametrize(
    ("recipe", "table", "data_set", "protocol", "published_psnr"),
    [("derain-paper", "2", "spa/test", "y", "34.39"), ("deblur-paper", "3", "realblur-j/test", "rgb", "26.46")],
)
def test_other_tasks(add, lines, recipe, table, data_set, protocol, published_psnr):
    on = EvaluationSet(data_set, f"dataset:{data_set}", data_set, 2)
    add("ours", recipe, on=on, result=report(31.0, images=2, protocol=protocol))
    add("vanilla", recipe, on=on, method="vanilla", result=report(29.0, images=2, protocol=protocol))
    add("ours-ex", f"{recipe}+unpaired-coco", on=on, result=report(32.0, images=2, protocol=protocol))
    [ours], [vanilla] = of(lines(table), "Ours"), of(lines(table), "Vanilla")
    assert ours.published == published_psnr and ours.difference == pytest.approx(31 - float(published_psnr))
    assert vanilla.ours == 29.0
    assert {line.row: line.ours for line in lines("A1") if line.n and line.metric == "PSNR"} == {
        "Ours": 31,
        "Ours-Ex": 32,
    }


NO_SHUFFLE, NO_SWAP = "options.noise-space.channel_shuffle=false", "options.noise-space.residual_swap=false"
ABLATIONS = {
    "(a)": ["method=vanilla"],
    "(b)": ["options.noise-space.timesteps=[1,100]", NO_SHUFFLE, NO_SWAP],
    "(c)": ["options.noise-space.timesteps=[900,1000]", NO_SHUFFLE, NO_SWAP],
    "(d)": [NO_SHUFFLE, NO_SWAP],
    "(e)": [NO_SWAP],
    "(f) (Ours)": [],
    "(Only syn)": ["options.noise-space.conditions=source", NO_SHUFFLE, NO_SWAP],
    "(Only real)": ["options.noise-space.conditions=target", NO_SHUFFLE, NO_SWAP],
}


@pytest.mark.parametrize("recipe", ["denoise-paper", "denoise-pocket"])
def test_a_variant_counts_for_its_own_row_only(add, lines, recipe):
    for number, settings in enumerate(ABLATIONS.values()):
        add(f"run{number}", recipe, settings, result=report(20.0 + number))
    rows = {line.row: line.ours for line in lines("4") if line.metric == "PSNR" and line.n}
    assert rows == {row: 20.0 + number for number, row in enumerate(ABLATIONS)}
    compared = [line for line in lines("4") if line.difference is not None]
    assert len(compared) == (16 if recipe == "denoise-paper" else 0)


def test_smaller_scales_have_lines_of_their_own_without_the_papers_number(add, lines):
    simulated = EvaluationSet("simulated-camera (standard)", "simulated-camera", None, None)
    for seed in (0, 1):
        add(f"p{seed}", "denoise-pocket", seed=seed, on=simulated, result=report(27.0 + seed, images=8, protocol="rgb"))
    add(
        "changed",
        "denoise-pocket",
        ["options.noise-space.ceiling=7"],
        on=simulated,
        result=report(26.0, images=8, protocol="rgb"),
    )
    add("vanilla", "denoise-pocket", method="vanilla", on=SIDD, result=report(25.0))
    cell, line, changed = of(lines("1"), "Ours")
    assert cell.published == "34.71" and cell.ours is None
    assert (line.published, line.scale, line.data, line.n, line.ours) == ("", "pocket", simulated.name, 2, 27.5)
    assert line.difference is None and line.spread == pytest.approx(2**-0.5)
    assert (changed.settings, changed.ours, changed.spread) == ("options.noise-space.ceiling=7.0", 26.0, None)
    cell, line = of(lines("1"), "Vanilla")  # on the paper's data, but at another scale
    assert line.difference is None and line.published == "" and line.data == "sidd/validation"
    assert not any(line.n for line in lines("A3")), "another kind of restorer"


def test_a_warm_start_left_out_is_one_change(add, lines):
    add("run", "denoise-pocket", ["warm_start=null", *VALIDATED_ON_IT], on=OWN)
    assert of(lines("1"), "Ours")[1].settings == "warm_start=null"


def test_the_restorer_is_part_of_the_experiment(add, lines):
    add("b", "denoise-paper", ["restorer={name: unet-b}"])
    add("dncnn", "denoise-paper", ["restorer={name: dncnn}"], method="vanilla")
    assert not any(line.n for line in lines("1"))
    assert {(line.row, line.column) for line in lines("A3") if line.difference is not None} == {("Vanilla", "DnCNN")}


def test_machine_and_watching_do_not_split_seeds(add, lines):
    add("s0", "denoise-paper", seed=0)
    add("s1", "denoise-paper", ["training.workers=2", "training.validate_every=7", "data.validation=own"], seed=1)
    [line] = of(lines("1"), "Ours")
    assert line.n == 2 and line.difference is not None


def written_out(recipe, settings=(), method=None):
    """As `workbench train` saves it."""
    return resolve(load_recipe(recipe, settings, method=method))


@pytest.mark.parametrize(
    ("recipe", "method", "on", "table", "row"),
    [
        ("denoise-paper", "dann", SIDD, "1", "DANN"),
        ("denoise-paper", "ap-bsn", SIDD, "5", "AP-BSN"),
        ("deblur-paper", "vdip", EvaluationSet("r", "r", "realblur-j/test", 1280), "3", "VDIP"),
    ],
)
def test_rivals_with_their_own_settings_are_compared(add, lines, runs, recipe, method, on, table, row):
    protocol = "rgb" if method == "vdip" else "blocks-volume"
    folder = add("run", recipe, method=method, on=on, result=report(31.0, protocol=protocol))
    save_recipe(written_out(recipe, method=method), folder / "recipe.yaml")
    [line] = of(lines(table), row)
    assert line.published and line.difference == pytest.approx(31 - float(line.published)) and line.settings == ""
    option = {"dann": "ceiling=0.5", "ap-bsn": "network={name: ap-bsn-pocket}", "vdip": "network={name: vdip-pocket}"}
    changed = written_out(recipe, [f"options.{method}.{option[method]}"], method=method)
    save_recipe(changed, folder / "recipe.yaml")
    if method == "dann":
        cell, line = of(lines(table), row)
        assert line.settings == "options.dann.ceiling=0.5" and line.difference is None
    else:
        assert [line.n for line in of(lines(table), row)] == [0], "another network at the paper's scale"


def test_smaller_networks_of_rivals_count_below_the_papers_scale(add, lines):
    folder = add("run", "denoise-pocket", method="ap-bsn", on=OWN)
    save_recipe(written_out("denoise-pocket", VALIDATED_ON_IT, method="ap-bsn"), folder / "recipe.yaml")
    cell, line = of(lines("5"), "AP-BSN")
    assert (cell.n, line.scale, line.settings, line.difference) == (0, "pocket", "", None)


@pytest.mark.parametrize(
    ("recipe", "method", "settings", "table", "row"),
    [
        ("denoise-paper", "neighbor2neighbor", [], "1", "Ne2Ne"),
        ("denoise-paper", "masked", ["restorer={name: swinir-masked}"], "1", "MaskedD"),
        ("derain-paper", "nlcl", [], "2", "NLCL"),
        ("derain-paper", "vanilla", ["restorer={name: restormer}"], "2", "Restormer"),
        ("denoise-paper", "c2n", [], "5", "C2N"),
    ],
)
def test_rivals_of_another_or_unknown_network_are_shown_only(add, lines, recipe, method, settings, table, row):
    on = SIDD if table != "2" else EvaluationSet("spa/test", "spa", "spa/test", 1280)
    folder = add(
        "run", recipe, settings, method=method, on=on, result=report(protocol="y" if table == "2" else "blocks")
    )
    save_recipe(written_out(recipe, settings, method), folder / "recipe.yaml")
    cell, line = of(lines(table), row)
    assert cell.published and cell.ours is None and line.ours == 30.0 and line.difference is None
    assert ("restorer.name" in line.settings) == bool(settings)
    assert not [other for other in of(lines(table), "Vanilla") if other.n], "the restorer is another"
    assert "Not compared" in render(lines(table), "text")


def test_a_metric_that_was_not_measured_stays_empty(add, lines):
    add("s0", "denoise-paper", result=report(lpips=None))
    [line] = of(lines("1"), "Ours", "LPIPS")
    assert line.published == "0.0903" and line.ours is None
    add("s1", "denoise-paper", seed=1, result=report(lpips=0.1))
    [line], [psnr] = of(lines("1"), "Ours", "LPIPS"), of(lines("1"), "Ours")
    assert (line.ours, line.n, psnr.n) == (0.1, 1, 2)


def test_runs_are_found_in_folders_below_but_not_in_hidden_ones(add, runs):
    for name in ("study/deep", ".warm-starts/cached", "top"):
        add(name, "denoise-pocket")
    add("unmeasured", "denoise-pocket", on=None)
    found = find_measurements(runs)
    assert [each.run.relative_to(runs).as_posix() for each in found.measurements] == ["study/deep", "top"]
    assert found.unmeasured == [runs / "unmeasured"] and found.failed == []
    assert find_measurements(runs / "nowhere").measurements == []


def test_what_cannot_be_read_is_named_and_the_others_count(add, runs, lines):
    add("good", "denoise-pocket")
    (add("old", "denoise-pocket") / "recipe.yaml").write_text("name: x\nno_such_key: 1\n")
    broken = add("broken", "denoise-pocket")
    for name, text in (
        ("a.json", "{"),
        ("b.json", "[]"),
        ("c.json", '{"format": 2}'),
        ("d.json", '{"format": 1, "data": {}}'),
    ):
        (broken / "evaluations" / name).write_text(text)
    found = find_measurements(runs)
    assert [each.run.name for each in found.measurements] == ["broken", "good"]
    assert [entry["name"].rsplit("/", 1)[1] for entry in found.failed] == [
        "a.json",
        "b.json",
        "c.json",
        "d.json",
        "old",
    ]
    assert all("\n" not in entry["reason"] for entry in found.failed)


# Records


def test_a_record_holds_what_was_measured(add):
    folder = add("run", "denoise-pocket", result=report(31.0, 0.8, None, images=3))
    [path] = (folder / "evaluations").iterdir()
    assert path.name == "sidd-validation-blocks-volume.json"
    content = json.loads(path.read_text())
    assert content["report"] == report(31.0, 0.8, None, images=3) and content["provenance"] == PROVENANCE
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", content["date"])
    record = read_evaluation(path)
    assert (record.data_set, record.images, record.complete) == ("sidd/validation", 3, False)
    assert record.mean == {"psnr": 31.0, "ssim": 0.8, "lpips": None}


def test_the_same_measurement_replaces_its_record_and_another_does_not(add):
    folder = add("run", "denoise-pocket", on=OWN, result=report(1.0))
    save_evaluation(folder, OWN, report(2.0), PROVENANCE)
    save_evaluation(folder, OWN, report(3.0, protocol="rgb"), PROVENANCE)
    elsewhere = replace(OWN, location="other/own")
    save_evaluation(folder, elsewhere, report(4.0), PROVENANCE)
    save_evaluation(folder, elsewhere, report(5.0), PROVENANCE)
    means = {path.name: read_evaluation(path).mean["psnr"] for path in (folder / "evaluations").iterdir()}
    assert means == {"own-blocks-volume.json": 2.0, "own-rgb.json": 3.0, "own-2-blocks-volume.json": 5.0}


def test_which_restorers_belong_to_a_run(add, tmp_path):
    folder = add("run", "denoise-pocket", on=None)
    assert run_folder(folder) == run_folder(folder / "restorer.safetensors") == folder
    assert run_folder(folder / "other.safetensors") is None
    assert run_folder(tmp_path) is None and run_folder(tmp_path / "restorer.safetensors") is None


# Rendering


@pytest.fixture
def filled(add, lines):
    add("s0", "denoise-paper", result=report(33.0, lpips=0.1))
    add("s1", "denoise-paper", seed=1, result=report(34.0, lpips=0.2))
    odd = EvaluationSet("50%_a|b & {c}\\d~#$^*<", "odd", None, None)
    add("pocket", "denoise-pocket", ["training.max_steps=5", "data.validation=odd"], on=odd)
    return lines()


def test_csv_parses_and_leaves_empty_cells_empty(filled):
    rows = list(csv.DictReader(render(filled, "csv").splitlines()))
    assert len(rows) == len(filled)
    for row, line in zip(rows, filled, strict=True):
        for name, text in row.items():
            value = getattr(line, name)
            assert text == ("" if value is None or (name == "n" and not value) else str(value))


@pytest.mark.parametrize("paper", ["noise-da", "drdd"])
def test_markdown_tables_are_rectangular(filled, lines, paper):
    text = render(filled if paper == "noise-da" else lines(paper="drdd"), "md")
    tables = re.findall(r"^### .*\n\n((?:\|.*\n)+)", text, re.M)
    assert len(tables) == (8 if paper == "noise-da" else 15)
    for table in tables:
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(cells) == 1
    if paper == "noise-da":
        assert "| Ours | denoising | PSNR | 34.71 | 33.50 | 0.71 | 2 | -1.21 | paper | sidd/validation |" in text
        assert r"50%\_a\|b" in text


@pytest.mark.parametrize("paper", ["noise-da", "drdd"])
def test_latex_has_equal_rows_and_balanced_braces(filled, lines, paper):
    text = render(filled if paper == "noise-da" else lines(paper="drdd"), "latex")
    tables = re.findall(r"\\begin\{longtable\}\{([lr]+)\}\n(.*?)\\end\{longtable\}", text, re.S)
    assert len(tables) == (8 if paper == "noise-da" else 15)
    for alignment, body in tables:
        caption, *rest = body.strip().splitlines()
        assert caption.startswith(r"\caption{") and caption.endswith(r"} \\")
        rows = [line for line in rest if line not in (r"\toprule", r"\midrule", r"\endhead", r"\bottomrule")]
        for row in rows:
            assert row.endswith(r" \\") and not row.startswith(("[", "*"))
            assert len(re.findall(r"(?<!\\)&", row)) == len(alignment) - 1
    plain = re.sub(r"\\[&%$#_{}\\]", "", text.removeprefix("% "))
    assert plain.count("{") == plain.count("}")
    assert not re.search(r"[%#~^]", plain) and not re.search("[^\x00-\x7f]", plain)


LATEX_ENGINES = [engine for engine in ("tectonic", "pdflatex", "lualatex", "xelatex") if shutil.which(engine)]


@pytest.mark.parametrize("paper", ["noise-da", "drdd"])
def test_latex_needs_only_the_packages_that_it_names(filled, lines, paper):
    text = render(filled if paper == "noise-da" else lines(paper="drdd"), "latex")
    assert text.startswith("% \\usepackage{booktabs,longtable}\n")
    commands = set(re.findall(r"\\([a-zA-Z]+)", text.partition("\n")[2]))
    kernel = {"begin", "end", "begingroup", "endgroup", "scriptsize", "caption", "times"}
    text_symbols = {"textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar"}
    booktabs, longtable = {"toprule", "midrule", "bottomrule"}, {"endhead"}
    assert commands <= kernel | text_symbols | booktabs | longtable
    open_environments = []
    for command, name in re.findall(r"\\(begin|end)\{(\w+)\}|\\(?:begingroup|endgroup)", text):
        if command == "begin":
            open_environments.append(name)
        elif command == "end":
            assert open_environments.pop() == name
    assert not open_environments and text.count("\\begingroup") == text.count("\\endgroup")
    assert re.sub(r"\\\$", "", text).count("$") % 2 == 0


@pytest.mark.skipif(not LATEX_ENGINES, reason="no TeX engine here")
@pytest.mark.parametrize("paper", ["noise-da", "drdd"])
def test_latex_compiles(filled, lines, paper, tmp_path):
    text = render(filled if paper == "noise-da" else lines(paper="drdd"), "latex")
    file = tmp_path / "tables.tex"
    file.write_text(
        "\\documentclass{article}\n\\usepackage{booktabs,longtable}\n\\begin{document}\n" + text + "\n\\end{document}\n"
    )
    options = [] if LATEX_ENGINES[0] == "tectonic" else ["-interaction=nonstopmode", "-halt-on-error"]
    done = subprocess.run([LATEX_ENGINES[0], *options, file.name], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    assert file.with_suffix(".pdf").is_file()


def test_text_says_whose_numbers_they_are(filled):
    text = render(filled, "text")
    assert "Noise-DA (paper)" in text and "Difference: ours minus the paper's" in text
    assert "AlexNet" in text and "ICLR 2025" in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_unknown_format_is_refused(lines):
    with pytest.raises(WorkbenchError, match="format 'html' does not exist; choose one of text, md, latex, csv"):
        render(lines("1"), "html")


# Command line


@pytest.fixture
def call(monkeypatch, capsys):
    return lambda *arguments: workbench(monkeypatch, capsys, *arguments)


@pytest.fixture
def trained(add):
    """A run with a restorer, not measured yet."""
    folder = add("run", "denoise-pocket", ["data.camera=mild"], on=None)
    torch.manual_seed(0)
    network = {"name": "unet-pocket", "width": 4}
    save_restorer(folder / "restorer.safetensors", Restorer.of(nets.build(**network), network), provenance={})
    return folder


@pytest.fixture
def prepared(tmp_path):
    """A folder as `workbench data prepare` leaves it."""
    rng = np.random.default_rng(0)
    for side in ("input", "target"):
        (tmp_path / "data" / "sidd" / "validation" / side).mkdir(parents=True)
        for name in ("a.png", "b.png"):
            write_png(
                tmp_path / "data" / "sidd" / "validation" / side / name, rng.integers(0, 256, (40, 50, 3), np.uint8)
            )
    note = {"set": "sidd", "parts": {"validation": {"count": 2}, "train": {"count": 9}}}
    (tmp_path / "data" / "sidd" / "prepared.json").write_text(json.dumps(note))
    return tmp_path / "data"


def test_evaluate_keeps_what_tables_show(call, trained, prepared, runs, tmp_path, monkeypatch):
    status, out, err = call("tables", "--table", "1", "--runs", runs)
    assert status == 0 and "not measured yet (1)" in err and str(trained) in err
    report, folder = tmp_path / "report.json", prepared / "sidd" / "validation"
    status, out, _ = call("evaluate", trained, "--data", folder, "--protocol", "y", "--json", report)
    kept = trained / "evaluations" / "sidd-validation-y.json"
    assert status == 0 and f"kept in {kept}" in out
    content = json.loads(kept.read_text())
    assert content["report"] == json.loads(report.read_text())
    assert content["data"] == {
        "name": "sidd/validation", "place": str(folder), "data_set": "sidd/validation", "size": 2,
    }  # fmt: skip
    status, out, err = call("tables", "--table", "1", "--runs", runs, "--format", "csv")
    assert status == 0 and err == ""
    line = next(row for row in csv.DictReader(out.splitlines()) if row["row"] == "Ours" and row["n"])
    assert float(line["ours"]) == content["report"]["mean"]["psnr"]
    assert (line["scale"], line["data"], line["published"], line["difference"]) == ("pocket", "sidd/validation", "", "")
    assert line["settings"] == 'data.camera="mild"'
    # The prepared data set by its name
    monkeypatch.setenv("WORKBENCH_DATA", str(prepared))
    status, out, _ = call("evaluate", trained / "restorer.safetensors", "--data", "dataset:sidd/validation")
    assert status == 0 and "sidd-validation-rgb.json" in out


def test_a_restorer_alone_keeps_nothing(call, trained, prepared, tmp_path):
    for suffix in (".safetensors", ".json"):
        (trained / "restorer").with_suffix(suffix).rename((tmp_path / "alone").with_suffix(suffix))
    status, out, _ = call("evaluate", tmp_path / "alone.safetensors", "--data", prepared / "sidd" / "validation")
    assert status == 0 and "kept" not in out and not list(tmp_path.rglob("evaluations"))


def test_evaluate_on_the_embedded_held_out_pictures(call, trained, monkeypatch):
    monkeypatch.setattr("workbench.evaluation.sets.validation_pairs", lambda data: small_pairs(data))
    status, out, _ = call("evaluate", trained, "--data", "simulated-camera")
    assert status == 0 and "simulated-camera-mild-rgb.json" in out


def small_pairs(data):
    assert (data.validation, data.camera) == ("simulated-camera", "mild")
    rng = np.random.default_rng(0)
    return [("one", *rng.integers(0, 256, (2, 16, 16, 3), np.uint8))]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--table", "99"], "no table '99'"),
        (["--paper", "other"], "choose one of noise-da, drdd"),
        (["--format", "html"], "choose one of text, md, latex, csv"),
        (["--runs", "no/where"], "--runs no/where: no such folder"),
    ],
)
def test_wrong_calls_of_tables_are_one_line(call, tmp_path, arguments, message):
    status, _, err = call("tables", "--runs", tmp_path, *arguments)
    assert status == 2 and message in err and len(err.splitlines()) == 1


def test_damaged_records_give_status_one(call, add, runs):
    (add("run", "denoise-pocket") / "evaluations" / "x.json").write_text("{")
    status, out, err = call("tables", "--table", "1", "--runs", runs)
    assert status == 1 and "pocket" in out and "x.json: not the result of an evaluation" in err


def test_tables_do_not_import_torch():
    code = "import sys, workbench.papers.formats, workbench.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
