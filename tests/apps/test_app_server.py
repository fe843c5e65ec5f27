"""The app on a live server: its endpoints, what it serves, and what goes wrong."""

import http.client
import json
import socket
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError, AuthenticationError
from PIL import Image as PillowImage
from support.apps import PAIR, PATIENT, bad_image, free_port

from apps import comparison
from apps.main import launch, serve
from workbench.errors import WorkbenchError
from workbench.images import read_image
from workbench.restore import restore_array
from workbench.restorers import load_restorer

pytestmark = pytest.mark.usefixtures("nothing_packaged", "no_lpips")


@pytest.fixture(scope="module")
def client(runs):
    port = free_port()
    blocks = launch(runs, port=port)
    client = Client(f"http://127.0.0.1:{port}", verbose=False, analytics_enabled=False, httpx_kwargs=PATIENT)
    yield client
    client.close()
    blocks.close(verbose=False)


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
