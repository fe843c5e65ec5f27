"""Dead-leaves images: distribution of radii, occlusion, colours."""

import numpy as np
import pytest

from workbench.data.dead_leaves import dead_leaves, leaf_map, leaf_radii


def test_radii_follow_the_power_law():
    radii = leaf_radii(100_000, np.random.default_rng(0), (1.0, 50.0))
    assert radii.min() >= 1 and radii.max() <= 50
    # Of density r^-3 on [a, b], the share above r is (r^-2 - b^-2) / (a^-2 - b^-2).
    for r in (1.5, 3.0, 10.0):
        expected = (r**-2 - 50**-2) / (1 - 50**-2)
        assert np.mean(radii > r) == pytest.approx(expected, rel=0.1)


def test_every_pixel_is_covered_and_front_leaves_are_whole_disks():
    leaves = leaf_map((200, 300), np.random.default_rng(1), (4.0, 40.0))
    assert leaves.min() == 0 and leaves.dtype == np.int32
    # Little lies before the first leaf that is inside the picture, so it shows as a full disk.
    for leaf in range(20):
        rows, columns = np.nonzero(leaves == leaf)
        if rows.min() > 0 and columns.min() > 0 and rows.max() < 199 and columns.max() < 299:
            side = (np.ptp(rows) + np.ptp(columns)) / 2 + 1
            assert len(rows) == pytest.approx(np.pi * side**2 / 4, rel=0.15)
            break
    else:
        pytest.fail("no leaf of the first twenty lies inside the picture")


def test_later_leaves_are_hidden_more():
    """Occlusion: of equal disks those laid first show more area than those laid late."""
    leaves = leaf_map((256, 256), np.random.default_rng(2), (9.9, 10.1))
    area = np.bincount(leaves.ravel())
    third = len(area) // 3
    assert area[:third].mean() > 2 * area[-third:].mean()


def test_smallest_radius_sets_the_detail():
    rng = np.random.default_rng
    fine = leaf_map((128, 128), rng(3), (1.0, 64.0)).max()
    coarse = leaf_map((128, 128), rng(3), (8.0, 64.0)).max()
    assert fine > 5 * coarse


def test_image_is_deterministic_and_takes_its_colours_from_the_palette():
    palette = np.array([[10, 20, 30], [200, 100, 50]], np.uint8)
    draw = {"palette": palette, "texture": 0.0, "oversampling": 1}
    image = dead_leaves((40, 60), np.random.default_rng(4), **draw)
    assert image.shape == (40, 60, 3) and image.dtype == np.uint8
    assert {tuple(colour) for colour in np.unique(image.reshape(-1, 3), axis=0)} == {(10, 20, 30), (200, 100, 50)}
    np.testing.assert_array_equal(image, dead_leaves((40, 60), np.random.default_rng(4), **draw))
    assert not np.array_equal(image, dead_leaves((40, 60), np.random.default_rng(5), **draw))


def test_texture_and_blur():
    grey = np.full((1, 3), 128, np.uint8)
    flat = dead_leaves(64, np.random.default_rng(6), palette=grey, texture=0.0)
    assert np.all(flat == 128)
    grated = dead_leaves(64, np.random.default_rng(6), palette=grey, texture=0.1, oversampling=1)
    assert 1 < np.abs(grated.astype(int) - 128).max() <= 26
    sharp = dead_leaves(64, np.random.default_rng(7), texture=0.0).astype(float)
    soft = dead_leaves(64, np.random.default_rng(7), texture=0.0, blur=1.5).astype(float)
    assert np.abs(np.diff(soft, axis=1)).mean() < 0.6 * np.abs(np.diff(sharp, axis=1)).mean()
