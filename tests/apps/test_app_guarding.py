"""Whom the app answers, what it asks others for, and how it takes arguments that do not fit."""

import asyncio
import http.client
import json
import socket

import gradio as gr
import pytest
import torch
from gradio.state_holder import SessionState
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from support.apps import PAIR, PATIENT, free_port, log_run, write_run

from apps import batch, explain, measuring, parts, results, runs, starting
from apps.guarding import Guard, Page, is_loopback
from apps.main import launch
from apps.messages import toasts
from apps.restorers import find_restorers
from workbench.errors import WorkbenchError
from workbench.evaluation.weights import WEIGHTS_VARIABLE
from workbench.runs.folder import Run
from workbench.runs.processes import LOG, log_tail
from workbench.runs.states import Watcher

pytestmark = pytest.mark.usefixtures("nothing_packaged")


@pytest.fixture(scope="module")
def others_asked():
    """Refuses connections to other machines, and questions for their names, while the app lives; lists them."""
    asked, connect, look_up = [], socket.socket.connect, socket.getaddrinfo

    def refuse(host):
        asked.append(host)
        raise OSError(f"this test talks to nobody else: {host}")

    def connect_here(self, address):
        if isinstance(address, tuple) and not is_loopback(address[0]):
            refuse(address[0])
        return connect(self, address)

    def look_up_here(host, *arguments, **keywords):
        if host not in (None, "localhost", "127.0.0.1", "::1", "0.0.0.0", b"127.0.0.1"):
            refuse(host)
        return look_up(host, *arguments, **keywords)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        patch.setattr(socket, "getaddrinfo", look_up_here)
        yield asked


@pytest.fixture(scope="module")
def client(tmp_path_factory, others_asked):
    folder = tmp_path_factory.mktemp("guarded")
    for seed, (name, method) in enumerate(zip(PAIR, ("vanilla", "noise-space"), strict=True)):
        write_run(folder / "runs", name, method, seed)
    with pytest.MonkeyPatch.context() as patch:  # as on a machine without any weights
        patch.setenv(WEIGHTS_VARIABLE, str(folder))
        patch.setattr(torch.hub, "get_dir", lambda: str(folder))
        measuring.lpips_metric.cache_clear()
        port = free_port()
        blocks = launch(folder / "runs", port=port)
        assert not others_asked
        client = Client(f"http://127.0.0.1:{port}", verbose=False, analytics_enabled=False, httpx_kwargs=PATIENT)
        others_asked.clear()  # gradio's client, which is no part of the app, asks who runs it
        yield client
        client.close()
        blocks.close(verbose=False)
        measuring.lpips_metric.cache_clear()


def ask(client, method="GET", path="/", body=None, **headers) -> tuple[int, str]:
    connection = http.client.HTTPConnection(client.src.removeprefix("http://").rstrip("/"), timeout=120)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def test_only_its_own_names_are_answered(client):
    address = client.src.removeprefix("http://").rstrip("/")
    port = address.rpartition(":")[2]
    for own in (address, f"localhost:{port}", f"LOCALHOST:{port}", f"[::1]:{port}", "127.0.0.1"):
        assert ask(client, Host=own)[0] == 200, own
    for foreign in (f"evil.example:{port}", "evil.example", "127.0.0.1.evil.example", "192.0.2.1", "", "[", "@"):
        status, text = ask(client, Host=foreign)
        assert status == 403 and "gradio" not in text, foreign


