"""Noise-space domain adaptation (Liao et al., *Denoising as Adaptation*, ICLR 2025).

A conditional diffusion network predicts the noise in a clean synthetic image from two conditions: the restored
synthetic and the restored real image. Its error falls as the conditions get better, so its gradient teaches the
restorer to bring both towards the clean distribution. Channel shuffling and the residual-swapping contrast keep the
diffusion network from telling the two conditions apart. After training the diffusion network is discarded.

Where the paper leaves a choice open
------------------------------------
* The diffusion network follows its own loss and the restorer ``restoration + weight * diffusion`` (Algorithm 1). One
  backward pass does both: the gradient is multiplied by the weight where it enters the conditions. (The authors' code
  multiplies the loss, and with it the diffusion network's gradient; Adam undoes most of that.)
* The contrast takes batch means and gradients flow through both of its branches, as in the authors' code;
  ``contrast_gradient: positive`` holds the branch of the swapped residuals.
* One step updates both networks once. With ``critic_steps`` the diffusion network has several for one of the restorer,
  each with a batch of its own; with ``critic_decay`` the restorer follows the moving average of the diffusion network.
  Neither is the paper's.
* The pair of swapped residuals has a pass of its own. After some hundred steps the hinge is silent in most of them
  (docs/study.md); its gradient is then zero, and the pass is not traced back. Nor is it finished on a CPU: the hinge is
  of a mean over the batch, no sample's error is below zero, and so the samples with the least noise, whose errors are
  the largest, often show by themselves that it is silent. ``negative_pass: joined`` makes one batch of both pairs.
  ``negative_every`` above 1, which is not the paper's, looks at a silent hinge only now and then.
* Neither paper nor released code scale down a network's last layer at the start: with ``initialisation: released`` the
  first restored images are far from their inputs (docs/study.md). A warm start takes its place in the restorer.
* With a single condition (Table 4, *only syn* and *only real*) the other one is blank, so the network stays the same.

The guard, which is not the paper's
-----------------------------------
A strong diffusion loss smooths the restored target images, their texture with their noise (docs/study.md).
``guard: transplant`` works against that without any reference: what the restorer takes out of target images is put on
clean source images and must come off again (`NoiseSpaceAdaptation.guard_loss`). That is easy if it is noise. If texture
was taken out, the restorer is shown texture on texture of which one half has to stay, and learns to leave it alone.
Putting a photograph's noise on clean pictures is known from blind denoising (Chen et al., CVPR 2018). Where the noise
is what the denoiser itself takes out, and learns on to become a better one, it is self-collaboration (Lin et al., ICCV
2023; `workbench.methods.self_collaboration`), of which the guard is a relative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from workbench import nets
from workbench.data.streams import Parts
from workbench.diffusion import NoiseSchedule, shuffle_channels, swap_residuals
from workbench.methods.base import Batch, Length, Method
from workbench.methods.gradients import scale_gradient
from workbench.methods.names import TITLES
from workbench.methods.random_numbers import DIFFUSION, RandomNumbers
from workbench.methods.residuals import blurred
from workbench.objectives import diffusion_weight, noise_prediction_error, residual_swap_contrast
from workbench.probes.noise_prediction import NoisePredictor
from workbench.probes.patches import held_out_patches
from workbench.probes.reliance import reliance
from workbench.recipes import Recipe
from workbench.recipes.schema import Network, Probability, Section
from workbench.restorers.passes import evaluating

if TYPE_CHECKING:
    from workbench.data.domains import Pair

RESIDUAL_STRENGTH = (0.5, 2.0)
"""Range of the factor of the guard's residuals."""
WHOLE_EVERY = 10
"""Steps from one pass of all samples of the swapped pair to the next, so that its error is known now and then."""


def _over_processes(value: Tensor) -> Tensor:
    """The mean of a scalar over all processes, with the gradient of this process's part.

    The hinge of Eq. 3 then opens and closes for the joined batch, so several devices follow the same gradient as one.
    """
    if not torch.distributed.is_initialized():
        return value
    mean = value.detach().clone()
    torch.distributed.all_reduce(mean)
    mean /= torch.distributed.get_world_size()
    return value + (mean - value.detach())


