"""SIDD's blocks from MATLAB files, aligned RealBlur, DND's submission; the other protocols are in test_evaluation."""

import math
import tracemalloc

import h5py
import numpy as np
import pytest
import scipy.io
from skimage import data, transform

from workbench.data.matlab import open_blocks
from workbench.errors import WorkbenchError
from workbench.evaluation import dnd, ecc, evaluate_pairs, get_protocol, metrics, sets
from workbench.evaluation.measures import FIDELITY
from workbench.images import write_png

SHAPE = (3, 2, 24, 16, 3)


def random_blocks(seed, shape=SHAPE):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def write_mat(path, array, kind):
    if kind == "7.3":
        with h5py.File(path, "w", userblock_size=512) as file:
            file.create_dataset("blocks", data=array.T, chunks=True, compression="gzip")
    else:
        scipy.io.savemat(path, {"first": np.arange(5.0), "blocks": array}, do_compression=kind == "7")


# SIDD


@pytest.mark.parametrize("kind", ["6", "7", "7.3"])
def test_blocks_of_every_matlab_version(tmp_path, kind):
    blocks = random_blocks(0)
    write_mat(tmp_path / "a.mat", blocks, kind)
    with open_blocks(tmp_path / "a.mat") as opened:
        assert tuple(opened.shape) == SHAPE
        for image in (2, 0, 1):
            np.testing.assert_array_equal(opened[image], blocks[image])


def test_big_endian_files_with_short_names(tmp_path):
    """Put together by hand after the description of the format: scipy writes little-endian files only."""
    blocks = random_blocks(0, (2, 1, 4, 5, 3))

    def element(kind, content):
        return np.array([kind, len(content)], ">u4").tobytes() + content + bytes(-len(content) % 8)

    name = np.array([2, 1], ">u2").tobytes() + b"ab\0\0"  # two characters of type 1, in the tag itself
    flags, shape = np.array([9, 0], ">u4").tobytes(), np.array(blocks.shape, ">i4").tobytes()
    matrix = element(6, flags) + element(5, shape) + name + element(2, blocks.tobytes(order="F"))
    (tmp_path / "a.mat").write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI" + element(14, matrix))
    with open_blocks(tmp_path / "a.mat") as opened:
        np.testing.assert_array_equal(np.stack([opened[0], opened[1]]), blocks)


def test_memory_holds_one_image_at_a_time(tmp_path):
    blocks = random_blocks(0, (16, 8, 128, 256, 3))
    write_mat(tmp_path / "a.mat", blocks, "7")
    tracemalloc.start()
    with open_blocks(tmp_path / "a.mat") as opened:
        for image, expected in enumerate(blocks):
            np.testing.assert_array_equal(opened[image], expected)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < blocks.nbytes / 2


