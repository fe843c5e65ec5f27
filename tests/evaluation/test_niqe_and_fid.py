"""NIQE and FID: what they say of known changes, and what they need."""

import io
import sys
import urllib.request

import numpy as np
import pytest
import torch
from support.photos import flat, noisy

from workbench.data.embedded import source_photographs
from workbench.errors import WorkbenchError
from workbench.evaluation import NoValue, Sample, Unavailable, evaluate_folder, evaluate_pairs, get_protocol
from workbench.evaluation.fid import Fid
from workbench.evaluation.niqe import Niqe
from workbench.images import write_png


def sample(picture, reference=None):
    return Sample(picture, reference, get_protocol("rgb"))


@pytest.fixture(scope="module")
def photographs():
    return [shot.pixels.astype(np.float32) / 255 for shot in source_photographs("held-out")[:4]]


@pytest.fixture(scope="module")
def statistics(photographs):
    """Mean and covariance as deepinv fits them, of three photographs."""
    from deepinv.loss.metric import NIQE

    fitted = NIQE(weights_path=None, round_tensor=True, patch_overlap=80, dtype=torch.float64)
    pictures = [torch.from_numpy(255 * image).permute(2, 0, 1).double() for image in photographs[1:]]
    fitted.create_weights(pictures, sharpness_threshold=0)
    return fitted.mu_p, fitted.cov_p


@pytest.fixture
def archive(statistics, no_weights, monkeypatch, tmp_path):
    mean, covariance = (each.numpy() for each in statistics)
    np.savez(tmp_path / "niqe_pris_params.npz", mu_pris_param=mean[None], cov_pris_param=covariance)
    monkeypatch.setenv("WORKBENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", None)


def test_niqe_is_higher_for_noise_and_blur_and_has_no_value_where_there_are_no_statistics(archive, photographs):
    niqe = Niqe.load()
    clean = photographs[0]
    blurred = sum(np.roll(clean, shift, axis) for shift in range(-3, 4) for axis in (0, 1)) / 14
    assert niqe.measure(sample(clean)) > 0
    assert all(niqe.measure(sample(each)) > 1.2 * niqe.measure(sample(clean)) for each in (noisy(clean), blurred))
    with pytest.raises(NoValue, match="two patches of 96x96"):
        niqe.measure(sample(clean[:191, :191]))
    with pytest.raises(NoValue, match="contrast"):
        niqe.measure(sample(flat(0.5, 200)))


def test_niqe_agrees_between_both_files_of_statistics(archive, statistics, no_weights, monkeypatch, photographs):
    picture = sample(np.rint(255 * photographs[0]).astype(np.uint8))
    expected = Niqe.load().measure(picture)
    monkeypatch.delenv("WORKBENCH_WEIGHTS")
    no_weights.mkdir(parents=True)
    torch.save(dict(zip(("mu", "cov"), statistics, strict=True)), no_weights / "niqe_weights.pt")
    assert Niqe.load().measure(picture) == expected == Niqe.load().measure(sample(photographs[0]))


def test_niqe_without_its_file_says_what_to_do_and_others_are_measured(
    no_weights, offline, photographs, monkeypatch, tmp_path
):
    report = evaluate_pairs(lambda image: image, [("a", photographs[0], photographs[0])], metrics=("niqe", "ssim"))
    assert report["mean"] == {"niqe": None, "ssim": 1}
    assert (
        "niqe_pris_params.npz" in report["unavailable"]["niqe"] and "WORKBENCH_WEIGHTS" in report["unavailable"]["niqe"]
    )
    monkeypatch.setenv("WORKBENCH_WEIGHTS", str(tmp_path))
    for arrays, said in ({"mu_pris_param": np.zeros(36)}, "lack 'cov_pris"), (
        {"mu_pris_param": np.zeros(3), "cov_pris_param": np.zeros((3, 3))}, "36 features"
    ):  # fmt: skip
        np.savez(tmp_path / "niqe_pris_params.npz", **arrays)
        assert said in Niqe.load().reason


