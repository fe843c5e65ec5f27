"""Every notebook runs from top to bottom at its smoke setting, and is committed as a record that reads well."""

import json
import re

import pytest
from support import ROOT

FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
MOST_BYTES = 2_000_000


def read(path):
    import nbformat  # takes two seconds, which processes without these tests do not need

    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One folder for all, so that they share warm starts as they do for readers."""
    return tmp_path_factory.mktemp("runs")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.usefixtures("warm_python")
def test_runs_from_top_to_bottom(path, runs):
    from nbclient import NotebookClient
    from nbformat.v4 import new_code_cell

    notebook = read(path)
    place = next(index for index, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", []))
    injected = new_code_cell(f"SMOKE = True\nRUNS = {str(runs)!r}")
    notebook.cells.insert(place + 1, injected)
    resources = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, timeout=600, startup_timeout=600, kernel_name="python3", resources=resources)
    client.shutdown_kernel = "immediate"  # nothing is left to it; asked politely, it takes three seconds
    client.execute()
    assert [
        output for cell in notebook.cells for output in cell.get("outputs", []) if output.get("name") == "stderr"
    ] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_a_record_that_reads_well(path):
    assert path.stat().st_size < MOST_BYTES
    cells = read(path).cells
    first = next(cell for cell in cells if cell.cell_type == "code")
    assert first.metadata.get("tags") == ["parameters"]
    for name in ("SCALE", "SEEDS", "RUNS", "SMOKE"):
        assert re.search(rf"^{name} = ", first.source, re.MULTILINE), name
    code = [cell for cell in cells if cell.cell_type == "code" and cell.source]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), "executed once, in order"
    for cell in code:
        lines = [line for line in cell.source.splitlines() if line]
        drawing = [line for line in lines if re.search(r"\b(axis|axes|plt|figure|caption|title)\b", line)]
        if len(lines) >= 8 and len(drawing) > len(lines) / 2:
            assert cell.metadata.get("jupyter", {}).get("source_hidden"), f"plotting code is folded: {lines[0]}"
    said = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert said.count("What you see.") >= 2 and "What we found" in said
    outputs = [output for cell in code for output in cell.outputs]
    assert all(output.output_type != "error" and output.get("name") != "stderr" for output in outputs)
    said = json.dumps(outputs)
    assert not re.search(r"/(home|tmp|root|work|Users)/", said), "a local path"
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert "Executed with code" in json.dumps(code[-1].outputs), "where the numbers come from"