@pytest.mark.parametrize("kind", ["6", "7", "7.3"])
def test_a_damaged_matlab_file_is_named(tmp_path, kind):
    path = tmp_path / "a.mat"
    write_mat(path, random_blocks(0), kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(WorkbenchError, match=r"a\.mat: not a MATLAB file that can be read, or cut short"):
        with open_blocks(path) as opened:
            [opened[image] for image in range(3)]


def test_other_content_is_refused(tmp_path):
    path = tmp_path / "a.mat"
    for content, message in (
        (np.zeros((4, 5, 3), np.uint8), r"should hold one array of \(images, blocks, height, width, 3\)"),
        (np.zeros(SHAPE), "8-bit integers"),
    ):
        for kind in ("7", "7.3"):
            write_mat(path, content, kind)
            with pytest.raises(WorkbenchError, match=message), open_blocks(path):
                pass
    path.write_bytes(b"")
    with pytest.raises(WorkbenchError, match="no MATLAB header"), open_blocks(path):
        pass
    with pytest.raises(WorkbenchError, match=r"b\.mat: no such file"), open_blocks(tmp_path / "b.mat"):
        pass


def test_errors_of_the_reader_of_blocks_are_not_taken_for_damage(tmp_path):
    write_mat(tmp_path / "a.mat", random_blocks(0), "7")
    with pytest.raises(OSError, match="disk full"), open_blocks(tmp_path / "a.mat"):
        raise OSError("disk full")


@pytest.fixture
def sidd(tmp_path, monkeypatch):
    """A folder like SIDD's, of smaller blocks, and its two arrays."""
    monkeypatch.setattr(sets, "SIDD_SHAPE", SHAPE)
    noisy, clean = random_blocks(0), random_blocks(1)
    write_mat(tmp_path / sets.SIDD_NOISY, noisy, "7")
    write_mat(tmp_path / sets.SIDD_CLEAN, clean, "7.3")
    return tmp_path, noisy, clean


@pytest.mark.parametrize(("protocol", "ssim"), [("blocks", metrics.ssim), ("blocks-volume", metrics.ssim_volume)])
def test_sidd_validation(sidd, protocol, ssim):
    folder, noisy, clean = sidd
    found = sets.open_set(str(folder))
    assert (found.name, found.data_set, found.size) == ("sidd/validation", "sidd/validation", 6)
    report = found.evaluate(lambda image: image + np.float32(0.001), protocol, metrics=FIDELITY)
    assert [image["name"] for image in report["images"]] == [f"{i:04d}_{b:02d}" for i in (1, 2, 3) for b in (1, 2)]
    expected = []
    for degraded, reference in zip(noisy.reshape(-1, 24, 16, 3), clean.reshape(-1, 24, 16, 3), strict=True):
        # Clipped, not rounded: on 8 bits the added 0.001 would be lost
        restored = np.clip(degraded / np.float32(255) + np.float32(0.001), 0, 1)
        reference = reference / np.float32(255)
        expected.append((metrics.psnr(restored, reference, 1), ssim(restored, reference, 1)))
    measured = [(image["psnr"], image["ssim"]) for image in report["images"]]
    np.testing.assert_allclose(measured, expected, rtol=1e-6)
    assert report["mean"]["psnr"] == pytest.approx(np.mean(expected, axis=0)[0])


def test_sidd_of_another_shape_is_refused(sidd, monkeypatch):
    monkeypatch.setattr(sets, "SIDD_SHAPE", (40, 32, 256, 256, 3))
    with pytest.raises(WorkbenchError, match="holds .*, SIDD's validation blocks are"):
        next(iter(sets.SiddValidation(sidd[0])))


# RealBlur


def astronaut():
    return np.ascontiguousarray(data.astronaut()[20:180, 150:330])


MOVED = np.array([[1.004, 0.003, 2.3], [-0.004, 0.997, -1.4], [4e-6, -6e-6, 1.0]])


def moved(reference, gain=1.0):
    values = transform.warp(reference / 255.0, MOVED, order=3, mode="reflect")
    return np.rint(np.clip(gain * values, 0, 1) * 255).astype(np.uint8)


# The data set's own procedure with OpenCV 5.0 on these pictures: the matrix it finds (gain 1), PSNR and SSIM by gain.
OPENCV = np.array(
    [
        [9.9624968e-01, -3.2774950e-03, -2.2866008e00],
        [4.2510936e-03, 1.0028425e00, 1.3818550e00],
        [-8.9715155e-07, 3.0638107e-06, 1.0],
    ]
)
OPENCV_SCORES = {1.0: (35.711087, 0.9902647), 0.9: (35.707051, 0.9901651), 0.8: (35.701997, 0.9900238)}


@pytest.mark.parametrize("gain", OPENCV_SCORES)
def test_aligned_scores_agree_with_opencv(gain):
    """As far as two treatments of the borders do on a small picture."""
    reference, (psnr, ssim) = astronaut(), OPENCV_SCORES[gain]
    measured = get_protocol("rgb-ecc").measure(moved(reference, gain), reference)
    assert measured == (pytest.approx(psnr, abs=0.04), pytest.approx(ssim, abs=5e-4))
    assert get_protocol("rgb").psnr(moved(reference, gain), reference) < 20


def test_resampling_and_scores_agree_with_opencv_on_its_matrix(monkeypatch):
    monkeypatch.setattr(ecc, "homography", lambda moving, fixed: OPENCV)
    psnr, ssim = OPENCV_SCORES[1.0]
    measured = get_protocol("rgb-ecc").measure(moved(astronaut()), astronaut())
    assert measured == (pytest.approx(psnr, abs=1e-3), pytest.approx(ssim, abs=5e-5))


def test_homography_is_recovered():
    reference = astronaut()
    matrix = ecc.homography(moved(reference) / 255.0, reference / 255.0)
    corners = np.array([[20, 20, 1], [160, 20, 1], [20, 140, 1], [160, 140, 1.0]]).T
    found, true = (m @ corners for m in (matrix, np.linalg.inv(MOVED)))
    np.testing.assert_allclose(found[:2] / found[2], true[:2] / true[2], atol=0.1)


def test_cubic_warp():
    picture = np.random.default_rng(0).random((6, 7, 3))
    np.testing.assert_allclose(ecc.warp_cubic(picture, np.eye(3)), picture)
    shifted = ecc.warp_cubic(picture, np.array([[1, 0, 2], [0, 1, -1], [0, 0, 1.0]]))
    np.testing.assert_allclose(shifted[1:, :5], picture[:5, 2:])
    np.testing.assert_allclose(shifted[0, :5], picture[0, 2:])  # mirrored at the edge
    half = ecc.warp_cubic(picture, np.array([[1, 0, 0.5], [0, 1, 0], [0, 0, 1.0]]))
    by_hand = (-0.09375, 0.59375, 0.59375, -0.09375) @ picture[2, 1:5]  # Keys' kernel with a = -0.75 at a half
    np.testing.assert_allclose(half[2, 2], by_hand)


def test_only_what_lies_inside_counts():
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 20, 24, 3))
    everything = np.ones((20, 24), bool)
    assert metrics.psnr_inside(x, y, everything, 1) == pytest.approx(metrics.psnr(x, y, 1))
    by_channel = [metrics.ssim_gaussian(x[..., c], y[..., c], 1) for c in range(3)]
    assert metrics.ssim_inside(x, y, everything, 1) == pytest.approx(np.mean(by_channel))
    left = everything.copy()
    left[:, 12:] = False
    assert metrics.psnr_inside(x, y, left, 1) == pytest.approx(metrics.psnr(x[:, :12], y[:, :12], 1))
    changed = np.where(left[..., None], y, rng.random(y.shape))
    assert metrics.ssim_inside(x, changed, left, 1) == metrics.ssim_inside(x, y, left, 1)
    matrix = np.array([[1, 0, 2.4], [0, 1, 0], [0, 0, 1.0]])
    np.testing.assert_array_equal(ecc.valid(matrix, (3, 5)), np.tile([True, True, True, False, False], (3, 1)))


