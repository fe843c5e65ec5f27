import base64
import io

import numpy as np
import pandas as pd
import pytest
from imagecodecs import png_encode
from PIL import Image as PillowImage
from support import TINY

from workbench.comparison import Cell, Grid
from workbench.errors import WorkbenchError
from workbench.notebooks import (
    footer,
    grid_results,
    published_table,
    record,
    result_table,
    run_table,
    sliders,
    smaller,
    training_line,
)
from workbench.runs.states import Progress, State
from workbench.training import find_or_train


def test_the_papers_numbers_are_labelled_as_the_papers():
    table = published_table("4")
    assert table.loc["(f) (Ours)", "PSNR (paper)"] == "34.71"
    assert all(column.endswith("(paper)") for column in published_table("A1"))
    assert published_table("A3").loc["Vanilla", "SwinIR PSNR (paper)"] == "30.86"


def test_sliders_show_what_their_function_prints_and_follow_them(capsys):
    def double(number=3, factor=2):
        print(f"{number} times {factor} is {number * factor}")

    number, factor, output = sliders(double, number=(0, 10), factor=[2, 5]).children
    assert [each["text"] for each in output.outputs] == ["3 times 2 is 6\n"]
    number.value = 4
    assert [each["text"] for each in output.outputs] == ["4 times 2 is 8\n"]
    factor.value = 5
    assert [each["text"] for each in output.outputs] == ["4 times 5 is 20\n"]
    assert capsys.readouterr().out == "", "the output belongs to the widget"


def test_sliders_do_not_hide_an_error():
    def broken(number=1):
        raise ValueError(number)

    with pytest.raises(ValueError, match="1"):
        sliders(broken, number=(0, 2))


def test_sliders_leave_the_picture_of_their_first_values_to_viewers_without_a_kernel():
    shown = sliders(lambda number=1: None, number=(0, 10))
    assert "image/png" not in shown._repr_mimebundle_()
    shown.out.outputs = [{"output_type": "display_data", "data": {"image/png": "3"}, "metadata": {}}]
    assert shown._repr_mimebundle_()["image/png"] == "3"


class _Watcher:
    def states(self):
        return [State("one", "running", True, 450, 0.0, {}, "one"), State("two", "finished", True, 450, 0.0, {}, "two")]

    def progress(self, state):
        return Progress(120, 2.0, 165.0, None)


def test_the_line_of_progress_names_what_is_trained_and_how_far_it_is():
    assert training_line([_Watcher()]) == "training one: step 120 of 450, some 2.8 min left"
    assert training_line([]) == ""


@pytest.mark.usefixtures("warm_python")
def test_a_record_keeps_pictures_and_no_widget(tmp_path):
    import nbformat  # takes two seconds

    code = (
        "from workbench.notebooks import sliders\nfrom IPython.display import display\n"
        "sliders(lambda n=1: display({'image/png': 'QQ=='}, raw=True), n=(0, 2))"
    )
    path = tmp_path / "one.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)]), path)
    record(path)
    (cell,) = nbformat.read(path, as_version=4).cells
    assert cell.execution_count == 1
    assert [sorted(output.data) for output in cell.outputs] == [["image/png", "text/plain"]]


def test_large_pictures_of_a_record_have_a_palette():
    pixels = np.random.default_rng(0).integers(0, 256, (80, 90, 3), np.uint8)
    picture = base64.b64encode(png_encode(pixels)).decode()
    assert smaller(picture) == picture, "small enough"
    less = smaller(picture, enough=100)
    shown = np.asarray(PillowImage.open(io.BytesIO(base64.b64decode(less))).convert("RGB"), float)
    assert len(less) < 0.5 * len(picture) and np.abs(shown - pixels).mean() < 20


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    cells = (Cell("vanilla", "vanilla"), Cell("adapted", "noise-space"))
    tests = {"target": "simulated-camera"}
    return Grid("denoise-pocket", cells, (0,), tests, tmp_path_factory.mktemp("runs"), tuple(TINY), by_recipe=True)


@pytest.mark.usefixtures("warm_python")
def test_a_grid_by_recipe_takes_over_cached_runs_and_says_nothing(grid, capfd):
    run = find_or_train(grid.jobs()[0].resolved, grid.runs)
    finished = run.summary["finished_at"]
    rows = grid_results(grid)
    assert run.summary["finished_at"] == finished and grid.jobs()[0].run.folder == run.folder
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
    assert list(rows.cell) == ["input", "vanilla", "adapted"] and rows.psnr.notna().all()
    shown = result_table(rows, "target")
    assert list(shown.index) == ["input", "vanilla", "adapted"] and "training / s" not in shown
    runs = run_table(job.run for job in grid.jobs())
    assert list(runs.method) == ["vanilla", "noise-space"] and pd.unique(runs.seed) == [0]
    assert run.name.endswith(runs.digest.iloc[0])


@pytest.mark.usefixtures("warm_python")
def test_runs_that_fail_are_named_and_their_reason_is_said_once(tmp_path):
    settings = (*TINY, "data.source=/nowhere/at-all")
    cells = (Cell("one", "vanilla"), Cell("two", "noise-space"))
    grid = Grid("denoise-pocket", cells, (0,), {"t": "simulated-camera"}, tmp_path, settings)
    with pytest.raises(WorkbenchError, match="one-s0, two-s0: .*nowhere") as failed:
        grid_results(grid)
    assert str(failed.value).count("nowhere") == 1


def test_the_footer_names_code_and_time():
    assert "torch" in footer(0.0) and footer(0.0).endswith(" s.")