class NoiseSpaceAdaptation(Method):
    """Trains the restorer jointly with a conditional diffusion network."""

    title: ClassVar[str] = TITLES["noise-space"]
    parts: ClassVar[Parts] = frozenset({"source", "target", DIFFUSION})

    class Options(Section):
        """Settings, named as in the paper (Sec. 3) where it names them."""

        diffusion: Network = Network(name="diffusion-pocket")
        learning_rate: float = Field(1e-3, gt=0, description="of the diffusion network")
        head_start: int = Field(150, ge=0, description="steps at the start in which the diffusion network alone learns")
        ceiling: float = Field(0.2, ge=0, description="beta of Eq. 5: the diffusion weight at the end of the ramp")
        steepness: float = Field(5.0, gt=0, description="gamma of Eq. 5")
        ramp_end: float = Field(1.0, gt=0, le=1, description="share of the training at which p of Eq. 5 reaches 1")
        margin: float = Field(0.1, ge=0, description="delta of Eq. 3")
        timesteps: tuple[int, int] = (1, 1000)
        channel_shuffle: bool = True
        residual_swap: bool = True
        conditions: Literal["both", "source", "target"] = Field("both", description="which restored images are shown")
        paired: bool = Field(True, description="noise the source's own clean image; false: the unpaired extension")
        contrast_gradient: Literal["both", "positive"] = Field(
            "both", description="branches of the contrast that gradients flow through; positive: not the negative one"
        )
        negative_pass: Literal["joined", "apart"] = Field(
            "apart",
            description="of the swapped residuals: a pass of its own, which is not traced back while the hinge is"
            " silent, and of no more samples than show it; or in one batch with the right ones: equal up to rounding"
            " but for dropout's masks",
        )
        negative_every: int = Field(
            1,
            ge=1,
            description="while the hinge is silent, the swapped residuals have a pass in every so many steps alone, and"
            " an opened hinge acts so much later; 1: in each step, as the paper",
        )
        initialisation: Literal["network", "released"] = Field(
            "network",
            description="how weights are drawn before any training: as each network does, or as in the authors' code,"
            " every convolution and linear layer of both networks, the last ones included, from a Kaiming normal"
            " distribution",
        )
        critic_steps: int = Field(1, ge=1, description="updates of the diffusion network for one of the restorer")
        critic_decay: Probability | None = Field(
            None, description="the restorer learns from the diffusion network's moving average of this decay; null: not"
        )
        guard: Literal["none", "transplant"] = Field(
            "none",
            description="what keeps a strong diffusion loss from smoothing the target's texture away; 'transplant' is"
            " this workbench's own (see the module's docstring), 'none' the paper's method",
        )
        guard_blur: float = Field(
            1.6, ge=0, le=5, description="Gaussian blur of the guard's source images, standard deviation in pixels"
        )
        symmetric_range: bool = Field(
            True, description="show the diffusion network images in [-1, 1] instead of [0, 1]"
        )

        @model_validator(mode="after")
        def _consistent(self):
            first, last = self.timesteps
            if not 1 <= first <= last <= 1000:
                raise ValueError("timesteps must be two rising numbers in 1..1000, such as [900, 1000]")
            if self.conditions != "both" and (self.channel_shuffle or self.residual_swap):
                raise ValueError(
                    "a single condition leaves nothing to swap: set channel_shuffle and residual_swap to false"
                )
            if self.negative_every > 1 and not self.residual_swap:
                raise ValueError("negative_every above 1 needs residual_swap: without it there is no negative pass")
            if not self.paired and self.residual_swap:
                raise ValueError("the unpaired extension has no residual swap: set residual_swap to false")
            return self

    def __init__(self, recipe: Recipe):
        super().__init__(recipe)
        if not self.options.paired:
            self.parts = self.parts | {"unpaired"}
        if self.options.guard != "none":
            self.parts = self.parts | {"seed"}
        self.diffusion = nets.build(self.options.diffusion.name, **self.options.diffusion.overrides)
        if self.options.initialisation == "released":
            for network in (self.restorer, self.diffusion):
                network.apply(_draw_as_released)
            self.start_from(self.restorer.state_dict())
        self.diffusion_layout = self.layout_of(self.diffusion)
        self.diffusion.to(memory_format=self.diffusion_layout)
        self._check_patch_size(self.diffusion)
        self.averaged_diffusion = None
        if self.options.critic_decay is not None:
            self.averaged_diffusion = AveragedModel(
                self.diffusion, multi_avg_fn=get_ema_multi_avg_fn(self.options.critic_decay), use_buffers=False
            ).requires_grad_(False)
        # A run that goes on must know it; one that always looks need not
        self.register_buffer("hinge_open", torch.tensor(True) if self.options.negative_every > 1 else None)
        self.noise_schedule = NoiseSchedule.linear()

    @classmethod
    def length(cls, recipe: Recipe) -> Length:
        """Steps in which the diffusion network alone learns, and in all those in which it learns."""
        given = recipe.options[recipe.method]
        return Length(given["head_start"], given["head_start"] + given["critic_steps"] * recipe.training.max_steps)

    def trains_restorer(self, step: int) -> bool:
        """After the head start, in the last of every ``critic_steps`` steps."""
        return step >= self.head_start and (step - self.head_start + 1) % self.options.critic_steps == 0

    def looks_at_hinge(self, step: int) -> bool:
        """Whether the swapped residuals have a pass: if the hinge was open, and in every ``negative_every`` steps."""
        return self.hinge_open is None or step % self.options.negative_every == 0 or bool(self.hinge_open)

    def after_update(self, step: int) -> None:
        """The diffusion network's moving average goes along as well."""
        super().after_update(step)
        if self.averaged_diffusion is not None:
            self.averaged_diffusion.update_parameters(self.diffusion)

    def extra_parameters(self) -> list[dict]:
        """The diffusion network's parameters at their own learning rate."""
        return [{"name": "diffusion", "params": list(self.diffusion.parameters()), "lr": self.options.learning_rate}]

    def weight(self, step: int) -> float:
        """Weight of the diffusion loss at a step: Eq. 5, its ramp shortened to ``ramp_end`` of the joint training."""
        length = self.options.ramp_end * (self.total_steps - self.head_start)  # what lies outside is clipped
        return diffusion_weight((step - self.head_start) / length, self.options.ceiling, self.options.steepness)

    def dials(self, step: int) -> dict[str, float]:
        """The weight of the diffusion loss."""
        return {"diffusion_weight": self.weight(step)}

    def meters(self, held_out: Mapping[str, Sequence[Pair]]) -> dict[str, float]:
        """How much the diffusion network relies on each of its conditions.

        Patches of held-out pictures are restored by the raw weights, as in training, and shown to the diffusion
        network; then one condition is replaced by that of another patch.

        Returns
        -------
        dict of str to float
            ``reliance/source_condition``, ``reliance/target_condition``: the rise of the noise-prediction error at
            t = 100, order as in training. Empty with a single condition, and where no picture of a domain is as large
            as a patch.
        """
        source, target = (held_out_patches(held_out.get(domain, ())) for domain in ("source", "target"))
        if self.options.conditions != "both" or source is None or target is None:
            return {}
        clean, degraded, photographs = (patches.to(self.device) for patches in (*source, target[1]))
        with evaluating(self.restorer, self.diffusion), torch.no_grad():
            conditions = [self.restorer(images).float() for images in (degraded, photographs)]
            table = reliance(NoisePredictor.of(self), clean, *conditions, ("other",))
        order = "shuffled" if self.options.channel_shuffle else "fixed"
        rises = table[table.order == order].set_index("condition").rise
        return {f"reliance/{condition}_condition": float(rises[condition]) for condition in ("source", "target")}

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """Restoration loss, diffusion loss and its parts; see the module's docstring."""
        joint = self.trains_restorer(step)
        with torch.set_grad_enabled(joint):
            degraded = torch.cat([batch["degraded"], batch["target"]])
            source, target = self.restorer(degraded).chunk(2)
        looks, whole = self.looks_at_hinge(step), (step + 1) % WHOLE_EVERY == 0
        losses = self.diffusion_losses(batch, source, target, self.weight(step), looks, whole)
        if self.hinge_open is not None and looks:
            self.hinge_open.fill_(losses["contrast"].item() > 0)
        if not joint:
            return {"loss": losses["diffusion"], **losses}
        losses["restoration"] = self.restoration_loss(source, batch["clean"])
        loss = losses["restoration"] + losses["diffusion"]
        if self.options.guard != "none":
            losses["guard"] = self.guard_loss(batch, target)
            loss = loss + losses["guard"]
        return {"loss": loss, **losses}

    def guard_loss(self, batch: Batch, target: Tensor) -> Tensor:
        """Restoration loss of source images that carry the residuals of target images.

        The residuals have half to twice their strength and either sign: stronger than it is taken out, noise that is
        left over is learnt to be taken out as well. The source images are blurred by ``guard_blur``, as photographs are
        softer than pictures that were shrunk: on sharp ones the restorer would learn to leave weak noise alone.

        Parameters
        ----------
        batch : dict of str to Tensor
            As in `losses`; ``clean``, ``target`` and ``seed`` are used.
        target : Tensor, shape (N, 3, H, W)
            The restored target images; no gradient flows into them.

        Returns
        -------
        Tensor, shape ()
        """
        strength, sign = RandomNumbers(batch["seed"]).uniform(2, 1, 1, 1).unbind(dim=1)
        low, high = RESIDUAL_STRENGTH
        gain = (low + (high - low) * strength) * torch.where(sign < 0.5, -1.0, 1.0)
        clean = blurred(batch["clean"], self.options.guard_blur)
        return self.restoration_loss(self.restorer(clean + gain * (batch["target"] - target.detach())), clean)

    def diffusion_losses(
        self, batch: Batch, source: Tensor, target: Tensor, weight: float, swapped: bool = True, whole: bool = True
    ) -> dict[str, Tensor]:
        """Diffusion loss of restored source and target images.

        Parameters
        ----------
        batch : dict of str to Tensor
            As in `losses`.
        source, target : Tensor, shape (N, 3, H, W)
            The restored images that serve as conditions.
        weight : float
            Factor of the gradient that reaches ``source`` and ``target``.
        swapped : bool
            Give the swapped residuals a pass; the hinge counts as silent if not.
        whole : bool
            Give it to all samples, also where fewer show that the hinge is silent.

        Returns
        -------
        dict of str to Tensor
            ``diffusion`` (the loss), ``noise_prediction`` (Eq. 1) and, with residual swapping, the ``contrast`` (Eq. 3)
            and, with a whole pass of the negative pair, its ``negative_noise_prediction``.
        """
        passed = [scale_gradient(restored, weight) for restored in (source, target)]
        if self.averaged_diffusion is None or not source.requires_grad:
            return self._errors(self.diffusion, batch, *passed, swapped, whole)
        losses = self._errors(self.diffusion, batch, source.detach(), target.detach(), swapped, whole)
        pull = self._errors(self.averaged_diffusion.module, batch, *passed, swapped, whole)["diffusion"]
        return losses | {"diffusion": losses["diffusion"] + (pull - pull.detach())}  # its gradient, not its value

    def _errors(
        self, network: nn.Module, batch: Batch, source: Tensor, target: Tensor, swapped: bool, whole: bool
    ) -> dict[str, Tensor]:
        """The losses of `diffusion_losses` with a diffusion network and conditions."""
        options, noise = self.options, batch["noise"]
        right = self._conditions(source, target, batch["swap_positive"])
        clean = self._scale(batch["clean"] if options.paired else batch["unpaired"])
        alpha_bar = self.noise_schedule.sample_alpha_bar(batch["level"], options.timesteps)
        noised = self.noise_schedule.add_noise(clean, noise, alpha_bar)
        joined = options.negative_pass == "joined"
        if not (options.residual_swap and swapped):
            error = noise_prediction_error(noise, self._passed(network, noised, right, alpha_bar))
            if not options.residual_swap:
                return {"diffusion": error, "noise_prediction": error}
            return {"diffusion": 0.5 * error, "noise_prediction": error, "contrast": torch.zeros_like(error)}
        wrong = swap_residuals(batch["degraded"], source, batch["target"], target)
        wrong = self._conditions(*wrong, batch["swap_negative"])
        if joined:
            both = (torch.cat(pair) for pair in ((noised, noised), (right, wrong), (alpha_bar, alpha_bar)))
            positive, negative = self._passed(network, *both).chunk(2)
            error = noise_prediction_error(noise, positive)
        else:
            positive = self._passed(network, noised, right, alpha_bar)
            error = noise_prediction_error(noise, positive)
            order = alpha_bar.argsort(descending=True)  # the least noise, whose errors are the largest, comes first
            noise, positive = noise[order], positive[order]
            whole = whole or noise.is_cuda or self.recipe.training.compile  # a device would have to be waited for
            negative = self._swapped(network, noised[order], wrong[order], alpha_bar[order], noise, error, whole)
            if negative is None:
                return {"diffusion": 0.5 * error, "noise_prediction": error, "contrast": torch.zeros_like(error)}
        other = negative if options.contrast_gradient == "both" else negative.detach()
        contrast = residual_swap_contrast(noise, positive, other, options.margin, over_batch=_over_processes)
        if not joined and contrast.item() == 0:
            contrast = contrast.detach()  # its gradient is exactly zero: the pass need not be traced back
        losses = {"diffusion": 0.5 * (error + contrast), "noise_prediction": error, "contrast": contrast}
        return losses | ({"negative_noise_prediction": noise_prediction_error(noise, negative)} if whole else {})

    def _swapped(
        self, network: nn.Module, noised: Tensor, wrong: Tensor, alpha_bar: Tensor, noise: Tensor, error: Tensor,
        whole: bool,
    ) -> Tensor | None:  # fmt: skip
        """The noise predicted under the swapped residuals; None once it is known that the hinge is silent.

        No sample's error is below zero, so that of the first samples, divided by the number of all, is the least that
        the mean over the batch can be. Unless all are asked for they come in parts: a quarter, as many again, the rest.
        """
        count, predicted, least = len(noised), [], 0.0
        parts = [count] if whole else sorted({-(-count // 4), -(-count // 2), count})
        for first, end in pairwise((0, *parts)):
            part = slice(first, end)
            predicted.append(self._passed(network, noised[part], wrong[part], alpha_bar[part]))
            least = least + (predicted[-1].detach() - noise[part]).square().sum() / noise.numel()
            if end < count and _over_processes(error.detach() - least) + self.options.margin <= 0:
                return None
        return torch.cat(predicted)

    def _passed(self, network: nn.Module, noised: Tensor, conditions: Tensor, alpha_bar: Tensor) -> Tensor:
        """The noise predicted under conditions."""
        layout = self.diffusion_layout
        images = (each.contiguous(memory_format=layout) for each in (noised, conditions))
        return network(*images, alpha_bar).float()

    def _conditions(self, source: Tensor, target: Tensor, swap: Tensor) -> Tensor:
        if self.options.conditions == "source":
            target = torch.zeros_like(target)
        elif self.options.conditions == "target":
            source = torch.zeros_like(source)
        if not self.options.channel_shuffle:
            swap = torch.zeros_like(swap)
        return self._scale(shuffle_channels(source, target, swap))

    def _scale(self, images: Tensor) -> Tensor:
        return 2.0 * images - 1.0 if self.options.symmetric_range else images


def _draw_as_released(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
