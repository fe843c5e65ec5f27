"""Stopping what a page waits for."""

from __future__ import annotations

import threading

import gradio as gr

from apps import parts


class Stops:
    """One event for each page, to be set when the person asks to stop.

    The button is there before the work begins, which may wait in the queue, and gradio tells a cancelled job's page now
    and then that the job has succeeded: so the event is made with the button, and kept until the work has truly ended.
    """

    def __init__(self):
        self._events: dict[str, threading.Event] = {}

    def offer(self, request: gr.Request) -> None:
        """Stop nothing that was asked for before, but what begins from now on."""
        if self.asked(request):
            del self._events[request.session_hash]
        self.event(request)

    def event(self, request: gr.Request) -> threading.Event:
        """What the page's work is to look at."""
        return self._events.setdefault(request.session_hash, threading.Event())

    def status(self, request: gr.Request) -> dict:
        """What becomes of the place for progress at the end: it goes, unless there is a stop to tell."""
        if self.asked(request):
            return gr.update(visible=True, value=parts.STOPPED)
        return gr.update(visible=False)

    def ask(self, request: gr.Request) -> None:
        """Set the event, unless the work has ended already."""
        if event := self._events.get(request.session_hash):
            event.set()

    def asked(self, request: gr.Request) -> bool:
        """Whether the page's last work was stopped."""
        event = self._events.get(request.session_hash)
        return event is not None and event.is_set()

    def ended(self, request: gr.Request, event: threading.Event) -> None:
        """Nothing of this event is left to stop."""
        if self._events.get(request.session_hash) is event:
            del self._events[request.session_hash]

    def leave(self, request: gr.Request) -> None:
        """Stop the work of a page that is closed."""
        self.ask(request)
        self._events.pop(request.session_hash, None)
