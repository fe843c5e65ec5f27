"""All that is measured on a GPU, in order and within a time: `workbench bench gpu`."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from workbench.files import make_folder

MINUTES = 40


@dataclass(frozen=True)
class Part:
    """A command of the plan.

    Attributes
    ----------
    title : str
    arguments : tuple of str
        Of `workbench`.
    minutes : float
        After which it is stopped, so that what comes after it has its turn.
    """

    title: str
    arguments: tuple[str, ...]
    minutes: float

    def __str__(self) -> str:
        return f"{self.title} (at most {self.minutes:g} min)\n  workbench {shlex.join(self.arguments)}"


def plan(output: Path, device: str = "cuda") -> list[Part]:
    """What is run: first whether all works, then how fast it is, then the bench recipes over three seeds."""
    bench = ("bench", "--device", device, "--output", str(output))
    compare = ("compare", "--scale", "bench", "--methods", "noise-space", "--seeds", "0,1,2", "--processes", "1")
    runs = ("--runs", str(output / "runs"))
    return [
        Part("every method and restorer, fp32 and bf16", (*bench, "smoke"), 8),
        Part("training steps, compiled too", (*bench, "step", "--compile", "--scales", "pocket,bench,paper"), 6),
        Part("pictures", (*bench, "restore", "--megapixels", "0.25,2,12"), 3),
        Part("denoising over three seeds", (*compare, *runs, "denoise", "--set", "training.precision=bf16-mixed"), 15),
        Part("deraining over three seeds", (*compare, *runs, "derain", "--set", "training.precision=bf16-mixed"), 8),
    ]


def run_plan(parts: list[Part], output: Path) -> list[dict[str, str]]:
    """Run the parts one after the other; what fails or takes too long does not stop the others.

    Returns
    -------
    list of dict
        ``{"name", "reason"}`` of each part that failed. What a part printed is in ``NUMBER.log`` in the folder.
    """
    make_folder(output)
    failed = []
    for number, part in enumerate(parts, 1):
        print(f"{number}/{len(parts)} {part}", flush=True)
        begin, log = time.monotonic(), output / f"{number}.log"
        with log.open("w") as file:
            command = [sys.executable, "-m", "workbench", *part.arguments]
            process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
            try:
                status = process.wait(60 * part.minutes)
                reason = f"ended with status {status}; see {log}" if status else None
            except subprocess.TimeoutExpired:
                reason = f"stopped after {part.minutes:g} minutes; see {log}, and call it by itself to go on"
            finally:
                process.terminate()  # a training writes its checkpoint
                process.wait()
        print(f"  {(time.monotonic() - begin) / 60:.1f} min{f', {reason}' if reason else ''}", flush=True)
        if reason:
            failed.append({"name": part.title, "reason": reason})
    return failed
