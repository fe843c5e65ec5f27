import json

import pytest
import torch
from torch import nn

from workbench import nets
from workbench.errors import WorkbenchError
from workbench.exporting import INPUT, OUTPUT, TOLERANCE, export_onnx, export_torch
from workbench.restorers import Restorer


@pytest.fixture(scope="module")
def restorer():
    torch.manual_seed(0)
    settings = {"name": "unet-pocket", "width": 4, "depth": 2}
    return Restorer.of(nets.build(**settings), settings, data_range=(-1.0, 1.0))


def expected(restorer, images):
    return torch.cat([restorer(image[None]) for image in images])


def test_a_program_of_torch_takes_images_of_any_size(restorer, tmp_path):
    assert export_torch("mine", restorer, {"format": 2}, tmp_path / "new" / "mine.pt2") <= TOLERANCE
    kept = {"card.json": ""}
    program = torch.export.load(tmp_path / "new" / "mine.pt2", extra_files=kept).module()
    assert json.loads(kept["card.json"]) == {"format": 2}
    for shape in ((1, 3, 17, 31), (3, 3, 24, 16)):
        images = torch.rand(shape)
        assert torch.allclose(program(images), expected(restorer, images), atol=TOLERANCE)


def test_an_onnx_file_takes_images_of_any_size(restorer, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed here")
    pytest.importorskip("onnxscript", reason="the extra onnx is not installed here")
    assert export_onnx("mine", restorer, {"format": 2}, tmp_path / "mine.onnx") <= TOLERANCE
    session = onnxruntime.InferenceSession(tmp_path / "mine.onnx", providers=["CPUExecutionProvider"])
    assert json.loads(session.get_modelmeta().custom_metadata_map["card"]) == {"format": 2}
    images = torch.rand(2, 3, 19, 33)
    (found,) = session.run([OUTPUT], {INPUT: images.numpy()})
    assert torch.allclose(torch.from_numpy(found), expected(restorer, images), atol=TOLERANCE)


class OfOneSize(nn.Module):
    multiple, halo = 1, 0

    def __init__(self, scale=2.0):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))

    def forward(self, degraded, window=None):
        return degraded * (self.scale if int(degraded.mean() > -1) else 1)  # looks at the values: not to be traced


def test_what_cannot_be_exported_says_so_and_writes_nothing(restorer, tmp_path):
    several = restorer.with_options({"ensemble": 8})
    with pytest.raises(WorkbenchError, match="mine: cannot be exported, for it restores by a procedure"):
        export_torch("mine", several, {}, tmp_path / "mine.pt2")
    with pytest.raises(WorkbenchError, match="odd: cannot be exported for images of any size"):
        export_torch("odd", Restorer.of(OfOneSize()), {}, tmp_path / "mine.pt2")
    assert not list(tmp_path.iterdir())