def test_posts_of_other_sites_are_refused(client):
    address = client.src.removeprefix("http://").rstrip("/")
    call = "/gradio_api/call/restorers", json.dumps({"data": []})
    json_type = {"Content_Type": "application/json"}
    for origin in (f"http://evil.example:{address.rpartition(':')[2]}", "http://127.0.0.1:1", "null", "http://[", ""):
        for path in (call[0], "/gradio_api/queue/join", "/gradio_api/upload"):
            assert ask(client, "POST", path, call[1], Origin=origin, **json_type)[0] == 403, (origin, path)
    rebound = {"Host": "evil.example", "Origin": "http://evil.example", "X_Forwarded_Host": "evil.example"}
    assert ask(client, "POST", *call, **rebound, **json_type)[0] == 403
    for own in ({"Origin": f"http://{address}"}, {"Origin": "https://us.example", "X_Forwarded_Host": "us.example"}):
        assert ask(client, "POST", *call, **own, **json_type)[0] == 200


def test_an_app_for_others_answers_its_names_and_addresses_in_digits(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "Desk")
    monkeypatch.setattr(socket, "getfqdn", lambda: "desk.lab.example")
    guard = Guard(None, "0.0.0.0")
    for own in ("192.0.2.7:7860", "[2001:db8::1]:80", "desk", "desk.lab.example:7860", "localhost"):
        assert guard._answers({"host": own}), own
    assert not guard._answers({"host": "evil.example"}) and not guard._answers({})


def test_monitoring_is_off(client):
    for path in ("/monitoring", "/monitoring/summary"):
        assert ask(client, path=path)[0] >= 400


def test_no_other_host_is_asked_for_anything(client, others_asked, photo):
    assert ask(client, path="/config")[0] == 200
    found, _ = client.predict([handle_file(photo)], PAIR, "awgn", 15, "standard", None, api_name="/compare")
    (note,) = [note for note in found["photos"][0]["notes"] if "LPIPS" in note]
    assert "not on this machine" in note and "Errno" not in note and "checkpoints" not in note
    assert not others_asked


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"sigma": "abc"}, "sigma 'abc'"),
        ({"sigma": [1]}, "sigma"),
        ({"sigma": 1000}, "sigma 1000"),
        ({"kind": "fog-machine"}, "degradation: .*fog-machine"),
        ({"kind": ["awgn"]}, "degradation: "),
        ({"camera": "box"}, "camera: .*box"),
        ({"restorers": "vanilla"}, "restorers: give a list"),
        ({"restorers": [["vanilla"]]}, "restorers: give a list"),
        ({"photos": "photo.png"}, "photos: "),
        ({"references": 3}, "references: "),
    ],
)
def test_an_argument_that_does_not_fit_is_named_and_leaves_no_traceback(client, photo, capfd, changes, message):
    given = {
        "photos": [handle_file(photo)], "restorers": PAIR, "kind": "awgn", "sigma": 15, "camera": "standard",
        "references": None,
    } | changes  # fmt: skip
    with pytest.raises(AppError, match=message) as caught:
        client.predict(*given.values(), api_name="/compare")
    assert len(str(caught.value).splitlines()) == 1
    assert "Traceback" not in capfd.readouterr().err


def test_a_file_that_was_not_uploaded_is_refused_without_a_traceback(client, capfd, tmp_path):
    # gradio's own client would upload it
    (tmp_path / "secret.png").write_text("secret")
    photo = {"path": str(tmp_path / "secret.png"), "meta": {"_type": "gradio.FileData"}}
    body = json.dumps({"data": [photo, PAIR[0]]})
    status, text = ask(client, "POST", "/gradio_api/call/restore", body, Content_Type="application/json")
    assert status == 200
    _, answer = ask(client, path=f"/gradio_api/call/restore/{json.loads(text)['event_id']}")
    assert "event: error" in answer and "photo: " in answer and "secret" not in answer.replace("secret.png", "")
    assert "Traceback" not in capfd.readouterr().err


def test_a_slider_whose_limits_have_changed_takes_what_the_page_sent(tmp_path):
    with Page() as page:
        slider = gr.Slider(0, 10, 5)
        slider.input(lambda value: value, slider, None)
    state = SessionState(page)
    state[slider._id] = gr.Slider(100, 200, 150, render=False)
    (listener,) = page.fns.values()
    for sent, taken in ((5, 100), (150, 150), (999, 200)):
        assert asyncio.run(page.preprocess_data(listener, [sent], state)) == [taken]
    with pytest.raises(gr.Error):
        asyncio.run(page.preprocess_data(listener, ["abc"], state))


