"""What a training changes of the process that it runs in, and gives back: others may call `workbench.training.fit`."""

from __future__ import annotations

import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from tqdm import tqdm

FURTHER = "WORKBENCH_TRAINING"
"""Tells the processes that a training starts beside itself (several devices) which run folder they help to train."""
_LOGGERS = ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
_SEEDS = ("PL_GLOBAL_SEED", "PL_SEED_WORKERS", FURTHER)


@contextmanager
def unchanged() -> Iterator[None]:
    """Give back torch's threads, random states, warnings filters, logging levels and the hook of failing threads."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    environment = {name: os.environ.get(name) for name in _SEEDS}
    threads, hook = torch.get_num_threads(), threading.excepthook
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    try:
        with warnings.catch_warnings():
            # Lightning's remarks are meant for those who write the loop, not for those who watch it.
            warnings.filterwarnings("ignore", module="lightning")
            for name in _LOGGERS:
                logging.getLogger(name).setLevel(logging.ERROR)
            threading.excepthook = _quiet(hook)
            yield
    finally:
        threading.excepthook = hook
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        for name, value in environment.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        torch.set_num_threads(threads)
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(cpu)
        if devices:
            torch.cuda.set_rng_state_all(devices)


def _quiet(hook):
    """Keep the writer of events from printing a traceback: what it raises it also hands to the training."""

    def quiet(failure: threading.ExceptHookArgs) -> None:
        if not type(failure.thread).__module__.startswith("tensorboard."):
            hook(failure)

    return quiet


class Stopped(BaseException):
    """SIGTERM came before the first step; no ``except Exception`` on the way may swallow it."""

    def __init__(self, number: signal.Signals):
        super().__init__(number)
        self.number = number


class StopSignals:
    """SIGINT and SIGTERM: at once before the first step, after the current step from then on.

    Taken in the main thread alone, elsewhere left as they are; given back at the end.
    """

    def __init__(self):
        self.asked: signal.Signals | None = None
        """By which signal the training was asked to stop after its current step."""
        self._training = False
        self._before: dict = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        self._take()
        return self

    def __exit__(self, *_exception) -> None:
        for number, handler in self._before.items():
            # None: it was not set by Python, and cannot be given back
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def wait_for_steps(self) -> None:
        """From now on stop after a step. Called when training starts, for Lightning takes the signals before it."""
        if self.asked is not None:  # by an exception that was raised where Python drops it, as in a destructor
            raise Stopped(self.asked)
        self._training = True
        self._take()

    def _take(self) -> None:
        for number in self._before:
            signal.signal(number, self._stop)

    def _stop(self, number: int, _frame) -> None:
        if not self._training and number == signal.SIGTERM:
            self.asked = signal.Signals(number)
            raise Stopped(self.asked)
        if not self._training or self.asked is not None:  # asked twice: at once
            raise KeyboardInterrupt
        self.asked = signal.Signals(number)
        tqdm.write("stopping after this step", file=sys.stderr)
