"""What all tests share."""

from pathlib import Path

import pytest
import torch

# Golden numbers and real images are no part of the project: tests that use them skip where they are absent.
SHARED = Path(__file__).resolve().parents[2] / "shared"

# Small enough to train in seconds; the same code path as any recipe.
TINY = [
    "restorer.width=4", "warm_start=null",
    "options.noise-space.diffusion.widths=[4, 8, 8]", "options.noise-space.head_start=2",
    "training.max_steps=8", "training.batch_size=4", "training.patch_size=16", "training.validate_every=4",
    "training.checkpoint_every=3", "training.log_every=2", "data.validation_images=1",
]  # fmt: skip


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
