import numpy as np
import torch

from workbench.restorers import load_restorer
from workbench.restorers.equalisation import equalised


def test_levels_become_their_ranks_as_opencv_has_it():
    """255 (cdf - cdf of the darkest) / (pixels - cdf of the darkest), worked out by hand."""
    channel = np.array([[3, 3, 5], [5, 5, 9], [9, 200, 200]], np.uint8)
    expected = np.array([[0, 0, 109], [109, 109, 182], [182, 255, 255]], np.uint8)  # 3/7, 5/7 and 7/7 of 255
    even, full = np.full((3, 3), 40, np.uint8), np.arange(9, dtype=np.uint8).reshape(3, 3) * 20
    image = equalised(np.dstack([channel, even, full]))
    assert image.dtype == np.uint8 and np.array_equal(image[..., 0], expected)
    assert np.array_equal(image[..., 1], even)
    assert np.array_equal(image[..., 2].ravel(), np.rint(np.arange(9) * 255 / 8))


def test_the_step_is_a_restorer_that_sees_the_whole_picture():
    dark = np.random.default_rng(0).integers(0, 30, (40, 60, 3)).astype(np.uint8)
    restorer, card = load_restorer("equalise")
    assert card["networks"] == {} and card["provenance"]["task"] == "low-light"
    assert np.array_equal(restorer.restore(dark, tile=16), equalised(dark))
    assert np.allclose(restorer.restore(dark / np.float32(255)), equalised(dark) / 255, atol=1e-6)
    beyond = torch.tensor([-1.0, 0.2, 2.0]).reshape(1, 1, 1, 3).expand(1, 3, 4, 3)
    assert restorer(beyond).min() == 0 and restorer(beyond).max() == 1
