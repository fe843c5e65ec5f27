"""The command line; its commands are in `workbench.cli.commands`, a module for each group of them."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Entry point of the ``workbench`` command; errors become one line on stderr, Ctrl-C too, from here on."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # else somebody else, or nobody, is to hear of it
        signal.signal(signal.SIGINT, _leave)
    try:
        from workbench.cli.commands import app
        from workbench.terminal import run_command
    finally:
        signal.signal(signal.SIGINT, before)
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1

    def command() -> int | None:
        status = app(arguments, prog_name="workbench", standalone_mode=False)
        if status == 130:  # typer's word for Ctrl-C
            raise KeyboardInterrupt
        return status

    sys.exit(run_command(command, debug))


def _leave(*_) -> None:
    """Ctrl-C before there is anything that could turn it into a line."""
    try:
        print("workbench: interrupted", file=sys.stderr, flush=True)
    finally:  # whether or not somebody reads it
        os._exit(130)
