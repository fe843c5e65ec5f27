"""The numbers on the results page are those of the recorded runs."""

import json
import re
import sys

import pandas as pd
import pytest
from support import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import pages
from recorded import RESULTS

from workbench.comparison import spread
from workbench.methods import METHODS
from workbench.restorers.names import PACKAGED
from workbench.studies import load_study

README = ROOT / "README.md"


def test_page_holds_the_tables_of_the_recorded_runs():
    for path, tables in ((pages.PAGE, 4), (pages.STUDY, 6), (pages.DESK, 4), (pages.DRDD, 3)):
        page = path.read_text()
        assert len(pages.BLOCK.findall(page)) >= tables
        assert pages.render(page) == page, "run python benchmarks/pages.py"


def test_the_app_shows_the_tables_of_the_recorded_runs():
    written = pages.APP_FILE.read_text(encoding="utf-8")
    assert written == pages.app_tables(), "run python benchmarks/pages.py"
    assert all({"input", "vanilla"} < {line[0] for line in table["lines"]} for table in json.loads(written))


def test_the_first_page_tells_the_size_of_the_effect_as_recorded():
    page = README.read_text(encoding="utf-8")
    told = {}
    for name in ("vanilla", "adapted", "guarded"):
        (line,) = [line for line in page.splitlines() if line.startswith(f"| **{name}** |")]
        told[name] = re.findall(r"\| ([+\d. ±]+) dB", line)
    oracle = re.search(r"An\s\*\*oracle\*\*, [^.]+ gains ([\d.]+) and ([\d.]+) dB", page).groups()
    for place, (study, test, change) in enumerate(
        (("embedded", "simulated camera", ""), ("real-photographs", "PolyU", "-c5"))
    ):
        rows = pd.read_csv(RESULTS / f"{study}.csv")
        psnr = rows[rows.test == test].pivot(index="seed", columns="cell", values="psnr").dropna(subset="vanilla")
        assert float(told["vanilla"][place]) == pytest.approx(psnr.vanilla.mean(), abs=0.0501)
        for name, cell in (("adapted", f"adapted{change}"), ("guarded", "guarded-c5")):
            gain = psnr[cell] - psnr.vanilla
            assert told[name][place] == f"{gain.mean():+.1f} ± {gain.std():.1f}"
        assert float(oracle[place]) == pytest.approx((psnr.oracle - psnr.vanilla).mean(), abs=0.0501)


def seeds_of(study: str, test: str) -> pd.DataFrame:
    """PSNR by seed and cell."""
    rows = pd.read_csv(RESULTS / f"{study}.csv").rename(columns={"domain": "test", "target_psnr": "psnr"})
    return rows[(rows.test == test) & rows.seed.notna()].pivot(index="seed", columns="cell", values="psnr")


EARNED = [
    ("small, simulated camera", "controls-camera", "simulated camera", "", "adapted", "guarded"),
    ("small, 8 of PolyU's photographs", "strength", "polyu", "", "adapted-c5-h600", "guarded-c5"),
    ("larger, PolyU", "desk-non-local", "PolyU", "synthesis+", "synthesis+adapted", "synthesis+guarded"),
    ("larger, simulated night camera", "desk-night", "night", "synthesis+", "synthesis+adapted", "synthesis+guarded"),
]


