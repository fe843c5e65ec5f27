"""Between the commands and the terminal: output that may be cut off, and one line with a status for what goes wrong."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import TextIO

import typer

from workbench.errors import WorkbenchError, is_out_of_memory


class Output:
    """A text stream that never fails: what it cannot write is lost, and ``lost`` says why.

    What a terminal cannot show (names that are not UTF-8, anything but ASCII in an ASCII terminal) is written as
    escapes. All else is as of the stream.
    """

    def __init__(self, stream: TextIO):
        self._stream, self.lost = stream, None
        stream.reconfigure(errors="backslashreplace")

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with self._losing():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._losing():
            self._stream.flush()

    @contextlib.contextmanager
    def _losing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.lost = error
            # What is left in buffers goes there too
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


def run_command(command: Callable[[], int | None], debug: bool = False) -> int:
    """Call a command; what it raises becomes one line on stderr.

    Parameters
    ----------
    command : callable
        Returns its exit status; None is 0.
    debug : bool
        Let what it raises through.

    Returns
    -------
    int
        The exit status: as of the error, 2 where it does not say; 130 after Ctrl-C; 1 where all went well but what was
        printed could not be written. A reader that left, as ``head`` does, is no error.
    """
    with _outputs() as output, warnings.catch_warnings():
        if not (debug or sys.warnoptions):
            warnings.simplefilter("ignore")  # libraries' advice to programmers
        status = _status(command, debug)
        output.flush()
        if output.lost is not None and output.lost.errno != errno.EPIPE:
            say(f"standard output cannot be written ({output.lost.strerror}); what was to be done is done")
            status = status or 1
    return status


def say(message: object) -> None:
    """Print the one line of an error."""
    print(f"workbench: {' '.join(str(message).split())}", file=sys.stderr)


def _status(command: Callable[[], int | None], debug: bool) -> int:
    try:
        return command() or 0
    except (Exception, KeyboardInterrupt) as error:
        message, status = _line(error)
        wrong_call = isinstance(error, (typer.TyperException, typer.Abort, KeyboardInterrupt))
        if debug and status and not wrong_call:
            raise
    if message.startswith("Usage: "):  # a group of commands called without one: its help
        print(message, file=sys.stderr)
    elif status:
        say(message)
    return status


def _line(error: BaseException) -> tuple[str, int]:
    """What an error says in a line, and the exit status."""
    if isinstance(error, WorkbenchError):
        return str(error), getattr(error, "exit_status", 2)  # 0: a further process of a training
    if isinstance(error, typer.TyperException):
        return error.format_message(), error.exit_code
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return "interrupted", 130
    if is_out_of_memory(error):
        return "not enough memory; choose smaller pictures, tiles, patches or batches", 2
    if isinstance(error, OSError):
        return f"{error.filename or 'a file'}: {error.strerror or error}", 2
    return f"unexpected {type(error).__name__}: {error}; run again with --debug to see where", 2


@contextlib.contextmanager
def _outputs() -> Iterator[Output]:
    """Standard output and standard error that never fail; gives the former."""
    for descriptor in range(3):  # a closed one would be the next file's that is opened
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    before = sys.stdout, sys.stderr
    with open(os.devnull, "w") as nowhere:
        sys.stdout, sys.stderr = (Output(stream or nowhere) for stream in before)
        try:
            yield sys.stdout
        finally:
            sys.stdout, sys.stderr = before
