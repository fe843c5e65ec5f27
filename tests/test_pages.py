"""Names that the pages use are there, and what is there is told."""

import re
from fnmatch import fnmatchcase
from importlib import import_module

import pytest
from support import ROOT
from typer.main import get_command

from workbench.cli.commands import app
from workbench.studies import study_names

DOCS = ROOT / "docs"
NAME = re.compile(r"`(workbench(?:\.\w+)+)`")
PAGES = [path.name for path in sorted(DOCS.glob("*.md")) if NAME.search(path.read_text())]


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


def test_the_first_page_tells_of_every_command():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("| `workbench ")]
    told = {name for line in lines for name in re.findall(r"`workbench ([\w-]+)", line.split("|")[1])}
    assert told == set(get_command(app).commands)


def test_the_index_says_what_each_file_of_the_benchmarks_is():
    index = (ROOT / "benchmarks" / "README.md").read_text()
    named = {text.partition(" ")[0] for text in re.findall(r"`([^`]+)`", index)}
    of_studies = {f"{study}{suffix}.csv" for study in study_names() for suffix in ("", "-pictures")}
    files = [*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "benchmarks" / "results").iterdir()]
    told = [path.name in of_studies or any(fnmatchcase(path.name, name) for name in named) for path in files]
    assert [path.name for path, known in zip(files, told, strict=True) if not known] == []
