"""Put the tabs together and serve them."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

# Before gradio is imported: the app talks to nobody but the browser.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr

from apps.compare import CompareTab
from workbench.errors import WorkbenchError

MAX_UPLOAD = "250mb"
MAX_WAITING = 24
"""Jobs that may wait; further ones are told to come back later."""

_TITLE = "Noise-DA Workbench"
_FONTS = [gr.themes.Font(name) for name in ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")]
_MONO = [gr.themes.Font(name) for name in ("ui-monospace", "Consolas", "DejaVu Sans Mono", "monospace")]

CSS = """
.gradio-container { max-width: 1600px !important; }
.wb-title { margin: 0 0 2px; font-size: 1.5rem; font-weight: 700; }
.wb-subtitle { margin: 0; color: var(--body-text-color-subdued); }
.wb-empty { padding: 20px 24px; border: 1px solid var(--border-color-primary); border-radius: var(--radius-lg);
  background: var(--background-fill-secondary); line-height: 1.55; }
.wb-empty h3 { margin: 0 0 8px; font-size: 1.15rem; }
.wb-empty p { margin: 6px 0; }
.wb-empty pre { margin: 10px 0; padding: 8px 12px; border-radius: var(--radius-md);
  background: var(--background-fill-primary); border: 1px solid var(--border-color-primary); }
.wb-status { min-height: 110px; }
.wb-table { overflow-x: auto; }
.wb-table table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.wb-table caption { text-align: left; padding: 0 0 8px; color: var(--body-text-color-subdued);
  overflow-wrap: anywhere; }
.wb-table th, .wb-table td { padding: 6px 10px; text-align: right; white-space: nowrap;
  border-width: 0 0 1px !important; border-color: var(--border-color-primary) !important; }
.wb-table th:first-child { text-align: left; font-weight: 600; }
.wb-table table, .wb-table tr { border: 0 !important; }
.wb-table small { font-weight: 400; color: var(--body-text-color-subdued); }
.wb-notes { margin: 8px 0 0; padding-left: 18px; color: var(--body-text-color-subdued); font-size: .9rem; }
.wb-grid { display: grid; gap: 12px; grid-template-columns: repeat(var(--views), minmax(0, 1fr)); }
.wb-grid figure { margin: 0; min-width: 0; max-width: 480px; }
.wb-window { overflow: hidden; border-radius: var(--radius-sm); background: var(--background-fill-secondary);
  cursor: grab; touch-action: pan-y; user-select: none; }
.wb-window:active { cursor: grabbing; }
.wb-window img { display: block; width: 100%; image-rendering: pixelated; }
.wb-grid figcaption { padding: 4px 2px; font-size: .9rem; overflow-wrap: anywhere; }
.wb-locator { position: relative; overflow: hidden; cursor: crosshair; border-radius: var(--radius-sm);
  line-height: 0; }
.wb-locator:focus-visible { outline: 3px solid var(--color-accent); outline-offset: 2px; }
.wb-locator img { width: 100%; user-select: none; }
.wb-frame { position: absolute; box-sizing: border-box; border: 2px solid #fff; outline: 2px solid #000;
  box-shadow: 0 0 0 9999px rgb(0 0 0 / 35%); pointer-events: none; }
.wb-samples p { margin: 0 0 4px; font-size: .85rem; color: var(--body-text-color-subdued); }
.wb-row { display: grid; grid-template-columns: repeat(5, 1fr); gap: 6px; margin-bottom: 8px; }
.wb-row button { padding: 0; border-radius: var(--radius-sm); overflow: hidden; aspect-ratio: 1; cursor: pointer; }
.wb-row button:hover, .wb-row button:focus-visible { outline: 3px solid var(--color-accent); outline-offset: 1px; }
.wb-row img { width: 100%; height: 100%; object-fit: cover; margin: 0; }
#downloads button[aria-label="Remove this file"] { display: none; }
.wb-hint { margin: 6px 0 0; color: var(--body-text-color-subdued); font-size: .85rem; }
@media (max-width: 900px) { .wb-grid { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media (max-width: 640px) {
  .gradio-container { padding: 8px !important; }
  .wb-table th, .wb-table td { padding: 5px 3px; font-size: .8rem; white-space: normal; }
  .wb-table small { display: none; }
}
"""

HEAD = """<h1 class="wb-title">Noise-DA Workbench</h1>
<p class="wb-subtitle">What noise-space adaptation does to a restorer, on your own photo.</p>"""


def build(runs: Path) -> gr.Blocks:
    """The app.

    Parameters
    ----------
    runs : Path
        Folder of run folders; it may be missing.
    """
    with gr.Blocks(title=_TITLE, analytics_enabled=False, fill_width=True, delete_cache=(3600, 6 * 3600)) as blocks:
        gr.HTML(HEAD)
        with gr.Tabs(), gr.Tab("Compare", id="compare"):
            CompareTab(runs)
    return blocks.queue(max_size=MAX_WAITING, default_concurrency_limit=4, api_open=False)


def _theme() -> gr.themes.Base:
    """Fonts of the system, so that nothing is fetched, and secondary text dark enough to be read."""
    theme = gr.themes.Default(font=_FONTS, font_mono=_MONO)
    return theme.set(
        body_text_color_subdued="*neutral_600", body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600", block_info_text_color_dark="*neutral_300",
    )  # fmt: skip


def launch(runs: Path, host: str = "127.0.0.1", port: int = 7860) -> gr.Blocks:
    """Start serving in the background.

    Raises
    ------
    WorkbenchError
        The address cannot be had.
    """
    _check_address(host, port)
    blocks = build(runs)
    blocks.launch(
        server_name=host, server_port=port, prevent_thread_lock=True, quiet=True, share=False, inbrowser=False,
        ssr_mode=False, run_history=False, footer_links=["api", "settings"], max_file_size=MAX_UPLOAD,
        theme=_theme(), css=CSS, show_error=False, mcp_server=False,
    )  # fmt: skip
    return blocks


def serve(runs: Path, host: str = "127.0.0.1", port: int = 7860) -> None:
    """Serve the app until it is interrupted; prints one line with the address.

    Parameters
    ----------
    runs : Path
        Folder of run folders.
    host, port
        Where to listen.

    Raises
    ------
    WorkbenchError
        The port is in use, or the address is not one of this machine.
    """
    blocks = launch(runs, host, port)
    shown = f"[{host}]" if ":" in host else host
    print(f"{_TITLE}: http://{shown}:{port} (end with Ctrl+C)", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        blocks.close(verbose=False)


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
