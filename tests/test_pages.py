"""Names that the pages on the inside of the workbench use are there."""

import re
from importlib import import_module

import pytest
from support import ROOT

DOCS = ROOT / "docs"
NAME = re.compile(r"`(workbench(?:\.\w+)+)`")
PAGES = ("architecture.md", "from-patch-to-table.md", "adding-a-method.md")


def found(name: str) -> bool:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            value = getattr(value, part, None)
        return value is not None
    return False


@pytest.mark.parametrize("page", PAGES)
def test_every_name_on_the_page_is_there(page):
    names = set(NAME.findall((DOCS / page).read_text()))
    assert names and not [name for name in sorted(names) if not found(name)]


def test_a_name_that_is_not_there_is_seen():
    assert found("workbench.recipes.load_recipe") and not found("workbench.recipes.nothing")
