"""What the notebooks show of recorded studies is what the studies' files say today."""

import html
import json
import re

import pandas as pd
import pytest
from support import ROOT

from workbench.comparison import table
from workbench.comparison.tables import read_csv
from workbench.diagnostics.microscope_recording import load_microscope
from workbench.papers import published

RESULTS = ROOT / "benchmarks" / "results"


def outputs(notebook, cell):
    (path,) = (ROOT / "notebooks").glob(f"{notebook}_*.ipynb")
    (found,) = [each for each in json.loads(path.read_text(encoding="utf-8"))["cells"] if each["id"] == cell]
    return found["outputs"]


def shown(notebook, cell):
    """The last table of a cell: its rows as lists of texts."""
    tables = ["".join(output["data"]["text/html"]) for output in outputs(notebook, cell)
              if "text/html" in output.get("data", {})]  # fmt: skip
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", tables[-1], re.DOTALL)
    strip = re.compile(r"<[^>]+>")
    return [
        [
            html.unescape(strip.sub("", cell)).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in rows
    ]


def by_name(rows):
    return {row[0]: row[1:] for row in rows if any(row[1:])}


@pytest.mark.parametrize(
    ("cell", "study", "test"),
    [("cell-22", "real-photographs", "CC"), ("all-rivals-table", "controls-camera", "simulated camera")],
)
def test_tables_of_the_comparison_are_those_of_the_studies(cell, study, test):
    head, *lines = table(read_csv(RESULTS / f"{study}.csv"), test)
    places = [
        head.index(name) for name in ("PSNR / dB", "gain over vanilla / dB", "gap closed", "SSIM", "LPIPS", "seeds")
    ]
    told = by_name(shown("04", cell))
    assert {line[0]: [line[place] for place in places] for line in lines} == {
        name: told[name] for name in [line[0] for line in lines]
    }


def test_the_quickstarts_study_is_the_recorded_one():
    study = pd.read_csv(RESULTS / "embedded.csv").query("test == 'simulated camera'")
    means = study.groupby("cell").psnr.mean()
    psnr = study.pivot(index="seed", columns="cell", values="psnr").dropna(subset="vanilla")
    gains = psnr.sub(psnr.vanilla, axis=0)
    told = by_name(shown("00", "cell-16"))
    assert set(told) >= set(means.index)
    for cell, mean in means.items():
        gain = gains[cell].dropna()
        assert told[cell] == [
            f"{mean:.2f}",
            *([f"{gain.mean():.2f}", f"{gain.std():.2f}", str(len(gain))] if len(gain) else ["", "", ""]),
        ], cell


def test_the_dynamics_study_is_the_recorded_one():
    study = pd.read_csv(RESULTS / "embedded.csv")
    told = by_name(shown("07", "cell-08"))
    for cell in ("vanilla", "vanilla-early-500", "vanilla-early-1000", "adapted", "oracle"):
        for place, test in enumerate(("AWGN 25", "simulated camera")):
            values = study[(study.cell == cell) & (study.test == test)].psnr
            assert told[cell][place] == f"{values.mean():.2f} ± {values.std():.2f}", (cell, test)


def test_the_recorded_training_is_the_packaged_one():
    told = by_name(shown("03", "cell-17"))
    recording = load_microscope()
    for name, title in recording.variants.items():
        psnr = recording.meters[name].exported_target_psnr
        best, last, lost = map(float, told[title])
        assert (best, last) == (pytest.approx(psnr.max(), abs=0.006), pytest.approx(psnr.iloc[-1], abs=0.006))
        assert lost == pytest.approx(best - last, abs=0.011)


def test_verdicts_on_table_4_follow_from_the_numbers_beside_them():
    ours = {name: float(row[0]) for name, row in by_name(shown("03", "cell-08")).items() if name.startswith("(")}
    paper = {n.row: n.value for n in published("noise-da", "4") if n.metric == "PSNR"}
    verdicts = by_name(shown("03", "cell-10"))
    assert len([claim for claim in verdicts if ":" in claim]) == 6
    for claim, (here, theirs, said) in verdicts.items():
        if ":" not in claim:
            continue
        better, worse = (next(row for row in ours if row.lower().startswith(name.lower())) for name in _rows(claim))
        assert float(here) == pytest.approx(ours[better] - ours[worse], abs=0.011), claim
        assert float(theirs) == pytest.approx(paper[better] - paper[worse], abs=0.006), claim
        if float(theirs) < 0:
            assert "denies" in said
        elif abs(float(here)) <= 0.3:
            assert said.startswith("nothing")


def _rows(claim):
    """The two rows that a claim compares, as in ``... (e) over (d)``."""
    first, second = claim.partition(": ")[2].split(" over ")
    return first, second if second.startswith("(") else f"(Only {second.removeprefix('only ')}"
