"""The examples in public docstrings do what they say."""

import doctest
from importlib import import_module

import pytest

MODULES = (
    "workbench.colours", "workbench.diffusion.conditions", "workbench.evaluation.metrics", "workbench.objectives",
    "workbench.papers", "workbench.probes.spectra", "workbench.recipes.loading", "workbench.restore",
)  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name):
    result = doctest.testmod(import_module(name))
    assert result.attempted and not result.failed
