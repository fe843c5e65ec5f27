"""What tests of the app share."""

import json
import pickle
import socket
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from torch.utils.tensorboard import SummaryWriter

from apps import restorers
from workbench.images import write_png
from workbench.nets import build
from workbench.recipes import load_recipe, save_recipe
from workbench.restorers import Restorer, save_restorer

NETWORK = {"name": "unet-pocket", "width": 4, "depth": 2}
PAIR = list(restorers.DEMO_PAIR)
PATIENT = {"timeout": 120}
"""Machines may be busy; a test that passes does not wait for it."""


def write_run(runs: Path, name: str, method: str, seed: int, status: str = "finished") -> Path:
    folder = runs / name
    folder.mkdir(parents=True)
    save_recipe(load_recipe("denoise-pocket", method=method, seed=seed), folder / "recipe.yaml")
    (folder / "summary.json").write_text(json.dumps({"status": status}))
    torch.manual_seed(seed)
    provenance = {"recipe": "denoise-pocket", "method": method, "seed": seed // 2}  # a pair is of one seed
    save_restorer(folder / "restorer.safetensors", Restorer.of(build(**NETWORK), NETWORK), provenance=provenance)
    return folder


def log_run(run_folder, steps, pictures=(), name="loss/total"):
    with SummaryWriter(run_folder / "events") as writer:
        for step in steps:
            writer.add_scalar(name, 1 / step, step)
            writer.add_scalar("time/seconds_per_step", 0.05, step)
        for step in pictures:
            writer.add_image("target/cat", np.full((8, 8, 3), step, np.uint8), step, dataformats="HWC")


def measure(run_folder, psnr):
    (run_folder / "evaluations").mkdir()
    report = {
        "images": [{"name": "a"}], "failed": [], "mean": {"psnr": psnr, "ssim": 0.5, "lpips": None},
        "input_mean": {"psnr": 20.0, "ssim": 0.4, "lpips": None},
    }  # fmt: skip
    data = {"name": "simulated camera", "place": "simulated-camera", "data_set": None, "size": 1}
    record = {"format": 1, "date": "2026-01-01", "protocol": "rgb", "data": data, "provenance": {}, "report": report}
    (run_folder / "evaluations" / "simulated-camera-rgb.json").write_text(json.dumps(record))


def bad_image(kind: str, folder: Path) -> Path:
    path = folder / f"{kind}.png"
    if kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("this is not an image")
    elif kind == "pickle":
        path.write_bytes(pickle.dumps({"a": 1}))
    elif kind == "half":
        write_png(path, np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "bomb":
        header = b"IHDR" + struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
        parts = (header, b"IDAT" + zlib.compress(bytes(1000)), b"IEND")
        chunks = (struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in parts)
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def watch(page, address: str) -> list[str]:
    """What goes wrong on a browser's page from now on: in its console, in answers, or by asking another host."""
    problems = []
    page.on("console", lambda message: message.type == "error" and problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("response", lambda answer: answer.status >= 400 and problems.append(f"{answer.status} {answer.url}"))
    page.on(
        "request",
        lambda request: request.url.startswith((address, "data:", "blob:")) or problems.append(request.url),
    )
    return problems