@pytest.mark.parametrize(("title", "study", "test", "prefix", "adapted", "guarded"), EARNED)
def test_the_first_page_tells_what_the_guard_earns_as_recorded(title, study, test, prefix, adapted, guarded):
    psnr = seeds_of(study, test)
    (line,) = [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {title} |")]
    gains = psnr[[adapted, f"{prefix}guard-alone", guarded]].sub(psnr.vanilla, axis=0).dropna()
    spread = "± {:.1f} dB" if len(gains) > 1 else "dB"
    told = [f"{gain.mean():+.1f} " + spread.format(gain.std()) for _, gain in gains.items()]
    assert line == " | ".join([f"| {title}", *told, str(len(gains))]) + " |"


def test_the_first_page_tells_of_the_larger_network_as_recorded():
    page = " ".join(README.read_text(encoding="utf-8").split())
    rows = pd.concat(pd.read_csv(RESULTS / f"{study}.csv") for study in ("desk-non-local", "desk-night"))
    means = rows.groupby(["test", "cell"]).psnr.mean()
    polyu, night = means["PolyU"], means["night"]
    gain = {test: means[test]["synthesis+guarded"] - means[test].vanilla for test in ("CC", "Nam")}
    seeds = seeds_of("desk-non-local", "PolyU"), seeds_of("desk-night", "night")
    synthesis = [(each.synthesis - each.vanilla).mean() for each in seeds]
    below = [means[test].nlm - means[test]["synthesis+guarded"] for test in ("CC", "Nam")]
    camera = (
        pd.read_csv(RESULTS / "controls-camera.csv").query("test == 'simulated camera'").groupby("cell").psnr.mean()
    )
    assert camera.nlm > camera.oracle
    for sentence in (
        f"It has {polyu.nlm:.1f} dB on PolyU",
        f"and {camera.nlm:.1f} on the simulated camera, more than the small oracle",
        f"its vanilla has {polyu.vanilla:.1f} dB",
        f"it ends {below[0]:.1f} and {below[1]:.1f} dB below the filter",
        f"Guarded, it reaches {polyu['synthesis+guarded']:.1f} dB, and gains {gain['CC']:.1f} and {gain['Nam']:.1f}",
        f"vanilla has {night.vanilla:.1f} dB, non-local means {night.nlm:.1f}, guarded"
        f" {night['synthesis+guarded']:.1f} (three seeds)",
        f"gets no further on new ones, {night.oracle:.1f}",
        f"which by itself gains {abs(synthesis[0]):.1f} (PolyU) and {synthesis[1]:.1f} dB (night)",
    ):
        assert sentence in page


def test_the_first_page_names_the_packaged_restorers_that_are_guarded():
    page = README.read_text(encoding="utf-8")
    guarded = []
    for card in sorted(PACKAGED.glob("*.json")):
        settings = json.loads(card.read_text(encoding="utf-8"))["provenance"].get("settings", {})
        if settings.get("options", {}).get("noise-space", {}).get("guard", "none") != "none":
            guarded.append(card.stem)
    (told,) = re.findall(r"Of the restorers that come with the package, (.*?) are \*\*guarded\*\*", page, re.DOTALL)
    assert sorted(re.findall(r"`([\w-]+)`", told)) == sorted(guarded)


def test_the_first_page_shows_the_recorded_demo():
    recorded = json.loads((RESULTS / "demo.json").read_text(encoding="utf-8"))
    page = README.read_text(encoding="utf-8")
    assert f"took {recorded['seconds']:.0f} s" in page
    for domain in ("target", "source"):
        (line,) = [line for line in page.splitlines() if line.startswith(f"| {domain} domain: ")]
        told = [float(cell.strip(" *")) for cell in line.split("|")[2:-1]]
        measured = [recorded[domain][name]["psnr"] for name in ("input", "vanilla", "noise-space")]
        assert told == pytest.approx(measured, abs=0.00501)
    gain = recorded["target"]["noise-space"]["psnr"] - recorded["target"]["vanilla"]["psnr"]
    assert f"Guarded gains {gain:.2f} dB here" in page
    seeds = pd.read_csv(RESULTS / "embedded.csv").query("test == 'simulated camera' and cell == 'vanilla'")
    assert "this is seed 0, whose vanilla is the best" in page and seeds.set_index("seed").psnr.idxmax() == 0
    assert recorded["provenance"]["commit"]


STUDIES = ["real-photographs", "embedded", "embedded-strong", "embedded-textured", "embedded-night", "controls-camera",
           "controls-photographs", "rivals-rain", "rivals-shake", "rivals-rain-photographs",
           "rivals-shake-photographs", "desk-non-local", "desk-night", "drdd-ladder-noise",
           "drdd-ladder-rain", "drdd-ladder-mixed"]  # fmt: skip


@pytest.mark.parametrize("study", STUDIES)
def test_every_recorded_run_says_how_to_make_it_again(study):
    rows = pd.read_csv(RESULTS / f"{study}.csv")
    runs = rows[~rows.cell.isin(["input", *load_study(study).restorers])]
    assert runs[["method", "seed", "steps", "seconds", "commit"]].notna().all().all()
    assert not runs.commit.str.endswith("+").any(), "made with uncommitted changes"
    assert not rows.duplicated(["cell", "seed", "test"]).any()


@pytest.mark.parametrize(
    ("study", "cells"),
    [("rivals-rain", 10), ("rivals-shake", 11), ("rivals-rain-photographs", 11), ("rivals-shake-photographs", 10)],
)
def test_every_method_for_a_task_was_measured(study, cells):
    rows = pd.read_csv(RESULTS / f"{study}.csv")
    expected = set(load_study(study).cells)
    assert set(rows.cell) == expected | {"input"} and len(expected) == cells


OTHERS = {"vanilla", "oracle", "noise-space", "condition-quality",
          "drdd", "entangled", "rddm", "ir-sde", "de-irsde", "direct"}  # fmt: skip
"""Methods that are no rivals: controls, the critic by itself, and the second system."""


@pytest.mark.parametrize("domain", ["camera", "photographs"])
def test_every_method_for_denoising_stands_beside_the_controls(domain):
    rows = pd.read_csv(RESULTS / f"controls-{domain}.csv")
    study = load_study(f"controls-{domain}")
    assert set(rows.cell) == {"input", "vanilla + best blur", *study.restorers, *study.cells}
    rivals = {name for name, method in METHODS.items() if "denoising" in method.tasks} - OTHERS
    methods = {cell.method for cell in study.cells.values() if cell.method}
    assert methods == {"vanilla", "oracle", "noise-space", *rivals}
    assert len(rivals) == 9


def test_the_steps_of_every_method_that_takes_some_were_timed():
    rows = pd.read_csv(RESULTS / "rivals-times.csv", dtype={"commit": str})
    assert rows.commit.notna().all() and not rows.commit.str.endswith("+").any()
    expected = [(domain, cell) for domain in ("camera", "rain") for cell in load_study(f"rivals-times-{domain}").cells]
    assert list(zip(rows.domain, rows.cell, strict=True)) == expected
    assert (rows.seconds_per_step > 0).all() and (rows.peak_mib > 0).all()


@pytest.mark.parametrize("study", ["strength", "mechanism"])
def test_every_row_of_the_study_names_its_commit(study):
    rows = pd.read_csv(RESULTS / f"{study}.csv", dtype={"commit": str})
    assert rows.commit.notna().all() and not rows.commit.str.endswith("+").any()
    keys = ["domain", "cell", "seed"] + (["step"] if study == "mechanism" else [])
    assert not rows.duplicated(keys).any()


SAID = [
    ("noise", "noise", "entangled-0.1", "direct", "the entangled network is {} dB below it on AWGN"),
    ("rain", "rain", "known-0.1 1 step", "direct", "in one step, at the same, 0.8 ± 0.7 and {}."),
    ("noise", "noise", "direct-2x", "direct", "which gains another {} dB by it on AWGN"),
    ("rain", "rain", "direct-2x", "direct", "(on rain {}, and a fifth of LPIPS)"),
    ("noise", "noise", "input-0.1", "entangled-0.1", "two stages that see the input are {} dB below it on AWGN"),
    ("rain", "rain", "targets-0.1", "entangled-0.1", "a second stage on targets alone 0.8 ± 0.05 and {}."),
    ("noise", "noise", "input-1.0", "entangled-1.0", "it does on AWGN, by {} dB"),
    ("rain", "rain", "input-1.0", "entangled-1.0", "it harms: two stages are {} dB *below* the entangled network"),
    ("noise", "noise", "rddm-0.1", "input-0.1", "of that level on AWGN ({} dB below)"),
    ("noise", "noise", "known-0.1", "known-0.3", "{} dB better than at 0.3 on AWGN"),
    ("noise", "noise", "input-0.3", "input-0.1", "the best is 0.3 on AWGN ({} better than at 0.1)"),
    ("rain", "rain", "input-0.1", "input-0.3", "and 0.1 on rain ({} better than at 0.3)"),
    ("mixed", "noise", "known-0.1", "direct", "At level 0.1 the first stage is {} dB below `direct`"),
    ("mixed", "noise", "known-0.3", "direct", "at level 0.3 it is {} and"),
    ("mixed", "rain", "known-0.3", "direct", "at level 0.3 it is 3.1 ± 0.3 and {} below"),
    ("mixed", "rain", "known-1.0", "direct", "level with `direct`: {} dB above it"),
    ("mixed", "rain", "known-1.0 1 step", "direct", "dB above it, in one step {},"),
    ("noise", "noise", "input-0.3", "entangled-0.3", "At level 0.3 two stages that see the input are {} dB and"),
    ("noise", "noise", "rddm-0.1", "rddm-0.3", "by {} and 1.6 ± 0.2 dB from 0.1 to 0.3"),
    ("mixed", "noise", "rddm-1.0", "direct", "by {} dB less than `direct`"),
    ("mixed", "noise", "entangled-0.1", "direct", "At 0.1 the entangled network is {} dB below `direct` on noise"),
    ("mixed", "noise", "direct-wide", "direct", "it does help on AWGN, by {})"),
    ("mixed", "rain", "entangled-1.0 1 step", "direct", "the entangled network in one step ({} above)"),
]


@pytest.mark.parametrize(("study", "test", "cell", "other", "sentence"), SAID)
def test_what_the_rungs_of_drdd_say_is_what_was_recorded(study, test, cell, other, sentence):
    rows = pd.read_csv(RESULTS / f"drdd-ladder-{study}.csv").query("test == @test and seed >= 0")
    psnr = rows.pivot(index="seed", columns="cell", values="psnr")
    difference = psnr[cell] - psnr[other]
    assert len(difference.dropna()) == 3
    page = " ".join(pages.DRDD.read_text(encoding="utf-8").split())
    assert sentence.format(f"{abs(difference.mean()):.1f} ± {difference.std():.1f}") in page


def test_no_rung_with_noise_is_above_direct_on_one_task():
    for study in ("noise", "rain"):
        psnr = pd.read_csv(RESULTS / f"drdd-ladder-{study}.csv").pivot(index="seed", columns="cell", values="psnr")
        with_noise = psnr.loc[[0, 1, 2]].filter(regex="^(known|targets|input|entangled|rddm)-")
        assert (with_noise.lt(psnr["direct"].loc[[0, 1, 2]], axis=0)).all(axis=None)


def test_the_protocols_on_real_pairs_say_what_was_measured():
    rows = pd.read_csv(RESULTS / "real-protocols.csv")
    assert rows.commit.notna().all() and not rows.commit.str.endswith("+").any()
    assert ((rows.images > 0) & (rows.images <= rows.of)).all() and rows[["psnr", "ssim"]].notna().all().all()
    assert not rows.duplicated(["set", "protocol", "restorer"]).any()
    first = ~rows.duplicated(["set", "restorer"])
    assert (rows.lpips.notna() == first).all(), "LPIPS stands with a set's first protocol"


def test_spread_is_the_sample_standard_deviation():
    assert spread([1.0, 3.0]) == "2.00 ± 1.41"
    assert spread([1.0]) == "1.00"
