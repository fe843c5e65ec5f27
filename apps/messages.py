"""Errors as toasts."""

from __future__ import annotations

import functools
import html
import inspect
from collections.abc import Callable

import gradio as gr

from workbench.errors import WorkbenchError


def told(message: object) -> str:
    """A message for a toast, which takes HTML: names of files and runs may hold some."""
    return html.escape(str(message), quote=False)


def toasts(handler: Callable) -> Callable:
    """Let a handler's WorkbenchError come up as a toast; the handler may be a generator."""

    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def steps(*arguments, **keywords):
            try:
                yield from handler(*arguments, **keywords)
            except WorkbenchError as error:
                raise gr.Error(told(error), title="That did not work", print_exception=False) from error

        return steps

    @functools.wraps(handler)
    def handle(*arguments, **keywords):
        try:
            return handler(*arguments, **keywords)
        except WorkbenchError as error:
            raise gr.Error(told(error), title="That did not work", print_exception=False) from error

    return handle
