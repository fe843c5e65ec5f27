"""Fixtures of all tests."""

from pathlib import Path

import pytest
import torch
from support import ROOT

# Golden numbers and real images are no part of the project: tests that use them skip where they are absent.
SHARED = ROOT.parent / "shared"


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def golden() -> Path:
    """Folder of the reference numbers."""
    folder = SHARED / "golden"
    if not folder.is_dir():
        pytest.skip("the reference numbers are not here")
    return folder


@pytest.fixture
def real_data() -> Path:
    """Folder of real image sets."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the real image sets are not here")
    return folder
