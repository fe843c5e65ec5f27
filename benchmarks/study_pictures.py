"""One held-out picture by the runs of a study, side by side: `python benchmarks/study_pictures.py STUDY`.

``controls-camera``, ``rivals-DOMAIN``: a picture by every method. Unless they are given, the picture is the one whose
input has the median PSNR, and in it the square, of those that lie a quarter of its side apart, where the input is
furthest from the reference; the page has ``controls-camera --picture 2 --crop 136 40 112``.
``desk-non-local``, ``desk-night``: picture and part are chosen by a rule. Of CC, which no training saw, or of the
held-out pictures of the night camera the one whose input is furthest from its reference (lowest PSNR), and in it the
square whose reference has the median variance of brightness: neither the flattest nor the busiest.
``desk-non-local --longer``: what a guarded training of three times the length spoils, in the photograph of PolyU that
it loses most on the square where it is furthest from the shorter one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from skimage.color import rgb2gray

from workbench.data.collections import read_pairs
from workbench.data.domains import Pair, existing_folder, simulated_split, validation_pairs
from workbench.evaluation.metrics import psnr
from workbench.figures import save_figure, side_by_side, views_of
from workbench.images import to_float
from workbench.recipes import load_recipe
from workbench.recipes.schema import Data
from workbench.restorers import Restorer, load_restorer
from workbench.studies import Study, load_study

FIGURES = Path(__file__).parents[1] / "docs" / "figures"
DESK = {
    "desk-non-local": ("CC", "CC, {}, never trained on", "desk"),
    "desk-night": ("night", "Simulated night camera, held-out picture {}", "desk-night"),
}
"""A test of each of the desk's studies, how its picture is told, and the figure's name."""
DESK_CELLS = {"vanilla": "vanilla", "guarded, on synthesis": "synthesis+guarded"}
"""Cells of the desk's studies by what the picture calls them."""
LONGER = ("synthesis+guarded", "synthesis+guarded-longer")
DESK_SIDE = 160
RIVALS_SIDE = 112
RIVALS = ("rivals-rain", "rivals-shake", "rivals-rain-photographs", "rivals-shake-photographs")
COLUMNS = 6
BESIDE = ("vanilla", "vanilla-early", "adapted", "guard-alone", "guarded", "guarded-c1", "guarded-c5", "oracle")
"""Rows that stand beside those of the methods."""


def pairs_at(location: str, data: Data) -> Iterable[Pair]:
    """Those of a test set; ``data`` says what a simulated camera is like."""
    if simulated_split(location) is not None:
        return validation_pairs(data.model_copy(update={"validation": location}))
    degraded, clean = read_pairs(existing_folder(location))
    return (Pair(name, degraded[place], clean[place]) for place, name in enumerate(degraded.names))


def noisiest(pairs: Iterable[Pair]) -> Pair:
    """The pair of lowest PSNR."""
    return min(pairs, key=lambda pair: psnr(to_float(pair.degraded), to_float(pair.reference), 1.0))