def test_pictures_without_references_are_measured_by_metrics_that_need_none(archive, photographs, tmp_path):
    folder = tmp_path / "mef"
    (folder / "images").mkdir(parents=True)
    for number, image in enumerate(photographs[:2]):
        write_png(folder / "images" / f"{number}.png", np.rint(image * 255).astype(np.uint8))
    report = evaluate_folder(lambda image: image, folder, metrics=("niqe", "noise"))
    assert [image["name"] for image in report["images"]] == ["0.png", "1.png"] and not report["failed"]
    assert report["mean"] == report["input_mean"] and report["mean"]["niqe"] > 0
    with pytest.raises(WorkbenchError, match="input/ is missing .without pairs there are niqe, noise, blur"):
        evaluate_folder(lambda image: image, folder, metrics=("niqe", "psnr"))


def test_fid_is_the_distance_of_two_gaussians():
    fid = Fid(None)
    rng = np.random.default_rng(0)
    theirs = rng.normal(size=(500, 4))
    theirs = (theirs - theirs.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(theirs.T))).T
    spread, shift = np.array([1.0, 2.0, 0.5, 1.0]), np.array([3.0, 0, 0, 4.0])
    apart = list(zip(theirs * spread + shift, theirs, strict=True))
    assert fid.of_set(apart) == pytest.approx(25 + 1 + 0.25, rel=1e-6)
    assert fid.of_set(list(zip(theirs[::-1], theirs, strict=True))) == pytest.approx(0, abs=1e-6)


def test_fid_is_a_number_of_a_set(monkeypatch, photographs):
    def colours(pixels):
        assert pixels.dtype == torch.uint8 and pixels.shape[:2] == (1, 3)
        return pixels.double().mean((2, 3))

    monkeypatch.setattr(Fid, "load", classmethod(lambda cls: cls(colours)))
    pairs = [(str(number), image / 2, image) for number, image in enumerate(photographs)]
    report = evaluate_pairs(lambda image: 2 * image, pairs, metrics=("psnr", "fid"))
    assert abs(report["mean"]["fid"]) < 1 < report["input_mean"]["fid"] and "fid" not in report["images"][0]
    alone = evaluate_pairs(lambda image: image, pairs[:1], metrics=("fid",))
    assert alone["mean"] == alone["input_mean"] == {"fid": None}
    assert alone["unavailable"]["fid"] == "FID needs two pictures: the set, the set (input)"


def test_fid_without_its_package_or_weights_says_so(no_weights, offline, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    assert "pip install torch-fidelity" in Fid.load().reason


def test_fid_takes_the_networks_weights_from_a_file_and_unpickles_nothing(no_weights, offline, monkeypatch, tmp_path):
    inception = pytest.importorskip(
        "torch_fidelity.feature_extractor_inceptionv3", reason="the extra fid is not installed here"
    )
    reason = Fid.load().reason
    assert "Inception weights are not on this machine" in reason and "WORKBENCH_WEIGHTS" in reason
    name = inception.URL_INCEPTION_V3.rpartition("/")[2]
    monkeypatch.setenv("WORKBENCH_WEIGHTS", str(tmp_path))
    torch.save({"weights": io.BytesIO(b"an object")}, tmp_path / name)
    assert isinstance(Fid.load(), Unavailable) and "damaged" in Fid.load().reason
    torch.save({"fc.weight": torch.zeros(2)}, tmp_path / name)
    assert "do not fit" in Fid.load().reason
    with monkeypatch.context() as patch:  # a network with weights drawn at random
        patch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(inception.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        network = inception.FeatureExtractorInceptionV3("drawn", ["2048"])
    torch.save(network.state_dict(), tmp_path / name)
    picture = np.random.default_rng(0).integers(0, 256, (40, 52, 3), dtype=np.uint8)
    ours, theirs = Fid.load().measure(sample(picture, picture.astype(np.float32) / 255))
    expected = network(torch.from_numpy(picture).permute(2, 0, 1)[None])[0][0].numpy()
    assert np.array_equal(ours, theirs) and np.allclose(ours, expected, atol=1e-6) and expected.std() > 0
