"""The toy of docs/teaching.md does what the page says."""

import doctest

from support import ROOT


def test_the_toy_shows_the_shortcut_and_its_cure():
    page = ROOT / "docs" / "teaching.md"
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted >= 5
    assert not result.failed
