"""Links between README, docs and notebooks lead somewhere."""

import ast
import json
import re
from functools import cache

import pytest
from support import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "notebooks").glob("*.ipynb"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = [
    path for room in ("workbench", "apps", "data_tools", "benchmarks") for path in sorted((ROOT / room).rglob("*.py"))
]
NAME = re.compile(r"\b(?:workbench|apps|data_tools)(?:\.[A-Za-z]\w*)+")
FILES = re.compile(r"\.(?:py|md|yaml|json|html)$")
GROUPS = {f"workbench.{group}" for group in ("methods", "networks", "metrics", "degradations", "restorers")}
"""Of entry points."""


def text_of(page):
    if page.suffix != ".ipynb":
        return page.read_text(encoding="utf-8")
    cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def anchors(page):
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_resolves(page):
    for link in LINK.findall(text_of(page)):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists() and target.is_relative_to(ROOT), link
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), link


@cache
def names_in(module):
    """What a module defines, imports or, as a package that imports later, has the names of as text."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def is_there(name):
    """Whether a dotted name is a module, or its first part below one is in that module."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:length])
        module = next((each for each in (place.with_suffix(".py"), place / "__init__.py") if each.is_file()), None)
        if module is not None:
            return length == len(parts) or parts[length] in names_in(module)
    return False


@pytest.mark.parametrize("page", [*PAGES, *CODE], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_name_of_this_project_leads_somewhere(page):
    names = set(NAME.findall(text_of(page))) - GROUPS
    assert [name for name in sorted(names) if not FILES.search(name) and not is_there(name)] == []
