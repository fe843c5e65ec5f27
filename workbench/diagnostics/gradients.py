"""How the two losses of noise-space adaptation pull at the restorer."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import default_collate

from workbench.data.domains import training_stream
from workbench.data.streams import PatchStream
from workbench.diagnostics.held_out import ProbeImages, restore_both
from workbench.methods import NoiseSpaceAdaptation
from workbench.methods.base import Batch
from workbench.probes.spectra import CUTOFF, high_band, project_high_band, spectrum
from workbench.recipes import Recipe
from workbench.runs.folder import Run


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
        Such as from `workbench.runs.Run.method`.
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
        "restoration": _on_parameters(method, method.restoration_loss(source, batch["clean"]), None),
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


def target_pull(
    method: NoiseSpaceAdaptation, images: ProbeImages, draws: int = 8, cutoff: float = CUTOFF, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """How fast a descent along the diffusion loss takes detail, and noise, out of the restored target images.

    The high band of a restored image is split into its reference's and the rest (`detail_and_noise`), and the negative
    gradient is projected on both: a diffusion network that can tell them apart shrinks the second faster.

    Parameters
    ----------
    method : NoiseSpaceAdaptation
    images : ProbeImages
        With the target's references, which training never sees.
    draws : int
        Noises, timesteps and shuffles that the gradient is averaged over.
    cutoff : float
        Cycles a pixel.
    seed : int
        Of the draws.

    Returns
    -------
    detail, noise : Tensor, shape (N,)
        Share of the part that a step of size 1 along each image's own diffusion loss, of weight 1, takes away;
        below zero it would grow.
    """
    source, target = restore_both(method, images)
    generator, count = torch.Generator().manual_seed(seed), len(target)
    pull = torch.zeros_like(target)
    for _ in range(draws):
        leaf = target.clone().requires_grad_()
        batch = {
            "clean": images.clean, "degraded": images.degraded, "target": images.target,
            "unpaired": images.clean.roll(1, dims=0),
            "noise": torch.randn(target.shape, generator=generator),
            "level": torch.rand(count, generator=generator, dtype=torch.float64),
            "swap_positive": torch.rand(count, generator=generator) < 0.5,
            "swap_negative": torch.rand(count, generator=generator) < 0.5,
        }  # fmt: skip
        loss = method.diffusion_losses(batch, source, leaf, 1.0)["diffusion"]
        pull -= torch.autograd.grad(loss * count, leaf)[0] / draws  # the loss is a mean over the batch
    coefficient, noise, band = project_high_band(target, images.reference, cutoff)
    detail, pull = coefficient[:, None] * band, high_band(pull, cutoff)
    return tuple(-(pull * part).sum(dim=1) / part.square().sum(dim=1) for part in (detail, noise))


def _restore(method: NoiseSpaceAdaptation, batch: Batch) -> tuple[Tensor, Tensor]:
    source, target = method.restorer(torch.cat([batch["degraded"], batch["target"]])).chunk(2)
    return source, target


def _on_parameters(method: NoiseSpaceAdaptation, output: Tensor, pull: Tensor | None) -> Tensor:
    """One vector with the gradient of ``output``, weighted with ``pull``, on the restorer's parameters."""
    gradients = torch.autograd.grad(output, list(method.restorer.parameters()), pull, retain_graph=True)
    return torch.cat([gradient.flatten() for gradient in gradients])
