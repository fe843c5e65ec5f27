"""Runs that are deleted or made anew while somebody reads them: the others are told, and nothing is unexpected."""

import pytest
from support.apps import log_run, measure, write_run
from support.vanishing import tries

from workbench.errors import WorkbenchError
from workbench.restorers import load_restorer
from workbench.runs import Run
from workbench.runs.measurements import find_measurements


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    for seed, name in enumerate(("gone", "good")):
        run = write_run(folder / "runs", name, "vanilla", seed)
        measure(run, 20.0 + seed)
        log_run(run, (1, 2))
    begun = write_run(folder, "begun", "noise-space", 2, status="training")
    (begun / "restorer.json").unlink()
    return folder


@pytest.fixture(params=["deleted", "made anew"])
def tried(request, made, tmp_path):
    """Call it with some work on a folder of runs: how often it was done."""
    return tries(made / "runs", tmp_path / "runs", "gone", made / "begun" if request.param == "made anew" else None)


def test_restorers_of_the_others_are_listed(tried, call, monkeypatch, tmp_path):
    monkeypatch.setattr("workbench.restorers.names.PACKAGED", tmp_path)

    def listed(runs):
        status, out, err = call("restorers", "--runs", runs)
        assert status in (0, 1) and "unexpected" not in err and "runs/good" in out, err

    assert tried(listed) > 10


def test_measurements_of_the_others_are_found(tried):
    def found(runs):
        return [each.run.name for each in find_measurements(runs).measurements]

    assert tried(lambda runs: found(runs)[-1] == "good" or pytest.fail(runs)) > 10


def test_a_run_that_is_asked_for_is_read_or_refused(tried):
    def read(runs):
        for reading in (
            lambda run: load_restorer(run.folder), lambda run: run.recipe, lambda run: run.scalars(),
            lambda run: run.snapshots, lambda run: run.method(),
        ):  # fmt: skip
            try:
                reading(Run(runs / "gone"))
            except WorkbenchError as error:
                assert "\n" not in str(error)

    assert tried(read) > 10
