"""The job behind the Compare tab: its restorers, pictures, spectrum and report."""

import json
import pickle
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from support.apps import PAIR, write_run

from apps import comparison, measuring, pairs, pictures, report, restorers, spectrum
from workbench.errors import WorkbenchError
from workbench.evaluation.no_reference import no_reference
from workbench.images import read_image, write_png
from workbench.nets import build
from workbench.restore import restore_array
from workbench.restorers import Restorer, load_restorer, save_restorer

pytestmark = pytest.mark.usefixtures("nothing_packaged", "no_lpips")


# Restorers to choose from


def test_finished_runs_are_found_and_the_demo_pair_comes_first(choices):
    assert [choice.name for choice in choices] == [*PAIR, "another"]
    assert pairs.first_choice(choices) == PAIR
    assert restorers.titles(choices[:2]) == ["vanilla", "adapted"]
    assert restorers.titles(choices) == [PAIR[0], "adapted", "another"]  # two are vanilla


def test_a_broken_run_is_named_and_the_others_stay(tmp_path):
    write_run(tmp_path, "good", "vanilla", 0)
    (write_run(tmp_path, "bad", "vanilla", 0) / "restorer.json").write_text("{")
    found, problems = restorers.find_restorers(tmp_path)
    assert [choice.name for choice in found] == ["good"]
    assert len(problems) == 1 and "bad" in problems[0]


def test_no_runs_folder(tmp_path):
    assert restorers.find_restorers(tmp_path / "missing") == ([], [])


def test_an_uploaded_restorer_restores_as_its_original(runs, tmp_path, photo):
    files = [runs / "another" / f"restorer{suffix}" for suffix in (".safetensors", ".json")]
    choice = restorers.add_upload(files, [])
    assert choice.name == "restorer (uploaded)"
    again = restorers.add_upload(files, [choice.name])
    assert again.name == "restorer (uploaded 2)"
    job = comparison.compare([photo], [choice, again])
    expected = restore_array(load_restorer(runs / "another")[0], read_image(photo).pixels)
    for view in job.comparisons[0].restored:
        np.testing.assert_array_equal(view.pixels, expected)


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda folder: (folder / "restorer.json").unlink(), "two files"),
        (lambda folder: (folder / "restorer.safetensors").write_bytes(pickle.dumps({"weights": 1})), "safetensors"),
        (lambda folder: (folder / "restorer.safetensors").write_bytes(b""), "safetensors"),
        (lambda folder: (folder / "restorer.json").write_text("[]"), "card"),
        (lambda folder: _change_network(folder, name="nothing"), "nothing"),
        (lambda folder: _change_network(folder, width=8), "weights"),
        (lambda folder: _change_network(folder, width=10**9), "network"),
        (lambda folder: _change_network(folder, depth=10**9), "network"),
        (lambda folder: _change_network(folder, width="wide"), "network"),
        (lambda folder: _change_network(folder, init="magic"), "network"),
    ],
)
def test_an_upload_that_is_no_restorer_is_refused_in_one_line(tmp_path, spoil, message):
    folder = write_run(tmp_path, "run", "vanilla", 0)
    spoil(folder)
    files = sorted(folder.glob("restorer.*"))
    with pytest.raises(WorkbenchError, match=message) as caught:
        restorers.add_upload(files, [])
    assert "\n" not in str(caught.value) and "workbench-restorer-" not in str(caught.value)


def _change_network(folder: Path, **changes) -> None:
    card = json.loads((folder / "restorer.json").read_text())
    card["networks"]["restorer"]["network"] |= changes
    (folder / "restorer.json").write_text(json.dumps(card))


def test_a_restorer_with_other_options_is_told_apart(tmp_path, photo):
    network = {"name": "ap-bsn-pocket", "width": 4, "modules": 1}
    folder = write_run(tmp_path, "blind", "ap-bsn", 0)
    save_restorer(folder / "restorer.safetensors", Restorer.of(build(**network), network), provenance={})
    known, _ = restorers.find_restorers(tmp_path)
    names = ["blind", "blind [refinements=0]", "blind [ refinements = 0 ]", "blind [refinements=8]"]
    found = restorers.chosen(names, known)
    assert [choice.name for choice in found] == names[:2], "the own options are no others"
    assert found[1].facts["options"].startswith("stride=2, refinements=0") and found[1].card["kind"] == "blind-spot"
    job = comparison.compare([photo], found)
    assert list(job.comparisons[0].views)[1:] == names[:2]
    first, second = (view.pixels for view in job.comparisons[0].restored)
    assert (first != second).any()
    expected = load_restorer(folder, {"refinements": 0})[0].restore(read_image(photo).pixels)
    np.testing.assert_array_equal(second, expected)
    assert [card["options"]["refinements"] for card in report.as_dict(job)["restorers"].values()] == [8, 0]
    for wrong in ("blind [refinements=-1]", "blind [magic=1]", "blind [refinements]", "nobody [steps=1]"):
        with pytest.raises(WorkbenchError):
            restorers.chosen([wrong], known)


