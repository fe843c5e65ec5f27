"""The diagrams of the method: every arrow leads from box to box, and every box is within the picture."""

import pytest
from matplotlib import pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from workbench import diagrams


@pytest.mark.parametrize("name", ["overview", "shuffle_and_swap", "three_spaces", "algorithms"])
def test_boxes_and_their_words_lie_within_the_axes(name):
    figure = getattr(diagrams, name)()
    figure.canvas.draw()
    boxes = [patch for axis in figure.axes for patch in axis.patches if isinstance(patch, FancyBboxPatch)]
    arrows = [patch for axis in figure.axes for patch in axis.patches if isinstance(patch, FancyArrowPatch)]
    assert len(boxes) >= 4 and len(arrows) >= 4
    for axis in figure.axes:
        frame = axis.get_window_extent()
        for box in axis.patches:
            extent = box.get_window_extent()
            if isinstance(box, FancyBboxPatch):
                assert (
                    frame.x0 <= extent.x0 and extent.x1 <= frame.x1 and frame.y0 <= extent.y0 <= extent.y1 <= frame.y1
                )
    plt.close(figure)


def test_the_words_of_a_box_fit_into_it():
    for name in ("overview", "shuffle_and_swap", "three_spaces", "algorithms"):
        figure = getattr(diagrams, name)()
        figure.canvas.draw()
        for axis in figure.axes:
            boxes = [patch.get_window_extent() for patch in axis.patches if isinstance(patch, FancyBboxPatch)]
            for text in axis.texts:
                words = text.get_window_extent()
                middle = ((words.x0 + words.x1) / 2, (words.y0 + words.y1) / 2)
                for box in boxes:
                    if box.contains(*middle):
                        assert words.x0 >= box.x0 - 1 and words.x1 <= box.x1 + 1, (name, text.get_text())
        plt.close(figure)