def test_pictures_that_cannot_be_aligned_have_no_number_but_a_reason():
    reference = astronaut()
    rng = np.random.default_rng(0)
    pairs = [
        ("same", reference, reference),
        ("flat", np.full_like(reference, 90), reference),
        ("black", np.zeros_like(reference), reference),
        ("negative", 255 - reference, reference),
        ("tiny", rng.integers(0, 256, (2, 2, 3), np.uint8), rng.integers(0, 256, (2, 2, 3), np.uint8)),
    ]
    report = evaluate_pairs(lambda image: image, pairs, "rgb-ecc", metrics=FIDELITY)
    scores = {image["name"]: image for image in report["images"]}
    assert scores["same"]["psnr"] is None and scores["same"]["ssim"] == 1
    for name in ("flat", "black", "negative"):
        assert scores[name]["psnr"] is None and scores[name]["ssim"] is None
        assert name in report["unavailable"]["psnr"] and name in report["unavailable"]["ssim"]
    assert "PSNR not available where images cannot be aligned, one is flat" in report["unavailable"]["psnr"]
    assert get_protocol("rgb-ecc").psnr(reference, reference) == math.inf


# DND


@pytest.fixture
def crops(tmp_path, monkeypatch):
    monkeypatch.setattr(dnd, "PHOTOGRAPHS", 2)
    monkeypatch.setattr(dnd, "BOXES", 3)
    monkeypatch.setattr(dnd, "SIDE", 8)
    rng = np.random.default_rng(0)
    folder, arrays = tmp_path / "dnd" / "images", {}
    folder.mkdir(parents=True)
    for photograph in (1, 2):
        for box in (1, 2, 3):
            arrays[photograph, box] = rng.integers(0, 65536, (8, 8, 3), np.uint16)
            write_png(folder / f"{photograph:04d}_{box:02d}.png", arrays[photograph, box])
    return folder, arrays


def test_dnd_submission(crops, tmp_path):
    folder, arrays = crops
    reported = []
    written = dnd.write_submission(
        folder.parent, tmp_path / "submission", lambda crop: crop + np.float32(0.25), reported.append
    )
    assert [path.name for path in written] == ["0001.mat", "0002.mat"] and reported == written
    assert sorted(path.name for path in (tmp_path / "submission").iterdir()) == ["0001.mat", "0002.mat"]
    for photograph, path in enumerate(written, 1):
        content = scipy.io.loadmat(path)
        assert content["Idenoised"].shape == (1, 3) and content["Idenoised"].dtype == object
        for box, crop in enumerate(content["Idenoised"][0], 1):
            assert crop.dtype == np.float32
            expected = np.minimum(arrays[photograph, box] / np.float32(65535) + np.float32(0.25), 1)
            np.testing.assert_array_equal(crop, expected)
        assert content["israw"].item() == 0 and scipy.io.whosmat(path)[1] == ("israw", (1, 1), "logical")
        assert content["eval_version"].item() == "1.0"


def test_dnd_submission_is_refused_before_anything_is_written(crops, tmp_path):
    folder, _ = crops
    (folder / "0002_01.png").unlink()
    with pytest.raises(WorkbenchError, match="images: 1 of the 6 crops of DND are missing, such as 0002_01.png; make"):
        dnd.write_submission(folder, tmp_path / "submission", lambda crop: crop)
    assert not (tmp_path / "submission").exists()
    write_png(folder / "0002_01.png", np.zeros((8, 9, 3), np.uint8))
    with pytest.raises(WorkbenchError, match=r"0002_01\.png: 9x8 pixels, 8x8 expected"):
        dnd.write_submission(folder, tmp_path / "submission", lambda crop: crop)
    with pytest.raises(WorkbenchError, match=r"0001_01\.png: the restorer's output is not finite"):
        dnd.write_submission(folder, tmp_path / "submission", lambda crop: crop * np.nan)
