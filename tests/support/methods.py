"""Methods, small enough to take a step in no time: their recipes, batches and gradients."""

import numpy as np
import torch

from support import TINY
from workbench.data.domains import training_stream
from workbench.data.streams import step_batches
from workbench.images import write_png
from workbench.methods import METHODS
from workbench.recipes import load_recipe

# Networks of the methods' own, beside or instead of the restorer.
_PER_IMAGE = "steps: 2, width: 4, levels: 2, hidden: 8, kernel_size: 5"
_TIMED = "{name: drdd-pocket, widths: [16]}"
SMALL = {
    "dann": ["width=4"],
    "dsn": ["width=4", "similarity_after=0"],
    "pixelda": ["width=4", "blocks=1", "critic_layers=1"],
    "cycada": ["width=4", "blocks=1", "critic_layers=1"],
    "c2n": ["head_start=1"],
    "self-collaboration": ["period=2"],
    "condition-quality": ["diffusion={name: diffusion-pocket, widths: [4, 8, 8]}"],
    "selfdeblur": [f"network={{name: selfdeblur, {_PER_IMAGE}}}"],
    "vdip": [f"network={{name: vdip, {_PER_IMAGE}}}"],
    **{method: [f"network={_TIMED}"] for method in ("drdd", "entangled", "rddm", "ir-sde", "de-irsde", "direct")},
}
RECIPES = {"deraining": "derain-pocket", "deblurring": "deblur-pocket"}
FROM_ZERO = ("diffusion.last.weight", "restorer.last.weight")


def small_recipe(method, *settings):
    """A recipe of a task that the method is for, with tiny networks; ``settings`` have the last word."""
    tasks, restores = METHODS[method].tasks, METHODS[method].restores
    name = "denoise-pocket" if "denoising" in tasks else RECIPES[sorted(tasks)[0]]
    name = name if restores else f"{method}-pocket"
    tiny = [setting for setting in TINY if restores or not setting.startswith(("restorer.", "options."))]
    own = [f"options.{method}.{setting}" for setting in SMALL.get(method, ())]
    return load_recipe(name, [*tiny, *own, *settings], method=method)


def write_pairs(folder, count=3, shape=(20, 24)):
    """Pairs of pictures little larger than a patch, whose domain is there at once."""
    rng = np.random.default_rng(0)
    for index in range(count):
        clean = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        for side, image in (("target", clean), ("input", clean // 2)):
            (folder / side).mkdir(exist_ok=True)
            write_png(folder / side / f"{index}.png", image)
    return folder


def on_pairs(folder):
    """The settings that take all pictures from such a folder."""
    places = {"source": f"{folder}/target", "target": folder, "validation": folder}
    places["source_validation"] = folder
    return [f"data.{key}={place}" for key, place in places.items()]


def build(method, *settings, awake=FROM_ZERO):
    """The method with fresh weights; layers that start at zero let more than a trickle of gradient through."""
    torch.manual_seed(0)
    module = METHODS[method](small_recipe(method, *settings))
    for name, parameter in module.named_parameters():
        if name in awake:
            torch.nn.init.normal_(parameter, std=0.1)
    return module


def batch_of(module, size=4):
    """The first samples of the method's own training."""
    stream = training_stream(module.recipe.data, module.parts, module.recipe.training.patch_size, seed=0)
    return next(iter(step_batches(stream, size)))


def gradients(network):
    """What a backward pass has left, as one vector; zeros where it did not reach."""
    return torch.cat(
        [torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in network.parameters()]
    )


def descend(module, steps, learning_rate, size=4):
    """The losses of some steps on one batch, each network at the same learning rate."""
    optimizer = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], lr=learning_rate)
    batch, history = batch_of(module, size), {}
    for step in range(steps):
        optimizer.zero_grad()
        losses = module.losses(batch, step)
        losses["loss"].backward()
        optimizer.step()
        for name, value in losses.items():
            history.setdefault(name, []).append(value.item())
    return history
