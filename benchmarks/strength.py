"""What governs the strength of the adaptation: ceiling of the diffusion weight, and how long its critic learns alone.

One domain a call: a simulated camera (``standard``, ``strong``, ``mild``, ``textured``), simulated ``rain`` or
``shake``, or ``polyu`` with --data as in real_photographs.py. A map of where to look: one seed, and the PSNR is that of
the eight pictures that training itself is validated on. Writes ``results/strength.csv``; rows of other runs stay.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import pandas as pd
import real_photographs
from study import GUARDED, RESULTS, Cell

from workbench.comparison import Grid, run_grid

CAMERAS = ("standard", "strong", "mild", "textured")
TASKS = {"rain": "derain-pocket", "shake": "deblur-pocket"}
PATH = RESULTS / "strength.csv"


def _adapted(ceiling: float, head_start: int, *settings: str) -> tuple[str, ...]:
    return (f"options.noise-space.ceiling={ceiling}", f"options.noise-space.head_start={head_start}", *settings)


CELLS = (
    Cell("vanilla", "vanilla"),
    *(Cell(f"adapted-c{ceiling}", "noise-space", _adapted(ceiling, 150)) for ceiling in (0.2, 1, 2, 5)),
    Cell("adapted-c5-h600", "noise-space", _adapted(5, 600)),
    *(Cell(f"adapted-c{ceiling}-h1200", "noise-space", _adapted(ceiling, 1200)) for ceiling in (2, 5)),
    Cell("adapted-c5-long", "noise-space", _adapted(5, 150, "training.max_steps=1200")),
    Cell(
        "adapted-c5-wide", "noise-space",
        _adapted(5, 150, "options.noise-space.diffusion={name: diffusion-pocket, widths: [32, 64, 64]}"),
    ),
    Cell("guarded-c5", "noise-space", GUARDED),
    Cell("guarded-c5-sharp", "noise-space", (*GUARDED, "options.noise-space.guard_blur=0")),
    Cell("guard-alone", "noise-space", _adapted(0, 0, "options.noise-space.guard=transplant")),
    Cell("oracle", "oracle"),
)  # fmt: skip


def rows(grid: Grid, domain: str) -> pd.DataFrame:
    """What the finished runs of a grid say of themselves."""
    found = []
    for job in grid.jobs():
        if not job.trained:
            continue
        summary = job.run.summary
        found.append(
            {
                "domain": domain,
                "cell": job.cell.name,
                "seed": job.seed,
                "target_psnr": round(summary["validation"]["target_psnr"], 3),
                "source_psnr": round(summary["validation"]["source_psnr"], 3),
                "steps": summary["steps"],
                "settings": " ".join(job.cell.settings),
                "commit": summary["provenance"]["commit"],
            }
        )
    return pd.DataFrame(found)


def arguments_of(description: str) -> argparse.ArgumentParser:
    """The arguments that choose a domain and its runs."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("domain", choices=[*CAMERAS, *TASKS, "polyu"])
    parser.add_argument("--data", type=Path, help="folder of the data sets, for polyu")
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    return parser


def grid_of(arguments: argparse.Namespace, cells: tuple[Cell, ...], study: str, *more: str) -> Grid:
    """The cells on a domain, with further settings that all share; the runs go to ``runs/STUDY-DOMAIN`` by default."""
    domain = arguments.domain
    if (domain == "polyu") != (arguments.data is not None):
        sys.exit("polyu, and polyu alone, needs --data")
    arguments.runs = arguments.runs or Path("runs") / f"{study}-{domain}"
    settings = [f"data.camera={domain}"] if domain in CAMERAS else []
    if domain == "polyu":
        settings = real_photographs.settings(arguments)
    recipe = TASKS.get(domain, "denoise-pocket")
    return Grid(recipe, cells, tuple(arguments.seeds), {}, arguments.runs, (*settings, *more))


def main() -> None:
    """Train what is missing and write the domain's rows."""
    parser = arguments_of(__doc__)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--no-training", action="store_true", help="only read the runs that are there")
    arguments = parser.parse_args()
    grid = grid_of(arguments, CELLS, PATH.stem)
    failures = run_grid(grid, arguments.processes, title=PATH.stem, train=not arguments.no_training)
    new = rows(grid, arguments.domain)
    old = pd.read_csv(PATH, dtype={"commit": str}).fillna("") if PATH.exists() else new.iloc[:0]
    pd.concat([old, new]).drop_duplicates(["domain", "cell", "seed"], keep="last").to_csv(PATH, index=False)
    for failure in failures:
        print(f"{failure.name}: {failure.reason}", file=sys.stderr)
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
