"""The geometric self-ensemble."""

import numpy as np
import pytest
import torch
from torch import nn

from workbench.errors import WorkbenchError
from workbench.restorers import Restorer
from workbench.restorers.one_pass import _back, _view


class Ramp(nn.Module):
    """Adds a number that grows to the right and is not symmetric."""

    multiple, halo = 1, 0

    def forward(self, picture, window=None):
        return picture + torch.arange(picture.shape[-1]) / 100


def test_the_eight_views_differ_and_are_turned_back():
    picture = torch.arange(2 * 3 * 4.0).reshape(1, 2, 3, 4)
    views = [_view(picture, view) for view in range(8)]
    assert all(torch.equal(_back(seen, view), picture) for view, seen in enumerate(views))
    assert len({(seen.shape, tuple(seen.flatten().tolist())) for seen in views}) == 8


@pytest.mark.parametrize("views", [2, 4, 8])
def test_the_ensemble_is_the_mean_over_the_views(views):
    plain = Restorer({"restorer": Ramp()}, "one-pass")
    image = np.random.default_rng(0).random((5, 7, 3), dtype=np.float32)
    calls = []
    restored = plain.with_options({"ensemble": views}).restore(image, progress=lambda *done: calls.append(done))
    added = restored - image
    assert calls[-1] == (views, views)
    # mirrored, what the network adds is the same from left to right and right to left
    np.testing.assert_allclose(added, added[:, ::-1], atol=1e-6)
    middle = 0.03 if views < 8 else (0.03 + 0.02) / 2  # of a width of 7, of a height of 5
    assert added.mean() == pytest.approx(middle, abs=1e-6)


def test_other_numbers_of_views_are_refused():
    with pytest.raises(WorkbenchError, match="ensemble"):
        Restorer({"restorer": Ramp()}, "one-pass").with_options({"ensemble": 3})
