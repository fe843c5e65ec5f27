"""The papers' numbers: all there, and some of each table as printed."""

import csv
from collections import Counter
from importlib import resources

import pytest

from workbench.errors import WorkbenchError
from workbench.papers import PAPERS, published

# Cells that hold a number, counted in the papers.
COUNTS = {
    "noise-da": {"1": 24, "2": 24, "3": 24, "4": 16, "5": 8, "A1": 18, "A1.3": 12, "A2": 16, "A3": 12},
    "drdd": {
        "1": 108, "2": 32, "3": 16, "4": 28, "5(a)": 12, "5(b)": 36, "6": 30, "7": 12, "8": 48, "9": 56, "10": 30,
        "11": 24, "C.7": 30, "C.8": 24, "C.9": 14,
    },
}  # fmt: skip

KNOWN = """
noise-da 1    | Vanilla                  | denoising                    | SIDD           | PSNR        | 26.58
noise-da 1    | Ours                     | denoising                    | SIDD           | LPIPS       | 0.0903
noise-da 2    | NLCL                     | deraining                    | SPA            | PSNR        | 20.68
noise-da 3    | SelfDeblur               | deblurring                   | RealBlur-J     | LPIPS       | 0.1340
noise-da 4    | (b)                      | denoising                    | SIDD           | PSNR        | 16.77
noise-da 4    | (Only real)              | denoising                    | SIDD           | SSIM        | 0.8831
noise-da 5    | AP-BSN                   | denoising                    | SIDD           | SSIM        | 0.9000
noise-da A1   | Ours-Ex                  | deraining                    | SPA            | SSIM        | 0.9587
noise-da A1.3 | Uformer-B                | complexity                   |                | GMACs (G)   | 86.97
noise-da A2   | MaskedD                  | complexity                   |                | GMACs (G)   | 188.03
noise-da A3   | Ours                     | Restormer                    | SIDD           | PSNR        | 33.98
drdd 1        | DA-CLIP*                 | Dehazing                     | SOTS           | FID         | 3.82
drdd 2        | IR-SDE                   | Medical                      | MNMD           | LPIPS       | 0.0510
drdd 3        | De-IRSDE(Ours)           | Denoise                      | BSD400         | FID         | 31.87
drdd 4        | All-in-One-5             | Testing                      | GoPro          | Size        | 1,111
drdd 5(a)     | IRSDE*                   | Deraining                    | Rain100L       | LPIPS       | .0140
drdd 5(b)     | VLUNet                   | Denoising, sigma = 50        | Kodak24        | LPIPS       | .2040
drdd 6        | MISF                     | Inpainting, 64 x 64 (Center) | CelebA-HQ      | FID         | 20.43
drdd 7        | DRDD                     | Edges to objects, 256 x 256  | Edges2Shoes    | FID         | 9.658
drdd 8        | Entangled Baseline       | Low-Light                    | LOLv1          | LPIPS       | .1555
drdd 9        | RDDM - L                 | complexity                   |                | Para (M)    | 138 × 2
drdd 9        | DRDD - S                 | complexity                   | Rain100L       | Latency (s) | 0.10+0.23
drdd 10       | 10 de-res, 10 de-noise   | Denoise                      | CBSD68         | SSIM        | 0.8838
drdd 11       | VLUNet                   | Denoising                    | SIDD           | LPIPS       | 0.664
drdd C.7      | VLU-NET                  | Deraining                    | Rain100L       | PSNR        | 38.36
drdd C.8      | RDDM                     | 25% of the training data     | All-in-One-3   | SSIM        | .929
drdd C.9      | Edges2Bags               | sigma = 2.0                  | Edges2Bags     | PSNR        | 17.92
"""


@pytest.mark.parametrize("paper", COUNTS)
def test_every_table_is_complete(paper):
    numbers = published(paper)
    assert Counter(number.table for number in numbers) == COUNTS[paper]
    assert list(dict.fromkeys(number.table for number in numbers)) == list(PAPERS[paper].tables)
    places = Counter((n.table, n.row, n.column, n.metric, n.data) for n in numbers)
    assert max(places.values()) == 1


@pytest.mark.parametrize("line", KNOWN.strip().splitlines())
def test_known_cells(line):
    where, row, column, data, metric, printed = (part.strip() for part in line.split("|"))
    paper, table = where.split()
    found = [n for n in published(paper, table) if (n.row, n.column, n.metric, n.data) == (row, column, metric, data)]
    assert [number.printed for number in found] == [printed]


def test_a_cell_of_several_numbers_has_no_value():
    several = [number for number in published("drdd") if number.value is None]
    assert {(number.table, number.metric) for number in several} == {
        ("9", "Para (M)"), ("9", "FLOPs (G)"), ("9", "Step"), ("9", "Latency (s)"), ("C.9", "sigma"),
    }  # fmt: skip
    assert all(number.printed for number in several)


def test_notes():
    [training] = [n for n in published("drdd", "4") if (n.row, n.column) == ("CDD-11", "Training")]
    assert (training.value, training.printed, training.note) == (20790, "20,790", "")
    place = ("DRDD (Ours)", "Average", "SSIM")
    [misprint] = [n for n in published("drdd", "8") if (n.row, n.column, n.metric) == place]
    assert (misprint.value, misprint.printed) == (0.0916, ".0916") and ".9166" in misprint.note


@pytest.mark.parametrize("table", ["1", "2", "8"])
def test_an_average_that_is_not_that_of_its_row_has_a_note(table):
    by_row = {}
    for number in published("drdd", table):
        by_row.setdefault((number.row, number.metric), {})[number.column] = number
    for place, columns in by_row.items():
        average = columns.pop("Average")
        mean = sum(number.value for number in columns.values()) / len(columns)
        digits = len(average.printed.partition(".")[2])
        wrong = abs(mean - average.value) > 10**-digits
        assert (f"the mean of the row's {place[1]} is" in average.note) == wrong, place
        if wrong:
            said = float(average.note.rsplit(" ", 1)[1])
            assert said == pytest.approx(mean, abs=6e-3 if place[1] == "FID" else 6e-5), place


def test_one_table_by_any_spelling():
    assert {number.table for number in published("drdd", "5")} == {"5(a)", "5(b)"}
    assert {number.table for number in published("noise-da", "a1")} == {"A1"}
    assert {number.table for number in published("drdd", "c.7")} == {"C.7"}


def test_what_does_not_exist_is_named():
    with pytest.raises(WorkbenchError, match="no numbers of a paper called 'x'; choose one of noise-da, drdd"):
        published("x")
    with pytest.raises(WorkbenchError, match="noise-da has no table '9' of numbers; choose one of 1, 2, 3, 4, 5, A1"):
        published("noise-da", "9")


@pytest.mark.parametrize("paper", PAPERS)
def test_the_file_is_plain(paper):
    with (resources.files(PAPERS[paper].folder) / "published.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert list(lines[0]) == ["table", "row", "column", "metric", "data", "value", "note"]
    for line in lines:
        assert line["value"] or line["note"]
        assert all(text == text.strip() for text in line.values())