def test_messages_bring_no_html(tmp_path, monkeypatch):
    name, said = "<img src=elsewhere>", []

    @toasts
    def fails():
        raise WorkbenchError(f"{name}: damaged")

    with pytest.raises(gr.Error) as caught:
        fails()
    assert caught.value.message == "&lt;img src=elsewhere&gt;: damaged"
    monkeypatch.setattr(gr, "Info", said.append)
    write_run(tmp_path, name, "vanilla", 0)
    with gr.Blocks():
        controls = starting.Controls(Watcher(tmp_path))
    controls.do_delete(name)
    assert not list(tmp_path.iterdir()) and said == ["&lt;img src=elsewhere&gt; is deleted."]


@pytest.mark.parametrize("asked", [False, True])
def test_choices_that_are_gone_are_an_error_only_where_somebody_asked(asked):
    with Page() as page:
        several, one = gr.CheckboxGroup(["a", "deleted"]), gr.Dropdown(["a", "deleted"])
        several.input(lambda *_: None, [several, one], None, queue=asked)
    state = SessionState(page)
    for block in (several, one):
        state[block._id] = type(block)(["a", "b"], render=False)
    (listener,) = page.fns.values()
    assert asyncio.run(page.preprocess_data(listener, [["a", "b"], "b"], state)) == [["a", "b"], "b"]
    stale = [["a", "deleted"], "deleted"]
    if asked:
        with pytest.raises(gr.Error):
            asyncio.run(page.preprocess_data(listener, stale, state))
    else:
        assert asyncio.run(page.preprocess_data(listener, stale, state)) == [["a"], None]


def test_a_notebook_that_is_not_there_leaves_no_traceback(client, capfd):
    (component,) = [each["id"] for each in client.config["components"] if each["props"].get("elem_id") == "explain"]
    body = json.dumps({"session_hash": "x", "component_id": component, "fn_name": "notebook", "data": "../secret"})
    status, _ = ask(client, "POST", "/gradio_api/component_server", body, Content_Type="application/json")
    assert status == 404 and "Traceback" not in capfd.readouterr().err
    assert "02_the_shortcut.ipynb" in explain._notebooks()


def test_a_log_that_is_a_link_is_not_followed(tmp_path):
    folder = write_run(tmp_path, "run", "vanilla", 0)
    (tmp_path / "secret").write_text("secret")
    (folder / LOG).symlink_to(tmp_path / "secret")
    assert log_tail(Run(folder)) == ""
    (folder / LOG).unlink()
    (folder / LOG).write_text("step 1\n")
    assert log_tail(Run(folder)) == "step 1"


def test_names_of_runs_recipes_and_pictures_bring_no_html_into_the_page(tmp_path):
    name = "<img src=x onerror=alert(1)>"
    run = write_run(tmp_path, name, "vanilla", 0)
    card = run / "restorer.json"
    card.write_text(card.read_text().replace('"recipe": "denoise-pocket"', f'"recipe": "{name}"'))
    log_run(run, (1,), pictures=(1,), name=name)
    watcher = Watcher(tmp_path)
    (state,) = watcher.states()
    entry = {"seconds": 1.0, "files": {}}
    shown = [
        runs.state_table([(state, watcher.progress(state))], waiting={name: (name, 1, 2)}), runs.log_block(name),
        parts.cards(find_restorers(tmp_path)[0]), results._numbers(name, Run(run)), parts.failures({name: name}),
        batch._summary({"images": 1, "restorers": {name: entry}, "failed": {}, "passed_over": [name]}),
    ]  # fmt: skip
    for page in shown:
        assert "<img" not in page and "&lt;img" in page
