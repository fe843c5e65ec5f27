"""What the page can do without and the first press of a button cannot, loaded while the page is read."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from importlib import import_module

from apps.samples import samples

AFTER = 2.0
"""Seconds that the page has to itself: to be fetched, and drawn."""
_TURN = 0.0005
"""Seconds after which an import lets the page have its turn; Python's own are 0.005, some twenty times a click."""
_MODULES = ("apps.restorers", "workbench.restorers.files", "workbench.restore", "apps.previewing", "apps.measuring",
            "apps.planning", "apps.spectrum", "plotly.subplots", "workbench.probes.sampling",
            "workbench.evaluation.degraded")  # fmt: skip


class Warming(threading.Thread):
    """Imports what is imported inside of functions, then makes the samples; whoever needs them earlier waits for them.

    The program does not end before the thread does, for an import of torch must not be broken off; `stop` shortens it.
    """

    def __init__(self):
        super().__init__(name="warming")
        self._stopped = threading.Event()

    def run(self) -> None:
        """What fails here is told where it is needed."""
        self._stopped.wait(AFTER)
        with contextlib.suppress(Exception), _turns_of(_TURN):
            for module in _MODULES:
                if not self._stopped.is_set():
                    import_module(module)
            for simulated in (True, False):
                if not self._stopped.is_set():
                    samples(simulated)

    def stop(self) -> None:
        """Begin nothing more, and wait for what is begun: it must not write where all is being deleted."""
        self._stopped.set()
        if self.is_alive():
            self.join()


@contextlib.contextmanager
def _turns_of(seconds: float) -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
