"""The documentation builds into a site with no broken link; needs the extra `docs`."""

import os
import subprocess
import sys

import pytest
import yaml
from support import ROOT


def pages(nav):
    """The files that a navigation names."""
    for entry in nav:
        value = next(iter(entry.values())) if isinstance(entry, dict) else entry
        yield from pages(value) if isinstance(value, list) else [value]


def test_every_page_has_its_place_in_the_navigation():
    named = set(pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))
    made = {"index.md", "benchmarks.md", "gallery.md", "reference.md"}
    assert named == {path.name for path in (ROOT / "docs").glob("*.md")} | made


def test_the_site_builds_and_its_links_lead_somewhere(tmp_path):
    pytest.importorskip("mkdocstrings")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    built = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    for name in ("index.html", "gallery.html", "notebooks/02_the_shortcut.html", "search/search_index.json"):
        assert (tmp_path / "site" / name).is_file(), name
    assert "restore_array" in (tmp_path / "site" / "reference.html").read_text(encoding="utf-8")
