"""Methods and networks of other packages: the examples of their pages, and broken ones."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from support import ROOT, TESTS, TINY

from workbench.methods.plugins import GROUP, installed_methods
from workbench.training import Run

EXAMPLE = TESTS / "example_method"


def install(site: Path, name: str, offers: dict[str, str], group: str = GROUP) -> None:
    """Put a distribution's metadata into a folder, as pip would."""
    metadata = site / f"{name.replace('-', '_')}-0.1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    lines = [f"{offer} = {place}" for offer, place in offers.items()]
    (metadata / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed packages with the example in it."""
    folder = tmp_path / "site"
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())
    install(folder, project["project"]["name"], project["project"]["entry-points"][GROUP])
    for module in project["tool"]["setuptools"]["py-modules"]:
        shutil.copy(EXAMPLE / f"{module}.py", folder)
    monkeypatch.syspath_prepend(folder)
    return folder


def test_the_page_shows_the_example_as_it_is():
    page = (ROOT / "docs" / "adding-a-method.md").read_text()
    for file in ("flip_consistency.py", "pyproject.toml", "flip-pocket.yaml"):
        assert (EXAMPLE / file).read_text() in page, f"{file} and docs/adding-a-method.md differ"


def test_an_installed_method_is_found(site, capsys):
    found = installed_methods(taken=())
    assert found["flip-consistency"].__name__ == "FlipConsistency"
    assert capsys.readouterr().err == ""


def of(pairs):
    """Settings of recipes on these pictures: to draw the embedded ones takes processes with plug-ins seconds."""
    return [f"data.{key}={pairs}" for key in ("source", "target", "validation")]


@pytest.mark.usefixtures("warm_python")
def test_the_example_trains_by_its_recipe_beside_a_broken_plug_in(site, tmp_path, pairs):
    install(site, "broken", {"broken": "module_that_is_not_there:Method"})
    changes = [*(each for each in TINY if "options.noise-space" not in each), *of(pairs)]
    settings = [part for setting in changes for part in ("--set", setting)]
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "train", EXAMPLE / "flip-pocket.yaml", *settings, "--runs", tmp_path,
         "--name", "run"],
        env=os.environ | {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert Run(tmp_path / "run").recipe.options == {"flip-consistency": {"weight": 0.2}}
    said = [line for line in done.stderr.splitlines() if line.startswith("workbench:")]
    (line,) = said
    assert "method 'broken' of package broken is left out" in line and "module_that_is_not_there" in line


@pytest.mark.usefixtures("warm_python")
def test_the_example_is_in_the_comparisons_of_its_tasks(site, tmp_path, pairs):
    code = """
import sys
from pathlib import Path
from workbench.comparison.command import make_grid, methods_for
from workbench.recipes import load_recipe
print(*methods_for(load_recipe("denoise-pocket")))
names = ["noise-space", "flip-consistency"]
settings = ["warm_start=null", *sys.argv[1:]]
grid = make_grid("denoise", "pocket", names, ["vanilla"], ["0"], settings, [], "rgb", Path("runs"))
print(*(cell.name for cell in grid.cells))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, *of(pairs)], cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    methods, cells = (line.split() for line in done.stdout.splitlines())
    assert methods[-1] == "flip-consistency" and {"noise-space", "ap-bsn"} <= set(methods)
    assert cells == ["vanilla", "noise-space", "flip-consistency"]


@pytest.mark.parametrize(
    ("name", "place", "reason"),
    [
        ("broken", "module_that_is_not_there:Method", "ModuleNotFoundError"),
        ("broken", "flip_consistency:Missing", "AttributeError"),
        ("plain", "flip_consistency:Field", "no subclass of workbench.methods.Method"),
        ("vanilla", "flip_consistency:FlipConsistency", "its name is taken"),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_one_line_and_stops_nothing(site, capsys, name, place, reason):
    install(site, "other", {name: place})
    found = installed_methods(taken=("vanilla",))
    assert "flip-consistency" in found and name not in found
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"workbench: method {name!r} of package other is left out") and reason in line


NETWORK = TESTS / "example_network"
USE = """
import sys
import numpy as np
from support import TINY
from workbench.recipes import load_recipe
from workbench.restorers import load_restorer
from workbench.training import fit

changes = [each for each in TINY if "noise-space" not in each and each != "restorer.width=4"] + sys.argv[2:]
recipe = load_recipe("denoise-pocket", [*changes, "restorer={name: ring-net, width: 4}"], method="vanilla")
restorer, card = load_restorer(fit(recipe, sys.argv[1], "run").folder)
image = np.random.default_rng(0).random((60, 50, 3), np.float32)
print(card["networks"]["restorer"]["network"], restorer.kind)
print(np.abs(restorer.restore(image) - restorer.restore(image, tile=16)).max() < 1e-6)
"""


def test_the_page_of_networks_shows_the_example_as_it_is():
    page = (ROOT / "docs" / "adding-a-network.md").read_text()
    for file in ("ring_net.py", "pyproject.toml"):
        assert (NETWORK / file).read_text() in page, f"{file} and docs/adding-a-network.md differ"


@pytest.mark.usefixtures("warm_python")
def test_a_network_of_another_package_is_trained_and_restores_beside_broken_ones(tmp_path, pairs):
    project = tomllib.loads((NETWORK / "pyproject.toml").read_text())["project"]
    site = tmp_path / "site"
    install(site, project["name"], project["entry-points"]["workbench.networks"], "workbench.networks")
    install(site, "other", {"unet-s": "ring_net:RingNet", "none": "ring_net:torch"}, "workbench.networks")
    shutil.copy(NETWORK / "ring_net.py", site)
    places = os.pathsep.join([str(site), str(TESTS), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", USE, tmp_path / "runs", *of(pairs)],
        env=os.environ | {"PYTHONPATH": places, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["{'name': 'ring-net', 'width': 4} one-pass", "True"]
    said = [line for line in done.stderr.splitlines() if line.startswith("workbench:")]
    assert len(said) == 2 and all("is left out" in line for line in said)
    assert "network 'none' of package other" in said[0] and "no subclass of torch.nn.Module" in said[0]
    assert "network 'unet-s' of package other" in said[1] and "its name is taken" in said[1]
