"""Put the tabs together and serve them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

# Before gradio is imported: the app talks to nobody but the browser.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
from starlette.middleware import Middleware

from apps.assets import asset
from apps.batch import BatchTab
from apps.compare import CompareTab
from apps.curves import LIBRARY, SCRIPT
from apps.explain import ExplainTab
from apps.guarding import Guard, Page, is_loopback
from apps.live_shortcut import LiveShortcut
from apps.monitor import MonitorTab
from apps.results import ResultsTab
from apps.sampling import SamplingPanel
from apps.scratch import own_folder
from apps.style import theme
from apps.warming import Warming
from workbench.errors import WorkbenchError
from workbench.runs.states import Watcher

MAX_UPLOAD = "250mb"
MAX_WAITING = 24
"""Jobs that may wait; further ones are told to come back later."""

_TITLE = "Noise-DA Workbench"
HEAD = """<h1 class="wb-title">Noise-DA Workbench</h1>
<p class="wb-subtitle">What noise-space adaptation does to a restorer, on your own photo.</p>"""


def build(runs: Path, *, controls: bool = True) -> gr.Blocks:
    """The app.

    Parameters
    ----------
    runs : Path
        Folder of run folders; it may be missing.
    controls : bool
        Whether runs may be started, stopped and deleted from the page.
    """
    with _without_applications():
        return _page(Watcher(runs), controls)


def _page(watcher: Watcher, controls: bool) -> gr.Blocks:
    runs = watcher.runs
    with Page(title=_TITLE, analytics_enabled=False, fill_width=True, delete_cache=(3600, 6 * 3600)) as blocks:
        gr.HTML(HEAD)
        with gr.Tabs():
            with gr.Tab("Compare", id="compare") as compare:
                CompareTab(runs)
            with gr.Tab("Batch", id="batch") as batch:
                batches = BatchTab(runs)
            with gr.Tab("Monitor", id="monitor") as monitor:
                monitoring = MonitorTab(watcher, controls)
            with gr.Tab("Explain", id="explain-tab") as explain:
                ExplainTab()
                live = LiveShortcut(watcher, controls)
                SamplingPanel(runs)
            with gr.Tab("Results", id="results") as results:
                tables = ResultsTab(runs)
        monitoring.watch(monitor, [compare, batch, explain, results])
        live.watch(explain, [compare, batch, monitor, results])
        batches.watch(batch)
        tables.watch(results)
    return blocks.queue(max_size=MAX_WAITING, default_concurrency_limit=4, api_open=False)


@contextlib.contextmanager
def _without_applications() -> Iterator[None]:
    """While a page is built, gradio makes three times the application that serves it; `launch` makes its own."""
    kept, gr.blocks.App = gr.blocks.App, SimpleNamespace(create_app=lambda *_, **__: None)
    try:
        yield
    finally:
        gr.blocks.App = kept


def launch(runs: Path, host: str = "127.0.0.1", port: int = 7860, auth: tuple[str, str] | None = None) -> gr.Blocks:
    """Start serving in the background.

    Parameters
    ----------
    runs : Path
        Folder of run folders.
    host, port
        Where to listen.
    auth : tuple of str, optional
        User and password that the page and the endpoints ask for. Without it, runs are started, stopped and deleted
        only where the app is reachable from this machine alone.

    Raises
    ------
    WorkbenchError
        The address cannot be had.
    """
    _check_address(host, port)
    blocks = build(runs, controls=auth is not None or is_loopback(host))
    blocks.launch(
        server_name=host, server_port=port, prevent_thread_lock=True, quiet=True, share=False, inbrowser=False,
        ssr_mode=False, run_history=False, footer_links=["api", "settings"], max_file_size=MAX_UPLOAD, auth=auth,
        theme=theme(), css=asset("app.css"), head=LIBRARY, show_error=False, mcp_server=False, enable_monitoring=False,
        allowed_paths=[str(SCRIPT)], app_kwargs={"middleware": [Middleware(Guard, host=host)]},
    )  # fmt: skip
    return blocks


def serve(runs: Path, host: str = "127.0.0.1", port: int = 7860, auth: str | None = None) -> None:
    """Serve the app until it is interrupted or terminated; prints one line with the address.

    To be called in the main thread. Its temporary files are deleted when it ends.

    Parameters
    ----------
    runs : Path
        Folder of run folders.
    host, port
        Where to listen.
    auth : str, optional
        ``USER:PASSWORD``.

    Raises
    ------
    WorkbenchError
        The port is in use, or the address is not one of this machine.
    """
    # As Ctrl-C does, so that nothing is left in the temporary folder
    before = signal.signal(signal.SIGTERM, _terminated)
    warming = Warming()
    try:
        with own_folder():
            blocks = launch(runs, host, port, read_auth(auth))
            try:
                _tell(host, port, auth)
                warming.start()
                threading.Event().wait()
            finally:
                warming.stop()
                blocks.close(verbose=False)
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminated(*_) -> None:
    raise SystemExit(128 + signal.SIGTERM)


def _tell(host: str, port: int, auth: str | None) -> None:
    shown = f"[{host}]" if ":" in host else host
    print(f"{_TITLE}: http://{shown}:{port} (end with Ctrl+C)", flush=True)
    if auth is None and not is_loopback(host):
        print("Whoever reaches this address can use the app; --auth USER:PASSWORD asks for a password.", flush=True)


def read_auth(text: str | None) -> tuple[str, str] | None:
    """User and password out of ``USER:PASSWORD``; the message of an error does not repeat it."""
    if text is None:
        return None
    user, _, password = text.partition(":")
    if not user or not password:
        raise WorkbenchError("--auth (or WORKBENCH_AUTH): give USER:PASSWORD, neither of them empty")
    return user, password


def _check_address(host: str, port: int) -> None:
    """Try the address, for gradio's own message names neither the option nor the reason."""
    if not 1 <= port <= 65535:
        raise WorkbenchError(f"port {port} does not exist; choose one from 1 to 65535 with --port")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except PermissionError as error:
        raise WorkbenchError(f"port {port} may not be used by this user; choose another one with --port") from error
    except socket.gaierror as error:
        raise WorkbenchError(f"host {host!r} is not known; choose another one with --host") from error
    except OSError as error:
        if error.errno == 98 or "in use" in str(error).lower():
            raise WorkbenchError(f"port {port} on {host} is in use; choose another one with --port") from error
        raise WorkbenchError(f"{host} port {port} cannot be listened on ({error.strerror}); see --host") from error
