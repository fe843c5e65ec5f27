import pandas as pd
import pytest
from support import TINY

from workbench.comparison import Cell, Grid
from workbench.errors import WorkbenchError
from workbench.notebooks import footer, grid_results, published_table, result_table, run_table, sliders
from workbench.training import cached_run


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


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    cells = (Cell("vanilla", "vanilla"), Cell("adapted", "noise-space"))
    tests = {"target": "simulated-camera"}
    return Grid("denoise-pocket", cells, (0,), tests, tmp_path_factory.mktemp("runs"), tuple(TINY), by_recipe=True)


def test_a_grid_by_recipe_takes_over_cached_runs_and_says_nothing(grid, capfd):
    run = cached_run(grid.jobs()[0].resolved, grid.runs)
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


def test_runs_that_fail_are_named_and_their_reason_is_said_once(tmp_path):
    settings = (*TINY, "data.source=/nowhere/at-all")
    cells = (Cell("one", "vanilla"), Cell("two", "noise-space"))
    grid = Grid("denoise-pocket", cells, (0,), {"t": "simulated-camera"}, tmp_path, settings)
    with pytest.raises(WorkbenchError, match="one-s0, two-s0: .*nowhere") as failed:
        grid_results(grid)
    assert str(failed.value).count("nowhere") == 1


def test_the_footer_names_code_and_time():
    assert "torch" in footer(0.0) and footer(0.0).endswith(" s.")
