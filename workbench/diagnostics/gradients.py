"""How the two losses of noise-space adaptation pull at the restorer."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import default_collate

from workbench.data.domains import training_stream
from workbench.data.streams import PatchStream
from workbench.diagnostics.spectra import spectrum
from workbench.methods import NoiseSpaceAdaptation
from workbench.methods.base import Batch
from workbench.objectives import charbonnier
from workbench.recipes import Recipe
from workbench.training import Run


def training_batch(run: Run | Recipe, method: NoiseSpaceAdaptation, step: int) -> Batch:
    """The batch that training sees at a step (counted from 0, head start included).

    Parameters
    ----------
    run : Run or Recipe
    method : Method
        Says which parts a sample has.
    step : int
    """
    recipe = run.recipe if isinstance(run, Run) else run
    stream = training_stream(recipe.data, method.parts, recipe.training.patch_size, recipe.seed)
    return stream_batch(stream, recipe.training.batch_size, step)


def stream_batch(stream: PatchStream, batch_size: int, step: int) -> Batch:
    """A step's batch of a stream that is there already; making one for a simulated target takes seconds."""
    return default_collate([stream[index] for index in range(step * batch_size, (step + 1) * batch_size)])


def gradient_shares(method: NoiseSpaceAdaptation, batch: Batch, step: int) -> dict[str, float]:
    """Gradients of the restoration loss and of the weighted diffusion loss on the restorer's parameters.

    The diffusion loss reaches the restorer by two paths, the restored source and the restored target images; its
    gradient is their sum.

    Parameters
    ----------
    method : NoiseSpaceAdaptation
        Such as from `workbench.training.Run.method`.
    batch : dict of str to Tensor
        As in training; see `training_batch`.
    step : int
        Decides the weight of the diffusion loss.

    Returns
    -------
    dict of str to float
        Norms ``restoration``, ``diffusion_source``, ``diffusion_target`` and ``diffusion`` (of the sum); ``share``, the
        diffusion loss's part in the sum of the two losses' norms; ``cosine`` between the two losses' gradients, and
        ``weight``, the factor of the diffusion loss, which the norms contain.
    """
    source, target = _restore(method, batch)
    weight = method.weight(step)
    leaves = [restored.detach().requires_grad_() for restored in (source, target)]
    diffusion = method.diffusion_losses(batch, *leaves, weight)["diffusion"]
    pulls = torch.autograd.grad(diffusion, leaves)
    vectors = {
        "restoration": _on_parameters(method, charbonnier(source, batch["clean"]), None),
        "diffusion_source": _on_parameters(method, source, pulls[0]),
        "diffusion_target": _on_parameters(method, target, pulls[1]),
    }
    vectors["diffusion"] = vectors["diffusion_source"] + vectors["diffusion_target"]
    norms = {name: float(vector.norm()) for name, vector in vectors.items()}
    both = norms["restoration"] + norms["diffusion"]
    product = norms["restoration"] * norms["diffusion"]
    dot = float(vectors["restoration"] @ vectors["diffusion"])
    return {
        **norms,
        "share": norms["diffusion"] / both if both else 0.0,
        "cosine": dot / product if product else 0.0,
        "weight": weight,
    }


def target_gradient_spectrum(
    method: NoiseSpaceAdaptation, batch: Batch, step: int | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """At which frequencies the diffusion loss changes the restored target images.

    Parameters
    ----------
    method, batch
        As in `gradient_shares`.
    step : int, optional
        Decides the weight of the diffusion loss; by default the weight is 1.

    Returns
    -------
    frequency : Tensor, shape (F,)
        Cycles a pixel.
    gradient : Tensor, shape (F,)
        Power density of the gradient of the *sum* over the batch of each image's diffusion loss, mean over images.
    images : Tensor, shape (F,)
        That of the restored target images.
    """
    with torch.no_grad():
        source, target = _restore(method, batch)
    leaf = target.detach().requires_grad_()
    weight = 1.0 if step is None else method.weight(step)
    loss = method.diffusion_losses(batch, source, leaf, weight)["diffusion"]
    (gradient,) = torch.autograd.grad(loss * len(leaf), leaf)  # the loss is a mean over the batch
    frequency, power = spectrum(gradient)
    return frequency, power.mean(dim=0), spectrum(target)[1].mean(dim=0)


def _restore(method: NoiseSpaceAdaptation, batch: Batch) -> tuple[Tensor, Tensor]:
    source, target = method.restorer(torch.cat([batch["degraded"], batch["target"]])).chunk(2)
    return source, target


def _on_parameters(method: NoiseSpaceAdaptation, output: Tensor, pull: Tensor | None) -> Tensor:
    """One vector with the gradient of ``output``, weighted with ``pull``, on the restorer's parameters."""
    gradients = torch.autograd.grad(output, list(method.restorer.parameters()), pull, retain_graph=True)
    return torch.cat([gradient.flatten() for gradient in gradients])