def test_pickled_code_in_an_upload_is_not_run(tmp_path):
    marker = tmp_path / "marker"

    class Trap:
        def __reduce__(self):
            return (marker.write_text, ("run",))

    folder = write_run(tmp_path, "run", "vanilla", 0)
    torch.save(Trap(), folder / "restorer.safetensors")
    with pytest.raises(WorkbenchError):
        restorers.add_upload(sorted(folder.glob("restorer.*")), [])
    assert not marker.exists()


# The job


def test_awgn_has_the_photo_as_reference(choices, photo):
    job = comparison.compare([photo], choices[:2], comparison.Degradation("awgn", sigma=25))
    views = job.comparisons[0].views
    assert list(views) == ["input", "vanilla", "adapted", "reference"]
    np.testing.assert_array_equal(views["reference"].pixels, read_image(photo).pixels)
    assert 15 < views["input"].scores["psnr"] < 30
    assert views["vanilla"].scores["lpips"] is None
    assert views["vanilla"].seconds > 0 and views["vanilla"].megapixels_per_second > 0
    assert "LPIPS not available in this test" in job.comparisons[0].notes


def test_ssim_of_a_very_large_photo_is_left_out_and_that_is_said(choices, photo, monkeypatch):
    monkeypatch.setitem(measuring.MOST_PIXELS, "ssim", 1000)
    found = comparison.compare([photo], choices[:1], comparison.Degradation("awgn")).comparisons[0]
    assert found.views["input"].scores["ssim"] is None and found.views["input"].scores["psnr"] is not None
    assert any("SSIM is left out" in note for note in found.notes)


def test_the_simulated_camera_keeps_the_size_and_brings_a_reference(choices, photo):
    job = comparison.compare([photo], choices[:1], comparison.Degradation("camera", camera="strong"))
    assert job.comparisons[0].size == (64, 48)
    assert "simulated camera" in job.comparisons[0].origin
    assert job.comparisons[0].views["input"].scores["psnr"] is not None


def test_without_a_reference_noise_and_blur_are_estimated_and_nothing_is_called_best(choices, photo):
    job = comparison.compare([photo], choices[:2])
    found = job.comparisons[0]
    assert list(found.views) == ["input", "vanilla", "adapted"]
    assert all(set(view.scores) == {"noise", "blur"} for view in found.views.values())
    assert found.views["input"].scores == no_reference(read_image(photo).pixels)
    table = report.table(found)
    assert "No reference" in table and "noise / 255" in table and "PSNR" not in table and "<b>" not in table
    assert report.as_dict(job)["photos"][0]["views"]["input"] == found.views["input"].scores
    text = report.as_markdown(job)
    assert "noise / 255" in text and "PSNR / dB" not in text and "No reference" in text


def test_with_a_reference_the_table_shows_what_is_measured_against_it(choices, photo):
    job = comparison.compare([photo], choices[:2], comparison.Degradation("awgn"))
    assert "noise / 255" not in report.table(job.comparisons[0]) + report.as_markdown(job)


def test_sixteen_bits_and_alpha_reach_the_download(choices, tmp_path):
    pixels = np.random.default_rng(1).integers(0, 2**16, (40, 40, 3), dtype=np.uint16)
    alpha = np.full((40, 40), 1000, np.uint16)
    write_png(tmp_path / "deep.png", pixels, alpha)
    found = comparison.compare([tmp_path / "deep.png"], choices[:1]).comparisons[0]
    restored = read_image(report.write_pictures(found)[1])
    assert restored.bits == 16
    np.testing.assert_array_equal(restored.alpha, alpha)
    np.testing.assert_array_equal(restored.pixels, found.restored[0].pixels)


