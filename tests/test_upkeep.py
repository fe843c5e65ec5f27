"""What keeps the project usable: no network in tests, licences that are known, formats that are told."""

import socket
import urllib.error
import urllib.request

import numpy as np
import pytest

from workbench.diagnostics.condition_recording import load_conditions
from workbench.diagnostics.microscope_recording import load_microscope
from workbench.errors import WorkbenchError
from workbench.packaging.licences import format_licences, licences


def test_no_test_reaches_another_machine():
    for name in ("192.0.2.1", "example.org"):
        with pytest.raises(OSError, match=f"a test wants to reach {name}"):
            socket.create_connection((name, 80), timeout=1)
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(f"http://{name}/", timeout=1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=1).close()


def test_licences_of_all_dependencies_are_listed():
    rows = licences()
    told = {name: licence for name, _, licence in rows}
    assert {"torch", "numpy", "gradio", "pydantic-core"} < told.keys() and "noise-da-workbench" not in told
    assert told["numpy"].startswith("BSD") and all(told.values())
    assert "pytest" not in told and "pytest" in {name for name, _, _ in licences("dev")}
    assert format_licences(rows).count("\n") == len(rows) + 1


@pytest.mark.parametrize("load", [load_microscope, load_conditions])
def test_damaged_recordings_and_those_of_other_formats_are_refused(tmp_path, load):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, provenance=np.array('{"format": 99}'), steps=np.arange(100))
    whole = path.read_bytes()
    for place in (None, 20, 60, len(whole) // 2, len(whole) - 30):
        data = bytearray(whole)
        if place is not None:
            data[place] ^= 0x55
        path.write_bytes(data)
        with pytest.raises(WorkbenchError, match=r"a\.npz: not a recording of this version"):
            load(path)
