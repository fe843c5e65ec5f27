import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex
from PIL import Image

from workbench.colours import colour
from workbench.data.domains import Pair
from workbench.figures import blur_curve, crop_of, draw_plane, fine_parts, panel, save_figure, side_by_side, views_of
from workbench.nets import build


def test_a_panel_has_a_place_for_each_picture_and_says_what_it_shows():
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 7.0, np.float32)
    figure = panel([[black, white], [None, black]], ["one", "two"], ["a", "b"], [["", "x"], ["", ""]], "word " * 60)
    axes = np.array(figure.axes).reshape(2, 2)
    assert [len(axis.images) for axis in axes.ravel()] == [1, 1, 0, 1]
    assert axes[0, 1].images[0].get_array().max() == 1.0 and axes[0, 1].get_xlabel() == "x"
    assert [axis.get_title() for axis in axes[0]] == ["one", "two"] and axes[1, 0].get_ylabel() == "b"
    lines = figure.get_supxlabel().splitlines()
    assert len(lines) > 1 and " ".join(lines).split() == ["word"] * 60
    plt.close(figure)


def test_a_crop_lies_where_it_is_asked_for_and_within_the_picture():
    image = np.arange(6 * 9).reshape(6, 9, 1)
    assert crop_of(image, across=1, down=0, side=2).ravel().tolist() == [7, 8, 16, 17]
    assert crop_of(image, side=100).shape == (6, 6, 1)


def test_restorers_stand_between_input_and_reference_with_their_numbers():
    reference = np.full((8, 8, 3), 100, np.uint8)
    degraded = reference.copy()
    degraded[:4] += 51
    views = views_of(Pair("one", degraded, reference), {"same": build("identity")})
    assert list(views) == ["input", "same", "reference"]
    views["absent"] = None
    figure = side_by_side({"one": views}, across=0, down=0, side=4, columns=2)
    notes = [axis.get_xlabel() for axis in figure.axes]
    assert notes == ["input  13.98 dB", "same  13.98 dB", "reference", "absent"]
    assert [len(axis.images) for axis in figure.axes] == [1, 1, 1, 0]
    plt.close(figure)
    figure = side_by_side({"one": views, "other": views}, side=4, whole=True)
    assert figure.axes[0].get_xlabel() == "input  16.99 dB"
    assert [figure.axes[place].get_ylabel() for place in (0, 4)] == ["one", "other"]
    plt.close(figure)


def test_rows_of_unequal_numbers_of_views_are_refused():
    picture = np.zeros((4, 4, 3), np.float32)
    with pytest.raises(ValueError, match="unequal"):
        side_by_side({"a": {"input": picture}, "b": {"input": picture, "reference": picture}})


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_a_figure_is_written_as_its_name_says_and_closed(tmp_path, name):
    figure = panel([[np.zeros((8, 8, 3))]], ["one"])
    save_figure(figure, tmp_path / "new" / name, dpi=40)
    with Image.open(tmp_path / "new" / name) as picture:
        assert picture.format == {"a.png": "PNG", "a.jpg": "JPEG"}[name]
    assert not plt.fignum_exists(figure.number)


def test_blurs_go_from_the_images_themselves_towards_no_detail_and_no_noise():
    generator = torch.Generator().manual_seed(0)
    reference = torch.rand(2, 3, 32, 32, generator=generator)
    noisy = reference + 0.2 * torch.randn(reference.shape, generator=generator)
    curve = blur_curve(noisy, reference, (0.0, 0.5, 2.0))
    assert curve.shape == (3, 2)
    np.testing.assert_allclose(curve[0], fine_parts(noisy, reference), rtol=1e-5)
    assert (np.diff(curve, axis=0) < 0).all(), "a blur takes of both"
    assert fine_parts(reference, reference) == pytest.approx((1, 0), abs=1e-5)


def test_the_plane_has_a_mark_for_each_in_its_colour_and_the_curve_behind():
    figure, axis = plt.subplots()
    draw_plane(axis, {"vanilla": (0.9, 20.0), "adapted, ceiling 5": (0.5, 3.0)}, np.array([[1.0, 30.0], [0.1, 0.5]]))
    marks = {each.get_label(): to_hex(each.get_facecolor()[0]) for each in axis.collections}
    assert marks == {"vanilla": colour("vanilla"), "adapted, ceiling 5": colour("adapted")}
    assert len(axis.lines) == 1 and list(axis.lines[0].get_xdata()) == [30.0, 0.5]
    plt.close(figure)
