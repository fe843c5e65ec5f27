"""What methods share that bring a network of their own instead of training the recipe's restorer."""

from __future__ import annotations

from workbench.methods.base import Method
from workbench.recipes import Recipe
from workbench.recipes.schema import Network, Training

# What a training from scratch takes over from the warm start.
_FROM_SCRATCH = (
    "batch_size", "patch_size", "learning_rate", "schedule", "gradient_clip", "ema_decay", "validate_every",
    "checkpoint_every",
)  # fmt: skip


class OwnRestorer(Method):
    """A method whose ``Options.network`` takes the place of the recipe's restorer.

    The warm start that the other methods share is of another network, so there is none. Its steps are added to the
    training, and its batches, learning rate and intervals of validation are those of all steps: the method trains as
    long as the others.
    """

    @classmethod
    def resolve(cls, recipe: Recipe) -> Recipe:
        """The recipe with the method's settings, network and length of training written out.

        Raises
        ------
        WorkbenchError
            When a setting is unknown or its value is wrong.
        """
        recipe = super().resolve(recipe)
        changes: dict = {"restorer": Network(**recipe.options[recipe.method]["network"])}
        if (warm := recipe.warm_start) is not None:
            training = recipe.training.model_dump() | {key: getattr(warm, key) for key in _FROM_SCRATCH}
            training["max_steps"] += warm.max_steps
            changes |= {"warm_start": None, "training": Training(**training)}
        return recipe.model_copy(update=changes)
