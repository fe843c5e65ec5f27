"""Errors as toasts."""

from __future__ import annotations

import functools
from collections.abc import Callable

import gradio as gr

from workbench.errors import WorkbenchError


def toasts(handler: Callable) -> Callable:
    """Let a handler's WorkbenchError come up as a toast."""

    @functools.wraps(handler)
    def handle(*arguments, **keywords):
        try:
            return handler(*arguments, **keywords)
        except WorkbenchError as error:
            raise gr.Error(str(error), title="That did not work", print_exception=False) from error

    return handle
