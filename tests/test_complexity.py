"""What networks cost."""

import json
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from workbench import complexity, nets
from workbench.cli import main
from workbench.complexity import _LiveTensors, format_complexity, measure_complexity
from workbench.errors import WorkbenchError
from workbench.papers.noise_space_adaptation import COMPLEXITY_ROWS


class Doubler(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1000))

    def forward(self, image):
        image = image * 2  # two more of them at the same time, and never three
        image = image + 1
        return (image - 1).view(-1)


def test_memory_is_that_of_the_tensors_alive_at_once():
    network, image = Doubler(), torch.zeros(5000)
    with torch.inference_mode(), _LiveTensors(network, [image]) as live:
        result = network(image)
    assert live.peak == 4 * (1000 + 2 * 5000)
    assert live.now == 4 * (1000 + 5000)
    del result
    assert live.now == 4 * 1000


def test_restorers_and_diffusion_networks_are_measured():
    names = ["unet-s", "restormer-pocket", "diffusion-pocket", "drdd-pocket"]
    unet, restormer, diffusion, timed = measure_complexity(names)
    assert (unet.kind, diffusion.kind, timed.kind) == ("restorer", "diffusion", "timed")
    assert unet.parameters == pytest.approx(8.56, abs=0.005) and unet.gmacs == pytest.approx(12.44, abs=0.01)
    assert (unet.published_parameters, unet.published_gmacs) == (8.56, 12.48)
    assert unet.memory > 4 * unet.parameters
    assert restormer.published_gmacs is None, "the paper's is another size"
    assert min(row.seconds for row in (unet, restormer, diffusion, timed)) > 0
    assert unet.seconds > diffusion.seconds


def test_all_steps_of_an_optimisation_count(monkeypatch):
    settings = {"kernel_size": 5, "width": 4, "skip": 2, "levels": 2, "hidden": 8}
    rows = []
    for steps in (1, 7):
        network = nets.build("selfdeblur", steps=steps, **settings)
        monkeypatch.setattr(complexity, "build", lambda name, network=network: network)
        rows += measure_complexity(["selfdeblur"])
    assert rows[0].gmacs > 0 and rows[1].gmacs == pytest.approx(7 * rows[0].gmacs)
    assert rows[1].seconds > 3 * rows[0].seconds


def test_the_papers_other_rows_stand_alone(monkeypatch):
    monkeypatch.setattr(complexity, "RESTORERS", {"dncnn-pocket": None})
    monkeypatch.setattr(complexity, "DIFFUSION_NETWORKS", {})
    monkeypatch.setattr(complexity, "TIMED_NETWORKS", {})
    asked = []
    rows = measure_complexity(progress=asked.append)
    assert asked == ["dncnn-pocket"]
    assert {row.network for row in rows if row.kind == "paper"} >= {"C2N", "MaskedD", "Ours*"}
    assert set(COMPLEXITY_ROWS.values()) <= {row.network for row in rows}
    for row in rows:
        assert (row.parameters is None) == (row.kind == "paper") == (row.published_gmacs is not None)
    table = format_complexity(rows, 128, "a device")
    assert "nine passes" not in table
    assert "nine passes" in format_complexity([replace(rows[0], network="ap-bsn-pocket")], 128, "a device")
    assert "128x128 on a device" in table and "280.48" in table and "Liao et al." in table


def test_wrong_sides_and_names_are_refused():
    with pytest.raises(WorkbenchError, match="side 100: give a multiple of 128"):
        measure_complexity(["unet-t"], side=100)
    with pytest.raises(WorkbenchError, match="no network is called 'unet-x'"):
        measure_complexity(["unet-x"])


def test_command_prints_and_writes_the_table(monkeypatch, capsys, tmp_path):
    arguments = ["complexity", "unet-pocket", "--device", "cpu", "--json", str(tmp_path / "cost.json")]
    monkeypatch.setattr(sys, "argv", ["workbench", *arguments])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 0
    assert "unet-pocket" in capsys.readouterr().out
    written = json.loads((tmp_path / "cost.json").read_text())
    (network,) = written["networks"]
    assert network["parameters"] == pytest.approx(0.13, abs=0.005) and "commit" in written["provenance"]
