"""What a run counts for, and what is compared with a paper."""

import json
import statistics
from dataclasses import replace

import pytest
from support.tables import OWN, SIDD, report

from workbench.evaluation.sets import EvaluationSet
from workbench.methods import resolve
from workbench.papers import published
from workbench.papers.formats import render
from workbench.recipes import load_recipe, save_recipe
from workbench.recipes.schema import Training
from workbench.runs.identity import Role, entry_of
from workbench.runs.measurements import find_measurements

VALIDATED_ON_IT = ["data.validation=photos/own"]


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


def test_noise_steps_and_edges_of_drdd_have_runs_of_their_own(add, lines):
    """Clean pictures with noise, numbers of steps, and the levels of Table C.9."""

    def measured(name, recipe, data_set, ssim):
        on = EvaluationSet(data_set, f"dataset:{data_set}", data_set, 2)
        result = report(20.0, images=2, protocol="rgb")
        result["mean"] |= {"ssim": ssim}
        add(name, recipe, on=on, result=result)

    for number, sigma in enumerate((15, 25, 50)):
        measured(f"noise{sigma}", "drdd-denoise-paper", f"kodak24+awgn:sigma={sigma}", 0.5 + number / 100)
    measured("five", "drdd-allinone5-paper", "cbsd68+awgn:sigma=25", 0.6)
    measured("steps", "drdd-allinone3-paper+drdd-steps-2-5", "cbsd68+awgn:sigma=25", 0.7)
    measured("bags", "drdd-edges-paper+drdd-level-0.5", "edges2handbags/test", 0.8)
    found = [line for line in lines(paper="drdd") if line.difference is not None and line.metric in ("SSIM", "PSNR")]
    ours = {(line.table, line.row, line.column, line.metric): line.ours for line in found}
    assert {key[2]: value for key, value in ours.items() if key[0] == "5(b)"} == {
        f"Denoising, sigma = {sigma}": 0.5 + number / 100 for number, sigma in enumerate((15, 25, 50))
    }
    assert {key: value for key, value in ours.items() if key[0] != "5(b)"} == {
        ("1", "DRDD(Ours)*", "Denoising", "SSIM"): 0.6,
        ("8", "DRDD (Ours)", "Denoising, sigma = 25", "SSIM"): 0.6,
        ("C.7", "DRDD (Ours)", "Denoising", "PSNR"): 20.0,
        ("10", "2 de-res, 5 de-noise", "Denoise", "SSIM"): 0.7,
        ("C.9", "Edges2Bags", "sigma = 0.5", "PSNR"): 20.0,
    }


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
