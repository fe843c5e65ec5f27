"""The app: the job behind the Compare tab, its endpoints on a live server, and what goes wrong."""

import http.client
import json
import pickle
import socket
import struct
import tempfile
import threading
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError, AuthenticationError
from PIL import Image as PillowImage

from apps import comparison, measuring, pairs, pictures, report, restorers, spectrum
from apps.main import launch, serve
from workbench.errors import WorkbenchError
from workbench.evaluation import Unavailable
from workbench.evaluation.no_reference import no_reference
from workbench.images import read_image, write_png
from workbench.nets import build
from workbench.recipes import load_recipe, save_recipe
from workbench.restore import restore_array
from workbench.restorers import Restorer, load_restorer, save_restorer

TINY = {"name": "unet-pocket", "width": 4, "depth": 2}
PAIR = list(restorers.DEMO_PAIR)
PATIENT = {"timeout": 120}
"""Machines may be busy; a test that passes does not wait for it."""


def write_run(runs: Path, name: str, method: str, seed: int, status: str = "finished") -> Path:
    folder = runs / name
    folder.mkdir(parents=True)
    save_recipe(load_recipe("denoise-pocket", method=method, seed=seed), folder / "recipe.yaml")
    (folder / "summary.json").write_text(json.dumps({"status": status}))
    torch.manual_seed(seed)
    provenance = {"recipe": "denoise-pocket", "method": method, "seed": seed // 2}  # a pair is of one seed
    save_restorer(folder / "restorer.safetensors", Restorer.of(build(**TINY), TINY), provenance=provenance)
    return folder


@pytest.fixture(autouse=True, scope="module")
def nothing_packaged(tmp_path_factory):
    """Tests see the restorers that they make, not those that come with the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restorers.names, "PACKAGED", tmp_path_factory.mktemp("packaged"))
        yield


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    runs = tmp_path_factory.mktemp("app") / "runs"
    for seed, (name, method) in enumerate(zip(PAIR, ("vanilla", "noise-space"), strict=True)):
        write_run(runs, name, method, seed)
    write_run(runs, "another", "vanilla", 2)
    write_run(runs, "unfinished", "vanilla", 3, status="training")
    return runs


@pytest.fixture(scope="module")
def choices(runs) -> list[restorers.Choice]:
    return restorers.find_restorers(runs)[0]


@pytest.fixture(autouse=True)
def _no_lpips(monkeypatch):
    monkeypatch.setattr(measuring, "lpips_metric", lambda: Unavailable("LPIPS not available in this test"))


@pytest.fixture
def photo(tmp_path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    write_png(tmp_path / "photo.png", pixels)
    return tmp_path / "photo.png"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def client(runs):
    port = free_port()
    blocks = launch(runs, port=port)
    client = Client(f"http://127.0.0.1:{port}", verbose=False, analytics_enabled=False, httpx_kwargs=PATIENT)
    yield client
    client.close()
    blocks.close(verbose=False)


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


# The live server


def test_endpoints_are_named(client):
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(named) == {"/restorers", "/restore", "/compare"}


def test_restorers_endpoint(client):
    assert [entry["name"] for entry in client.predict(api_name="/restorers")] == [*PAIR, "another"]


def test_restore_endpoint_returns_what_the_package_restores(client, runs, photo):
    restored, numbers = client.predict(handle_file(photo), "another", api_name="/restore")
    expected = restore_array(load_restorer(runs / "another")[0], read_image(photo).pixels)
    np.testing.assert_array_equal(read_image(restored).pixels, expected)
    assert numbers["restorer"] == "another" and numbers["seconds"] > 0


def test_compare_endpoint(client, photo):
    found, archive = client.predict([handle_file(photo)], PAIR, "awgn", 15, "standard", None, api_name="/compare")
    assert set(found["photos"][0]["views"]) == {"input", "vanilla", "adapted", "reference"}
    assert zipfile.is_zipfile(archive)


def bad_image(kind: str, folder: Path) -> Path:
    path = folder / f"{kind}.png"
    if kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("this is not an image")
    elif kind == "pickle":
        path.write_bytes(pickle.dumps({"a": 1}))
    elif kind == "half":
        write_png(path, np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "bomb":
        header = b"IHDR" + struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
        parts = (header, b"IDAT" + zlib.compress(bytes(1000)), b"IEND")
        chunks = (struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in parts)
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


@pytest.mark.parametrize(
    "kind, message",
    [
        ("empty", "empty"),
        ("text", "not an image"),
        ("pickle", "not an image"),
        ("half", "damaged"),
        ("bomb", "more than 300 million pixels"),
    ],
)
def test_a_bad_image_gets_one_clear_line_and_the_app_lives(client, tmp_path, photo, kind, message):
    with pytest.raises(AppError, match=message) as caught:
        client.predict(handle_file(bad_image(kind, tmp_path)), "another", api_name="/restore")
    assert f"{kind}.png" in str(caught.value) and str(tmp_path) not in str(caught.value)
    assert client.predict(handle_file(photo), "another", api_name="/restore")[0]


@pytest.mark.parametrize("kind", ["cmyk", "animated"])
def test_unusual_images_are_restored(client, tmp_path, kind):
    if kind == "cmyk":
        path = tmp_path / "cmyk.jpg"
        PillowImage.new("CMYK", (40, 30), (10, 20, 30, 40)).save(path)
    else:
        path = tmp_path / "animated.gif"
        frames = [PillowImage.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
        frames[0].save(path, save_all=True, append_images=frames[1:])
    restored, _ = client.predict(handle_file(path), "another", api_name="/restore")
    assert read_image(restored).pixels.shape == (30, 40, 3)


def test_an_unknown_restorer_is_named(client, photo):
    with pytest.raises(AppError, match="'nobody' is not there"):
        client.predict(handle_file(photo), "nobody", api_name="/restore")


def test_files_of_the_machine_cannot_be_asked_for(client, runs):
    path = runs / "another" / "restorer.json"
    with pytest.raises((AppError, ValueError)):
        client.predict({"path": str(path), "meta": {"_type": "gradio.FileData"}}, "another", api_name="/restore")


def _get(client, path: str, **headers) -> tuple[int, bytes]:
    """Ask for a path just as it is written; urllib and httpx would tidy it up first."""
    connection = http.client.HTTPConnection(client.src.removeprefix("http://").rstrip("/"), timeout=120)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_no_file_but_uploads_and_results_is_served(client, runs, tmp_path, monkeypatch):
    secret = runs / "another" / "recipe.yaml"
    upwards = "../" * 12
    (runs.parent / "secret.txt").write_text("secret")
    for route in ("/gradio_api/file=", "/file=", "/gradio_api/proxy=", "/static/", "/assets/", "/gradio_api/stream/"):
        for path in (
            "/etc/passwd", f"{upwards}etc/passwd", upwards.replace("..", "%2e%2e") + "etc/passwd", "file:///etc/passwd",
            str(secret), str(runs.parent / "secret.txt"), "pyproject.toml", str(Path("pyproject.toml").resolve()),
            "//etc/passwd", "..%2f..%2f..%2f..%2fetc%2fpasswd", f"{upwards}{str(secret).lstrip('/')}",
        ):  # fmt: skip
            status, content = _get(client, route + path)
            assert status >= 400 and b"root:" not in content and b"denoise-pocket" not in content, (route, path)


def test_an_upload_cannot_be_put_elsewhere(client, tmp_path):
    boundary = "x"
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="../../../../{tmp_path.name}.png"\r\n'
        f"Content-Type: image/png\r\n\r\nhello\r\n--{boundary}--\r\n"
    )
    connection = http.client.HTTPConnection(client.src.removeprefix("http://").rstrip("/"), timeout=120)
    connection.request(
        "POST", "/gradio_api/upload", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    )
    answer = connection.getresponse()
    (place,) = json.loads(answer.read())
    connection.close()
    assert Path(place).resolve().is_relative_to(Path(tempfile.gettempdir()).resolve() / "gradio")
    assert _get(client, f"/gradio_api/file={place}") == (200, b"hello")


def test_twenty_people_at_once_are_served_in_the_order_they_came(client, photo, monkeypatch, tmp_path):
    order, gate, work = [], threading.Event(), comparison.compare

    def slow(photos, *arguments, **keywords):
        gate.wait(30)
        order.append(Path(photos[0]).stem)
        return work(photos, *arguments, **keywords)

    monkeypatch.setattr(comparison, "compare", slow)
    people, jobs = (
        [client, *(Client(client.src, verbose=False, analytics_enabled=False, httpx_kwargs=PATIENT) for _ in range(3))],
        [],
    )
    for number in range(20):
        mine = tmp_path / f"p{number:02d}.png"
        mine.write_bytes(photo.read_bytes())
        jobs.append(people[number % len(people)].submit(handle_file(mine), "another", api_name="/restore"))
        while jobs[-1].status().code.name in ("STARTING", "JOINING_QUEUE"):
            time.sleep(0.02)
    gate.set()
    for job in jobs:
        assert job.result(timeout=60)[1]["restorer"] == "another"
    assert order == sorted(order) and len(order) == 20
    for person in people[1:]:
        person.close()


def test_a_password_is_asked_for_everywhere(runs, photo):
    port = free_port()
    blocks = launch(runs, port=port, auth=("me", "let me in"))
    try:
        address = f"http://127.0.0.1:{port}"
        for wrong in (None, ("me", "wrong"), ("you", "let me in")):
            with pytest.raises((AuthenticationError, ValueError)):
                Client(address, auth=wrong, verbose=False, analytics_enabled=False, httpx_kwargs=PATIENT)
        known = Client(address, auth=("me", "let me in"), verbose=False, analytics_enabled=False, httpx_kwargs=PATIENT)
        assert known.predict(handle_file(photo), "another", api_name="/restore")[1]["restorer"] == "another"
        for path in ("/config", "/gradio_api/info", f"/gradio_api/file={photo}"):
            assert _get(known, path)[0] == 401, path
        known.close()
    finally:
        blocks.close(verbose=False)


def test_a_busy_port_is_named_with_the_option(runs):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(WorkbenchError, match=f"port {port} .*--port"):
            serve(runs, port=port)