def test_several_photos_take_the_references_of_their_names(choices, tmp_path):
    rng = np.random.default_rng(2)
    for side in ("input", "target"):
        (tmp_path / side).mkdir()
        for name in ("a", "b"):
            write_png(tmp_path / side / f"{name}.png", rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
    photos = [tmp_path / "input" / f"{name}.png" for name in ("a", "b")]
    job = comparison.compare(photos, choices[:1], references=[tmp_path / "target" / "b.png"])
    assert [list(found.views)[-1] for found in job.comparisons] == ["vanilla", "reference"]
    with pytest.raises(WorkbenchError, match="no photo of that name"):
        comparison.compare(photos, choices[:1], references=[tmp_path / "target" / "b.png", tmp_path / "other.png"])


def test_a_reference_of_another_size_is_named(choices, photo, tmp_path):
    write_png(tmp_path / "small.png", np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(WorkbenchError, match="64x48, its reference 32x32"):
        comparison.compare([photo], choices[:1], references=[tmp_path / "small.png"])


def test_a_bad_photo_does_not_stop_the_others(choices, photo, tmp_path):
    (tmp_path / "empty.png").touch()
    job = comparison.compare([tmp_path / "empty.png", photo], choices[:1])
    assert [found.name for found in job.comparisons] == ["photo.png"]
    assert job.failures == {"empty.png": "empty.png: the file is empty"}


def test_stop_is_heard_between_tiles(choices, tmp_path):
    write_png(tmp_path / "large.png", np.zeros((1300, 660, 3), np.uint8))
    stop, told = threading.Event(), []

    def progress(share, text):
        told.append(text)
        if "tile 1" in text:
            stop.set()

    with pytest.raises(comparison.CancelledError):
        comparison.compare([tmp_path / "large.png"], choices[:2], progress=progress, stop=stop)
    assert any("tile 1 of" in text for text in told) and not any("tile 2 of" in text for text in told)


def test_files_of_a_job_go_with_it(choices, photo):
    job = comparison.compare([photo], choices[:1])
    folder = Path(job.folder.name)
    assert folder.is_dir()
    del job
    assert not folder.exists()


def test_nothing_or_too_much_to_do_is_said(choices, photo):
    with pytest.raises(WorkbenchError, match="no photo yet"):
        comparison.compare([], choices[:2])
    with pytest.raises(WorkbenchError, match="two to 4 restorers"):
        comparison.compare([photo], [])
    with pytest.raises(WorkbenchError, match="too many"):
        comparison.compare([photo] * 13, choices[:2])


# Pictures, spectrum, report


def test_crops_are_the_same_place_of_every_view(choices, photo):
    found = comparison.compare([photo], choices[:2]).comparisons[0]
    crop = pictures.Crop(1.0, 0.0, 16)
    assert crop.window(*found.size) == (slice(0, 30), slice(34, 64))
    large = read_image(pictures.enlarged(found, found.views["input"], crop)).pixels
    np.testing.assert_array_equal(large[::16, ::16], found.views["input"].pixels[0:30, 34:64])
    page = pictures.crop_figures(found, crop)
    assert page.count("<figure>") == 3
    assert pictures.difference_figures(found, crop, "input", 5).count("<figure>") == 2


def test_a_previews_longest_side_is_bounded(choices, tmp_path):
    write_png(tmp_path / "wide.png", np.zeros((100, 1900, 3), np.uint8))
    found = comparison.compare([tmp_path / "wide.png"], choices[:1]).comparisons[0]
    path = pictures.preview(found, found.views["input"])
    assert read_image(path).pixels.shape == (84, 1600, 3)


def test_differences_are_about_grey():
    same = np.full((4, 4, 3), 77, np.uint8)
    assert (pictures.difference(same, same, 5) == 128).all()
    assert pictures.difference(same + np.uint8(1), same, 10).min() == 138


def test_white_noise_has_a_flat_spectrum_at_its_level():
    noise = np.random.default_rng(0).normal(128, 10, (512, 600, 1)).repeat(3, axis=2)
    frequency, power = spectrum.radial_spectrum(np.rint(noise).clip(0, 255).astype(np.uint8))
    assert 0 < frequency.min() and frequency.max() < 0.5
    np.testing.assert_allclose(power, 20, atol=1)  # standard deviation 10 is 20 dB above 1
    assert spectrum.radial_spectrum(np.zeros((8, 8, 3), np.uint8)) is None


def test_the_zip_holds_pictures_numbers_and_cards(choices, photo):
    job = comparison.compare([photo], choices[:2], comparison.Degradation("awgn"))
    with zipfile.ZipFile(report.write_zip(job)) as archive:
        names = archive.namelist()
        numbers = json.loads(archive.read("report.json"))
        text = archive.read("report.md").decode()
    assert {"report.json", "report.md", "cards/vanilla.json", "cards/adapted.json"} < set(names)
    assert sum(name.endswith(".png") for name in names) == 4
    assert numbers["photos"][0]["views"]["vanilla"]["psnr"] == job.comparisons[0].views["vanilla"].scores["psnr"]
    assert "| vanilla |" in text and "AWGN, sigma 25" in text


def test_names_cannot_bring_html_into_the_page(choices, tmp_path):
    name = "<img src=x onerror=alert(1)>.png"
    write_png(tmp_path / name, np.zeros((32, 32, 3), np.uint8))
    found = comparison.compare([tmp_path / name], choices[:1]).comparisons[0]
    assert "<img src=x" not in report.table(found) and "&lt;img" in report.table(found)
