"""The promises of docs/reliability.md are held by tests that are there."""

import re

from support import ROOT, TESTS


def test_every_promise_names_a_test_that_is_there():
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    named, file = [], None
    for given, test in re.findall(r"`(test_\w+\.py)?::(test_\w+)`", text):
        file = given or file  # one after another in a line leaves the file out
        named.append((file, test))
    assert len(named) > 25
    for file, test in named:
        (path,) = TESTS.rglob(file)
        assert re.search(rf"^def {test}\(", path.read_text(encoding="utf-8"), re.MULTILINE), f"{file}::{test}"
