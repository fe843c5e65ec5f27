"""Records of evaluations, how tables look, and the commands that write and print them."""

import csv
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.tables import OWN, PROVENANCE, SIDD, report

from workbench import nets
from workbench.errors import WorkbenchError
from workbench.evaluation.sets import EvaluationSet
from workbench.images import write_png
from workbench.papers.formats import render
from workbench.restorers import Restorer, save_restorer
from workbench.runs.evaluations import read_evaluation, run_folder, save_evaluation

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


def test_a_measurement_by_fewer_metrics_takes_nothing_away(add, lines):
    folder = add("run", "denoise-paper", result=report(31.0, 0.8, 0.2))
    fewer = report() | {"mean": {"ssim": 0.7}, "input_mean": {"ssim": 0.5}}
    save_evaluation(folder, SIDD, fewer, PROVENANCE)
    records = {path.name: read_evaluation(path).mean for path in (folder / "evaluations").iterdir()}
    assert records == {
        "sidd-validation-blocks-volume.json": {"psnr": 31.0, "ssim": 0.8, "lpips": 0.2},
        "sidd-validation-2-blocks-volume.json": {"ssim": 0.7},
    }
    told = {line.metric: (line.ours, line.n) for line in lines("1") if line.ours is not None}
    assert told["PSNR"] == (31.0, 1) and told["LPIPS"] == (0.2, 1) and told["SSIM"][1] == 1
    save_evaluation(folder, SIDD, report(32.0, 0.9, 0.1), PROVENANCE)
    assert len(list((folder / "evaluations").iterdir())) == 2
    with_more = replace(SIDD, location="photos/others")
    assert save_evaluation(folder, with_more, fewer, PROVENANCE).name == "sidd-validation-3-blocks-volume.json"
    path = save_evaluation(folder, with_more, report(), PROVENANCE)
    assert path.name == "sidd-validation-3-blocks-volume.json", "all that was measured before, and more"


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
    assert len(tables) == (9 if paper == "noise-da" else 15)
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
    assert len(tables) == (9 if paper == "noise-da" else 15)
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
    code = "import sys, workbench.papers.formats, workbench.cli.commands; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
