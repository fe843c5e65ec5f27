"""What all training methods share: the restorer, its moving average and its optimiser."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from workbench import nets
from workbench.data.streams import Parts
from workbench.devices import training_device
from workbench.errors import WorkbenchError
from workbench.methods.own_network import with_own_network
from workbench.methods.restoration_loss import RestorationLoss
from workbench.recipes import Recipe, one_line
from workbench.recipes.schema import TASKS, Data, Section
from workbench.restorers import Restorer, kind_of

if TYPE_CHECKING:
    from workbench.data.domains import Pair

Batch = dict[str, Tensor]


WARM_START = "warm_start"
TRAIN_AGAIN = (
    "the last checkpoint is kept; train anew with --set and a lower training.learning_rate, a training.gradient_clip"
    " or a lower weight of the loss that grew"
)


class Length(NamedTuple):
    """Steps of a training."""

    head_start: int
    """At the start, in which the restorer is left as it is."""
    total: int
    """In all, the head start included."""


class Diverged(WorkbenchError):
    """The training loss is no longer a finite number."""


def all_finite(network: nn.Module) -> bool:
    """Whether every parameter of a network is a finite number."""
    return all(torch.isfinite(parameter).all() for parameter in network.parameters())


def _lay_out_moments(optimizer: torch.optim.Optimizer) -> None:
    """Lay out the moments as their parameters: those of a checkpoint may be of a run in another memory layout.

    Fused Adam takes the elements in the order in which they lie in memory, and does not look whether that is the same.
    """
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if value.shape == parameter.shape and value.stride() != parameter.stride():
                state[name] = torch.empty_like(parameter).copy_(value)


class Method(nn.Module):
    """Base of all methods: trains ``self.restorer`` by the loss that a subclass defines.

    A subclass says which parts of a sample it needs (`parts`, see `workbench.data.streams.PatchStream`) and computes
    its losses (`losses`). Further networks it trains are named in `extra_parameters`.

    Parameters
    ----------
    recipe : Recipe
    """

    parts: ClassVar[Parts] = frozenset({"source"})
    tasks: ClassVar[frozenset[str]] = TASKS
    """The tasks (``task`` of a recipe) that the method is for."""
    restores: ClassVar[bool] = True
    """Whether what it trains restores pictures; if not, nothing is compared with it."""
    trains: ClassVar[bool] = True
    """Whether there is anything to train; if not, a run writes the restorer out as it is built."""
    brings_network: ClassVar[bool] = False
    """Whether ``Options.network`` takes the place of the recipe's restorer, and is trained as long as the others."""
    network_kind: ClassVar[str | None] = None
    """The kind of restorer that its network must make by itself (`workbench.restorers.KINDS`); any if None."""
    title: ClassVar[str] = ""
    """What tables, pictures and the app call its restorer, if not by the method's name."""
    family: ClassVar[str] = "adaptation"
    """The methods that it is compared with where none are named are those of its family."""
    restores_pairs: ClassVar[bool] = True
    """Whether the recipe's restoration loss (`restoration_loss`) is one of its losses; if not, there is no choice."""
    Options: ClassVar[type[Section]] = Section
    """The method's own settings, ``options.METHOD`` of a recipe; its defaults are its paper's or what its file says."""
    by_scale: ClassVar[dict[str, dict]] = {}
    """Defaults of the settings at a scale, ``{"pocket": {KEY: VALUE}}``, where they are not those of `Options`."""

    def __init__(self, recipe: Recipe):
        super().__init__()
        recipe = self.recipe = self.resolve(recipe)
        self.options = self.options_of(recipe)
        self.restoration_loss = RestorationLoss(recipe.training)
        self.restorer = self.build_restorer()
        self._check_kind()
        self._check_patch_size(self.restorer)
        # Buffers are copied, not averaged: those of attention are indices.
        self.averaged = AveragedModel(
            self.restorer, multi_avg_fn=get_ema_multi_avg_fn(recipe.training.ema_decay), use_buffers=False
        )
        self.averaged.requires_grad_(False)
        self.lay_out(self.layout_of(self.restorer))

    @classmethod
    def resolve(cls, recipe: Recipe) -> Recipe:
        """The recipe with the settings of its method, and of no other, written out.

        Raises
        ------
        WorkbenchError
            When a setting is unknown, its value is wrong, or the method has no use for it.
        """
        if not cls.restores_pairs and (recipe.training.loss, recipe.training.perceptual) != ("charbonnier", 0):
            raise WorkbenchError(
                f"{recipe.name}: method {recipe.method} has a loss of its own; leave training.loss alone"
            )
        options = cls.options_of(recipe).model_dump(mode="json")
        recipe = recipe.model_copy(update={"options": {recipe.method: options} if options else {}})
        return with_own_network(recipe, cls.trains) if cls.brings_network else recipe

    @classmethod
    def options_of(cls, recipe: Recipe) -> Section:
        """The settings that a recipe of this method gives it, those of its scale and the defaults included.

        Raises
        ------
        WorkbenchError
            When a setting is unknown or its value is wrong.
        """
        scale = "pocket" if recipe.scale == "desk" else recipe.scale  # the desk's restorer is larger, nothing else
        given = cls.by_scale.get(scale, {}) | recipe.options.get(recipe.method, {})
        try:
            return cls.Options(**given)
        except ValidationError as error:
            raise WorkbenchError(one_line(error, f"{recipe.name}: options.{recipe.method}", cls.Options)) from error

    @classmethod
    def needs(cls, recipe: Recipe) -> dict[str, Recipe]:
        """Runs that must have finished before one of this recipe begins; `begin_with` gets their restorers.

        Each is trained once, in a hidden folder beside the run, and found again by what its recipe says
        (`workbench.runs.identity`), so that runs share those that they have in common. By default the warm start.

        Parameters
        ----------
        recipe : Recipe
            Resolved.

        Returns
        -------
        dict of str to Recipe
            By the names that the method gives them. What they do not look at should stand at its default: a mistaken or
            moved folder of one recipe must not spoil what others share.
        """
        if recipe.warm_start is None:
            return {}
        own = {"name": "warm-start", "method": "vanilla", "training": recipe.warm_start, "warm_start": None}
        return {WARM_START: recipe.model_copy(update={**own, "data": Data(**recipe.data.source_side)})}

    def begin_with(self, needed: Mapping[str, Restorer]) -> None:
        """Take up what the runs that it `needs` have learnt; by default the weights of the warm start."""
        if WARM_START in needed:
            self.start_from(needed[WARM_START].network.state_dict())

    def build_restorer(self) -> nn.Module:
        """The network that is trained and averaged, with fresh weights; several are the entries of one module.

        Its ``multiple`` is what the sides of patches must be multiples of.
        """
        return nets.build(self.recipe.restorer.name, **self.recipe.restorer.overrides)

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """The losses of one batch; the entry ``loss`` is minimised, all are logged.

        Parameters
        ----------
        batch : dict of str to Tensor
            The parts of the samples the method asked for, images (N, 3, P, P) in [0, 1].
        step : int
            Updates done so far.
        """
        raise NotImplementedError

    @classmethod
    def length(cls, recipe: Recipe) -> Length:
        """How long the training of a resolved recipe of this method is.

        A head start is its option ``head_start``: what shortens trainings, to see that they run, sets it.
        """
        return Length(0, recipe.training.max_steps if cls.trains else 0)

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.parameters(), torch.empty(0)).device

    @property
    def head_start(self) -> int:
        """Steps at the start of training in which the restorer is left as it is."""
        return self.length(self.recipe).head_start

    @property
    def total_steps(self) -> int:
        """Length of the training in steps, head start included."""
        return self.length(self.recipe).total

    def trains_restorer(self, step: int) -> bool:
        """Whether the restorer learns in a step; its average moves with it."""
        return self.restores and step >= self.head_start

    def extra_parameters(self) -> list[dict]:
        """Parameter groups of further networks: ``{"name", "params", "lr"}``."""
        return []

    def dials(self, step: int) -> dict[str, float]:
        """Quantities that the method turns over training, such as a loss's weight; logged beside the losses."""
        return {}

    def meters(self, held_out: Mapping[str, Sequence[Pair]]) -> dict[str, float]:
        """Measurements of the method's own at every validation, as tags of curves; they must not change the training.

        Parameters
        ----------
        held_out : mapping of str to sequence of Pair
            Held-out pairs of the domains ``target`` and ``source``; a domain that has none is missing.
        """
        return {}

    def compile_networks(self) -> None:
        """Let torch.compile fuse what the networks that are trained do; weights and their names stay as they are."""
        for name, child in self.named_children():
            if not name.startswith("averaged"):
                for network in child.values() if isinstance(child, nn.ModuleDict) else [child]:
                    network.compile()

    def start_from(self, weights: dict[str, Tensor]) -> None:
        """Let the restorer and its average start from given weights."""
        self.restorer.load_state_dict(weights)
        self.averaged.module.load_state_dict(weights)

    @property
    def evaluated(self) -> nn.Module:
        """The restorer that is validated and exported: the moving average or the raw weights, as the recipe says."""
        return self.averaged.module if self.recipe.training.weights == "ema" else self.restorer

    def exported(self) -> Restorer:
        """What restores pictures when the training is done: validated, measured and written into the run folder.

        The restorer that the evaluated network makes alone; a method with several networks, or a procedure of its own,
        returns another.
        """
        return Restorer.of(self.evaluated, {"name": self.recipe.restorer.name, **self.recipe.restorer.overrides})

    def layout_of(self, network: nn.Module) -> torch.memory_format:
        """The memory layout in which a network is the fastest where the recipe trains."""
        return nets.fastest_layout(network, training_device(self.recipe.training.accelerator))

    def lay_out(self, layout: torch.memory_format) -> None:
        """Lay out the weights that there are, and from now on the images of batches, in memory."""
        self.layout = layout
        self.to(memory_format=layout)

    def laid_out(self, batch: Batch) -> Batch:
        """The batch with its images in the memory layout of the networks that see them."""
        return {
            name: value.contiguous(memory_format=self.layout) if value.ndim == 4 else value
            for name, value in batch.items()
        }

    def after_update(self, step: int) -> None:
        """What follows each update of the weights: the restorer's moving average goes along.

        Parameters
        ----------
        step : int
            Updates done before this one.
        """
        if self.trains_restorer(step) and any(True for _ in self.restorer.parameters()):  # some networks have none
            self.averaged.update_parameters(self.restorer)

    def configure_optimizers(self) -> dict | None:
        """One Adam with a parameter group, and a learning-rate curve, for each network; none where no step is taken.

        Adam treats every parameter for itself, so this equals one optimiser a network; but ``training.gradient_clip``
        bounds the norm over all of them together, so that a critic's large gradient shortens the restorer's step.
        """
        if not self.total_steps:
            return None
        groups = [
            {"name": "restorer", "params": list(self.restorer.parameters()), "lr": self.recipe.training.learning_rate},
            *self.extra_parameters(),
        ]
        starts = [self.head_start] + [0] * (len(groups) - 1)
        optimizer = torch.optim.Adam(groups, fused=True)
        optimizer.register_load_state_dict_post_hook(_lay_out_moments)
        curves = [self._learning_rate_curve(start) for start in starts]
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, curves)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def _learning_rate_curve(self, start: int) -> Callable[[int], float]:
        if self.recipe.training.schedule == "constant":
            return lambda step: 1.0
        length = self.total_steps - start
        return lambda step: 0.5 * (1.0 + math.cos(math.pi * min(max(step - start, 0) / length, 1.0)))

    def _check_kind(self) -> None:
        if self.network_kind not in (None, kind_of(self.restorer)):
            key = f"options.{self.recipe.method}.network" if self.brings_network else "restorer"
            raise WorkbenchError(
                f"{key}: {self.recipe.restorer.name} is no network of the kind {self.network_kind!r}, which"
                f" {self.recipe.method} needs"
            )

    def _check_patch_size(self, network: nn.Module) -> None:
        size = self.recipe.training.patch_size
        if size % network.multiple:
            raise WorkbenchError(
                f"training.patch_size {size} must be a multiple of {network.multiple} for this network"
            )
