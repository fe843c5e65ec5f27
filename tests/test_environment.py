"""The files that say what to install agree with each other."""

import re
import tomllib

import yaml
from packaging.requirements import Requirement
from packaging.version import Version
from support import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REQUIRED = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
OPTIONAL = PROJECT["optional-dependencies"]["docs"]  # for `make docs` alone


def test_conda_environment_lists_the_projects_packages():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, _pip, pip = environment["dependencies"]
    assert python == f"python{PROJECT['requires-python']}"
    assert sorted(pip["pip"]) == sorted([*REQUIRED, "--editable ."])


def test_constraints_pin_every_package_within_its_range():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pinned = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in (line.split("==") for line in lines)}
    for text in [*REQUIRED, *OPTIONAL]:
        requirement = Requirement(text)
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        assert name in pinned, name
        assert Version(pinned[name]) in requirement.specifier, text


def test_no_file_names_a_package_host():
    for name in ("constraints.txt", "environment.yml", "pyproject.toml", "Makefile"):
        assert "://" not in (ROOT / name).read_text(), name
