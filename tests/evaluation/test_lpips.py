"""LPIPS: where its weights are from, and what happens without them."""

import io
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
import torch
from support.photos import noisy, photo
from torch.nn import functional as F  # noqa: N812

from workbench.evaluation import Lpips, Unavailable
from workbench.images import to_uint


def test_lpips_agrees_with_a_plain_computation(weights, monkeypatch):
    """Guards the mapping of the weights: the network written out, with the arrays of the files."""
    monkeypatch.setenv("WORKBENCH_WEIGHTS", str(weights))
    monkeypatch.setattr(urllib.request, "urlopen", None)
    backbone = {k: torch.from_numpy(v) for k, v in np.load(weights / "alexnet_features.npz").items()}
    heads = np.load(weights / "lpips_v0.1_lin.npz")
    shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])

    def features(image):
        x = ((torch.from_numpy(image) * 2 - 1 - shift) / scale).permute(2, 0, 1)[None]
        for index, stride, padding, pool in ((0, 4, 2, 0), (3, 1, 2, 1), (6, 1, 1, 1), (8, 1, 1, 0), (10, 1, 1, 0)):
            x = F.max_pool2d(x, 3, 2) if pool else x
            weight, bias = backbone[f"features.{index}.weight"], backbone[f"features.{index}.bias"]
            x = F.relu(F.conv2d(x, weight, bias, stride, padding))
            yield x / (x.norm(dim=1, keepdim=True) + 1e-10)

    reference = photo(64, 80)
    restored = noisy(reference)
    expected = sum(
        F.conv2d((a - b) ** 2, torch.from_numpy(heads[f"alex.lin{level}.model.1.weight"])).mean().item()
        for level, (a, b) in enumerate(zip(features(restored), features(reference), strict=True))
    )
    metric = Lpips.load()
    assert metric(restored, reference) == pytest.approx(expected, rel=1e-5)
    assert metric(reference, reference) == 0
    pair = [torch.from_numpy(image).permute(2, 0, 1)[None] for image in (restored, reference)]
    assert metric(restored, reference) == metric.network(*pair, normalize=True).item(), "not that of the package"
    assert metric(to_uint(restored), reference) == pytest.approx(expected, rel=0.02)


def test_a_reference_is_looked_at_once(weights, monkeypatch):
    monkeypatch.setenv("WORKBENCH_WEIGHTS", str(weights))
    metric, reference, passes = Lpips.load(), photo(64, 80), []
    metric.network.net.register_forward_hook(lambda *_: passes.append(True))
    values = [metric(noisy(reference), reference), metric(reference, reference)]
    assert len(passes) == 3 and values[0] > values[1] == 0
    reference[:] = reference[::-1].copy()
    assert metric(noisy(reference), reference) != values[0] and len(passes) == 5, "another picture in the same place"


@pytest.mark.parametrize("net", ["alex", "squeeze"])
def test_lpips_is_silent_and_leaves_random_numbers_alone(weights, monkeypatch, capfd, recwarn, net):
    monkeypatch.setenv("WORKBENCH_WEIGHTS", str(weights))
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    metric = Lpips.load(net)
    assert torch.equal(torch.rand(3), expected)
    side = metric.min_side
    assert 0 < metric(photo(side, side), photo(side, side, seed=2)) < 2
    with pytest.raises(RuntimeError):
        metric(photo(side - 1, side), photo(side - 1, side, seed=2))
    assert capfd.readouterr() == ("", "") and not recwarn


def test_lpips_without_network_says_what_to_do(monkeypatch, no_weights, capfd, offline):
    metric = Lpips.load()
    assert isinstance(metric, Unavailable)
    assert metric.reason.startswith("LPIPS not available, because the AlexNet weights")
    for hint in ("Name or service not known", "WORKBENCH_WEIGHTS", "alexnet_features.npz"):
        assert hint in metric.reason
    assert "\n" not in metric.reason and capfd.readouterr() == ("", "")


def test_lpips_does_not_hang_when_nothing_answers(monkeypatch, no_weights):
    monkeypatch.setattr("workbench.evaluation.weights.ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: time.sleep(3))
    start = time.monotonic()
    assert "no answer within 0.1 s" in Lpips.load().reason
    assert time.monotonic() - start < 2


def test_a_damaged_download_is_not_kept(monkeypatch, no_weights):
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: io.BytesIO(b"an error page"))
    assert "arrived damaged" in Lpips.load("squeeze").reason
    assert not list(no_weights.glob("*"))


def test_lpips_takes_a_cached_or_downloaded_checkpoint(weights, monkeypatch, no_weights):
    state = {k: torch.from_numpy(v) for k, v in np.load(weights / "squeezenet1_1_features.npz").items()}
    state["classifier.1.bias"] = torch.zeros(1000)
    no_weights.mkdir(parents=True)
    torch.save(state, no_weights / "squeezenet1_1-b8a52dc0.pth")
    monkeypatch.setattr(urllib.request, "urlopen", None)
    reference = photo()
    cached = Lpips.load("squeeze")(noisy(reference), reference)
    monkeypatch.setenv("WORKBENCH_WEIGHTS", str(weights))
    assert cached == pytest.approx(Lpips.load("squeeze")(noisy(reference), reference), rel=1e-5)


@pytest.mark.parametrize("case", ["damaged archive", "pickled archive", "other arrays", "damaged checkpoint"])
def test_lpips_with_wrong_weights_says_so(monkeypatch, no_weights, tmp_path, case, offline):
    monkeypatch.setenv("WORKBENCH_WEIGHTS", str(tmp_path))
    archive = tmp_path / "alexnet_features.npz"
    if case == "damaged archive":
        archive.write_bytes(b"no archive")
    elif case == "pickled archive":
        np.savez(archive, weights=np.array({"a": 1}, dtype=object))
    elif case == "other arrays":
        np.savez(archive, weights=np.zeros(3))
    else:
        no_weights.mkdir(parents=True)
        (no_weights / "alexnet-owt-7be5be79.pth").write_bytes(b"no checkpoint")
    metric = Lpips.load()
    assert isinstance(metric, Unavailable)
    assert ("do not fit" if case == "other arrays" else "damaged") in metric.reason