def squares(shape: Sequence[int], side: int) -> Iterable[tuple[int, int]]:
    """Top and left of squares that lie a quarter of their side apart."""
    return product(*(range(0, each - side + 1, side // 4) for each in shape[:2]))


def median_square(reference: np.ndarray, side: int) -> tuple[int, int]:
    """Top and left of the square of median variance of brightness."""
    grey = rgb2gray(reference)
    places = sorted(squares(grey.shape, side), key=lambda at: grey[at[0] : at[0] + side, at[1] : at[1] + side].var())
    return places[len(places) // 2]


def furthest_square(first: np.ndarray, second: np.ndarray, side: int) -> tuple[int, int]:
    """Top and left of the square where two images of range [0, 1] are furthest apart."""
    apart = (first - second) ** 2
    return max(squares(apart.shape, side), key=lambda at: apart[at[0] : at[0] + side, at[1] : at[1] + side].sum())


def drawn(pair: Pair, restorers: Mapping[str, Restorer], text: str, top: int, left: int, side: int, **how) -> Figure:
    """A square of a pair by restorers."""
    height, width = pair.reference.shape[:2]
    across, down = left / (width - side), top / (height - side)
    return side_by_side({pair.name: views_of(pair, restorers)}, text, across, down, side, whole=True, **how)


def of_desk(trained: Mapping[str, Restorer], pairs: Iterable[Pair], told: str, seed: int) -> Figure:
    """The noisiest photograph by non-local means and two of the desk's runs; ``told`` with a place for its name."""
    pair = noisiest(pairs)
    restorers = {"non-local means": load_restorer("nlm")[0]} | {
        title: trained[cell] for title, cell in DESK_CELLS.items()
    }
    text = f"{told.format(pair.name)}; seed {seed}; PSNR of the whole picture."
    return drawn(pair, restorers, text, *median_square(pair.reference, DESK_SIDE), DESK_SIDE, inches=2.4)


def of_longer(trained: Mapping[str, Restorer], pairs: Iterable[Pair], seed: int) -> Figure:
    """The photograph that the longer guarded training loses most on."""
    shorter, longer, side = trained[LONGER[0]], trained[LONGER[1]], DESK_SIDE

    def lost(pair: Pair) -> float:
        degraded, clean = to_float(pair.degraded), to_float(pair.reference)
        return psnr(shorter.restore(degraded), clean, 1.0) - psnr(longer.restore(degraded), clean, 1.0)

    pair = max(pairs, key=lost)
    degraded = to_float(pair.degraded)
    top, left = furthest_square(shorter.restore(degraded), longer.restore(degraded), side)
    restorers = {"guarded": shorter, "three times as long": longer, "oracle": trained["oracle"]}
    text = f"PolyU, {pair.name}; seed {seed}; PSNR of the whole picture."
    return drawn(pair, restorers, text, top, left, side, inches=2.4)


def of_rivals(
    trained: Mapping[str, Restorer],
    study: Study,
    pairs: Sequence[Pair],
    number: int | None,
    crop: Sequence[int] | None,
    seed: int,
) -> Figure:
    """A test picture of a domain by all that is trained."""
    closeness = [psnr(to_float(pair.degraded), to_float(pair.reference), 1.0) for pair in pairs]
    pair = pairs[sorted(range(len(pairs)), key=closeness.__getitem__)[len(pairs) // 2] if number is None else number]
    crop = crop or (*furthest_square(to_float(pair.degraded), to_float(pair.reference), RIVALS_SIDE), RIVALS_SIDE)
    (test, *_) = study.tests
    text = f"{test.capitalize()}, held-out picture {pair.name}, seed {seed}; PSNR of the whole picture."
    methods = {name: each for name, each in trained.items() if name in BESIDE or name == study.cells[name].method}
    return drawn(pair, methods, text, *crop, columns=COLUMNS, inches=2.4)


def main() -> None:
    """Write the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=(*DESK, "controls-camera", *RIVALS))
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longer", action="store_true", help="of desk-non-local: what too long a training spoils")
    parser.add_argument("--picture", type=int, help="of rivals: which of the held-out pictures")
    parser.add_argument("--crop", type=int, nargs=3, help="of rivals: top, left, side")
    given = parser.parse_args()
    study = load_study(given.study).only(seeds=(given.seed,))
    grid = study.grid(given.runs or Path("runs") / study.name)
    trained = {job.cell.name: job.run.restorer() for job in grid.jobs() if job.trained}
    if not trained or study.name in DESK and not trained.keys() >= set(DESK_CELLS.values()):
        parser.error(f"{grid.runs}: the runs are not there; `workbench study {study.name}` trains them")
    name, data = study.name, load_recipe(study.recipe, grid.settings).data
    if study.name in DESK:
        test, told, name = DESK[study.name]
        if given.longer:
            name, figure = "desk-longer", of_longer(trained, pairs_at(grid.tests["PolyU"], data), given.seed)
        else:
            figure = of_desk(trained, pairs_at(grid.tests[test], data), told, given.seed)
    else:
        pairs = list(pairs_at(next(iter(grid.tests.values())), data))
        figure = of_rivals(trained, study, pairs, given.picture, given.crop, given.seed)
    save_figure(figure, FIGURES / f"{name}.jpg", dpi=130)


if __name__ == "__main__":
    main()
