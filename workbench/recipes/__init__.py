"""Recipes: one YAML file is one experiment at one scale; variants are named changes of any of them."""

from workbench.recipes.loading import apply_settings, available, load_recipe, one_line, save_recipe
from workbench.recipes.schema import Recipe
from workbench.recipes.variants import VARIANTS, variant_settings

__all__ = ["VARIANTS", "Recipe", "apply_settings", "available", "load_recipe", "one_line", "save_recipe",
           "variant_settings"]  # fmt: skip
