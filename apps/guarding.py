"""What the app answers: requests of its own pages and of programs, under its own names, with sensible arguments."""

from __future__ import annotations

import copy
import ipaddress
import socket
from urllib.parse import urlsplit

import gradio as gr
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from apps.messages import told

REFUSED = "This request came from another site, or under a name that is not this app's.\n"


def is_loopback(host: str) -> bool:
    """Whether an address that is listened on can be reached from this machine alone."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return bool(found) and all(ipaddress.ip_address(each[4][0]).is_loopback for each in found)
    except (OSError, ValueError):
        return False


class Guard:
    """Refuses requests under foreign names and from pages of other sites.

    A page of any site can have its name point to this machine (DNS rebinding), and then read and post as if it were
    ours; only the name in the request gives it away. Addresses in digits have no such names.

    Parameters
    ----------
    app : ASGIApp
    host : str
        Where the app listens: a loopback address is answered under loopback names only, others under that name, this
        machine's own, and addresses in digits.
    """

    def __init__(self, app: ASGIApp, host: str):
        self.app = app
        self.local = is_loopback(host)
        self.names = {"localhost", host.lower()}
        if not self.local:
            self.names |= {socket.gethostname().lower(), socket.getfqdn().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not self._answers(Headers(scope=scope)):
            await PlainTextResponse(REFUSED, status_code=403)(scope, receive, send)
        else:
            await self.app(scope, _whole(receive) if scope["path"].endswith("/upload") else receive, send)

    def _answers(self, headers: Headers) -> bool:
        host, origin = headers.get("host", "").lower(), headers.get("origin")
        if not self._is_own(host):
            return False
        # A proxy tells by which name it was asked; pages of other sites cannot set that header.
        return origin is None or _place(origin.lower()) in (host, headers.get("x-forwarded-host", host).lower())

    def _is_own(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self.names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self.local


def _whole(receive: Receive) -> Receive:
    """Of an upload that is broken off nothing stays: gradio deletes what has arrived at this error alone."""
    arriving = True

    async def receive_or_fail() -> Message:
        nonlocal arriving
        message = await receive()
        if arriving and message["type"] == "http.disconnect":
            raise MultiPartException("the upload was broken off")
        arriving = arriving and message.get("more_body", False)
        return message

    return receive_or_fail


def _place(origin: str) -> str | None:
    """Host and port of an origin; None of an opaque one."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def _as_there(block, value, state, asked: bool):
    """A value as far as it is there: limits and choices may have changed since the page read it.

    A slider's is put within its limits. Choices that are gone are left out where nobody asked for anything, as in a
    look at the disk every second; elsewhere they are the error that they are to gradio.
    """
    if state is not None and block._id in state:
        block = state[block._id]
    if isinstance(block, gr.Slider) and isinstance(value, int | float):
        return min(max(value, block.minimum), block.maximum)
    if asked or not isinstance(block, gr.CheckboxGroup | gr.Dropdown) or getattr(block, "allow_custom_value", False):
        return value
    there = [choice for _, choice in block.choices]
    return [each for each in value if each in there] if isinstance(value, list) else value if value in there else None


class Page(gr.Blocks):
    """Blocks that answer arguments they cannot take with one line that names the argument."""

    async def preprocess_data(self, block_fn, inputs, state, explicit_call=False):
        """Arguments of a call as gradio's components understand them."""
        pairs = zip(block_fn.inputs, inputs, strict=False)
        inputs = [_as_there(block, value, state, block_fn.queue is not False) for block, value in pairs]
        try:
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        except Exception as error:
            name, reason = "", error
            for place, (block, value) in enumerate(zip(block_fn.inputs, inputs, strict=False)):
                alone = copy.copy(block_fn)
                alone.inputs = [block]
                alone.component_prop_inputs = [0] if place in block_fn.component_prop_inputs else []
                try:
                    await super().preprocess_data(alone, [value], state, explicit_call)
                except Exception as single:
                    name, reason = getattr(block, "label", None) or "", single.__cause__ or single
                    break
            lines = [line.strip() for line in str(getattr(reason, "message", reason)).splitlines() if line.strip()]
            text = f"{name}: {lines[0]}" if name and lines else lines[0] if lines else "these arguments do not fit"
            raise gr.Error(told(text), print_exception=False) from error
