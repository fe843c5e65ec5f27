"""The example of docs/adding-a-data-set.md."""

import pytest
from support import ROOT
from support.data_layouts import write

from data_tools.catalogue import CATALOGUE
from data_tools.prepare import prepare
from workbench.data.domains import existing_folder

PAGE = ROOT / "docs" / "adding-a-data-set.md"


@pytest.fixture
def entry(monkeypatch):
    scope = {}
    exec(PAGE.read_text().partition("```python\n")[2].partition("```")[0], scope)
    entry = scope["NIGHT_STREETS"]
    monkeypatch.setitem(CATALOGUE, entry.name, entry)
    return entry


def test_the_pages_data_set_is_prepared_checked_and_found(entry, root, tmp_path, monkeypatch):
    for scene in ("bridge", "square"):
        write(tmp_path / f"night/test/{scene}/long.png", 9)
        for number in (1, 2):
            write(tmp_path / f"night/test/{scene}/noisy_{number}.png", number)
    write(tmp_path / "night/train/alley_7.jpg", 5)
    outcome = prepare(entry.name, root, tmp_path / "night")
    assert [part.count for part in outcome.parts] == [4, 1]
    assert any("40" in problem for problem in outcome.parts[0].problems), "fewer than published"
    names = {path.name for path in (root / "night-streets/test/input").iterdir()}
    assert names == {f"{scene}_{number}.png" for scene in ("bridge", "square") for number in (1, 2)}
    monkeypatch.setenv("WORKBENCH_DATA", str(root))
    assert existing_folder("dataset:night-streets/train") == root / "night-streets/train"


def test_the_page_names_every_field(entry):
    page = PAGE.read_text()
    for field in ("name", "task", "parts", "files", "cut", "by_hand", "stem"):
        assert f"`{field}`" in page, field
