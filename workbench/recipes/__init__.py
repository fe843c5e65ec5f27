"""Recipes: one YAML file is one experiment at one scale."""

from workbench.recipes.loading import apply_settings, available, load_recipe, save_recipe
from workbench.recipes.schema import Recipe

__all__ = ["Recipe", "apply_settings", "available", "load_recipe", "save_recipe"]
