"""What becomes of a recipe whose method brings a network of its own instead of training the recipe's restorer."""

from __future__ import annotations

from workbench.recipes import Recipe
from workbench.recipes.schema import Network, Training

# What a training from scratch takes over from the warm start.
_FROM_SCRATCH = (
    "batch_size", "patch_size", "learning_rate", "schedule", "gradient_clip", "ema_decay", "validate_every",
    "checkpoint_every",
)  # fmt: skip


def with_own_network(recipe: Recipe, trained: bool) -> Recipe:
    """The recipe with ``options.METHOD.network`` in the place of its restorer, and without a warm start.

    The warm start that the other methods share is of another network. Where the method trains, its steps are added to
    the training, and its batches, learning rate and intervals of validation are those of all steps: the method trains
    as long as the others.

    Parameters
    ----------
    recipe : Recipe
        With the settings of its method written out.
    trained : bool
        Whether the method trains at all.
    """
    changes: dict = {"restorer": Network(**recipe.options[recipe.method]["network"]), "warm_start": None}
    if trained and (warm := recipe.warm_start) is not None:
        training = recipe.training.model_dump() | {key: getattr(warm, key) for key in _FROM_SCRATCH}
        training["max_steps"] += warm.max_steps
        changes["training"] = Training(**training)
    return recipe.model_copy(update=changes)
