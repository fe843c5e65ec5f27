"""What each part of decoupled residual diffusion adds or costs, rung by rung (docs/drdd.md).

``python benchmarks/drdd_ladder.py denoise|derain [--steps N] [--seed N]`` trains the rungs that are not there yet,
restores the held-out photographs of the recipe's source and writes ``results/drdd_ladder.csv``; rows of other tasks,
lengths and seeds stay. All rungs have the same network, patches, rates and steps a network, so that a second stage
doubles the cost of the training; ``direct-2x`` is trained for twice the steps instead.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.data.domains import Pair, source_validation_pairs
from workbench.evaluation.lpips import Lpips
from workbench.evaluation.metrics import psnr, ssim
from workbench.images import to_float
from workbench.recipes import load_recipe
from workbench.restorers import Restorer
from workbench.restorers.assembling import assemble
from workbench.runs import Run
from workbench.training import fit

RESULTS = Path(__file__).parent / "results"
LEVELS = (1.0, 0.1)
STEPS = (1, 2)
PATH = RESULTS / "drdd_ladder.csv"
BRIEF = ("training.validate_every=100000", "data.validation_images=1")
"""The pictures are restored at the end, here; validations on the way would cost more than the training."""


def measured(restorer: Restorer | None, pairs: list[Pair], lpips) -> dict[str, float]:
    """Means over pictures, of restored ones clipped to [0, 1]."""
    scores = []
    for pair in pairs:
        degraded, reference = to_float(pair.degraded), to_float(pair.reference)
        restored = (restorer.restore(degraded) if restorer else degraded).clip(0, 1)
        scores.append((psnr(restored, reference, 1.0), ssim(restored, reference, 1.0), lpips(restored, reference)))
    return dict(zip(("psnr", "ssim", "lpips"), np.mean(scores, axis=0).round(4).tolist(), strict=True))


class Ladder:
    """The runs of one task and seed, trained when they are asked for."""

    def __init__(self, task: str, steps: int, seed: int, runs: Path):
        self.task, self.steps, self.seed, self.runs = task, steps, seed, runs
        self.commits: list[str] = []

    def run(self, method: str, *settings: str, name: str) -> Run:
        """A finished run of a method of the task's recipe."""
        length = f"training.max_steps={self.steps}"
        recipe = load_recipe(f"drdd-{self.task}-pocket", [length, *BRIEF, *settings], method=method, seed=self.seed)
        name = f"{name}-{self.steps}-s{self.seed}"
        run = fit(recipe, self.runs, name, resume=(self.runs / name).exists())
        self.commits.append(run.summary["provenance"]["commit"])
        return run

    def stage(self, stage: str, level: float, sees: str = "input") -> Run:
        """A run of one stage of DRDD; one that sees clean pictures alone is the same for every task."""
        of = "clean" if (stage, sees) == ("noise", "target") else self.task
        settings = (f"options.drdd.stages={stage}", f"options.drdd.level={level}", f"options.drdd.sees={sees}")
        if of == "clean":
            clean = Ladder("denoise", self.steps, self.seed, self.runs)
            return clean.run("drdd", *settings, name=f"clean-noise-{level}")
        return self.run("drdd", *settings, name=f"{of}-{stage}-{sees}-{level}")

    def rungs(self):
        """Name, level, steps a stage and restorer of each rung."""
        yield "input", None, None, None
        yield "direct", None, None, self.run("direct", name=f"{self.task}-direct").restorer()
        for level in LEVELS:
            residual = self.stage("residual", level).restorer()
            stages = {"second stage on targets alone": "target", "second stage sees the input": "input"}
            for steps in STEPS:
                chosen = residual.with_options({"residual_steps": steps})
                yield "subtract the known noise", level, steps, chosen
                for rung, sees in stages.items():
                    noise = self.stage("noise", level, sees).restorer().with_options({"noise_steps": steps})
                    yield rung, level, steps, assemble(chosen, noise)
        twice = self.run("direct", f"training.max_steps={2 * self.steps}", name=f"{self.task}-direct-2x")
        yield "direct-2x", None, None, twice.restorer()


def main() -> None:
    """Train, measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["denoise", "derain"])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, default=Path("runs/drdd-ladder"))
    arguments = parser.parse_args()
    lpips = Lpips.load()
    ladder = Ladder(arguments.task, arguments.steps, arguments.seed, arguments.runs)
    pairs = source_validation_pairs(load_recipe(f"drdd-{arguments.task}-pocket").data)
    rows, before = [], pd.read_csv(PATH) if PATH.exists() else None
    for rung, level, steps, restorer in ladder.rungs():
        rows.append(
            {
                "task": arguments.task, "rung": rung, "level": level, "steps_a_stage": steps,
                "passes": restorer.procedure.passes if restorer else None, "steps": arguments.steps,
                "seed": arguments.seed, "pictures": len(pairs), **measured(restorer, pairs, lpips),
                "commit": " ".join(sorted(set(ladder.commits))),
            }
        )  # fmt: skip
        print(rows[-1], flush=True)
        _write(pd.DataFrame(rows), before)  # at once: a ladder that is stopped has its first rungs


def _write(table: pd.DataFrame, before: pd.DataFrame | None) -> None:
    if before is not None:
        same = ["task", "steps", "seed"]
        mine = (before[same] == table[same].iloc[0]).all(axis=1)
        table = pd.concat([before[~mine], table])
    table.to_csv(PATH, index=False)


if __name__ == "__main__":
    main()
