"""Reports an error as one message on stderr and an exit code.

==== ==========================================================================
code meaning
==== ==========================================================================
1    ``audit --strict`` found a problem; an error of no family below; or, without a
     message, the reader of stdout closed it
2    the command line, the experiment, the data or a run is wrong
3    a plugin is missing or broken
4    the backend does not offer a setting or a function
5    the provider failed
70   a bug (EX_SOFTWARE of sysexits.h)
74   the disk or a file (EX_IOERR of sysexits.h)
130  interrupted
==== ==========================================================================
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from typing import ClassVar

import click

from tunesmith.cli import screen
from tunesmith.errors import TunesmithError, io_problem, io_reason

BROKEN_PIPE, BUG, IO_ERROR, INTERRUPTED = 1, 70, 74, 130


class InterruptedWorkError(TunesmithError):
    """Ctrl-C stopped work that can be continued later."""

    exit_code: ClassVar[int] = INTERRUPTED


def report(error: BaseException, *, debug: bool) -> int:
    """Print ``error`` on stderr and return the exit code."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if isinstance(error, BrokenPipeError):
        _silence_stdout()
        return BROKEN_PIPE
    message, code = _described(error)
    with contextlib.suppress(BrokenPipeError):
        if debug:
            traceback.print_exception(error)
        sign = click.style("error: ", fg="red", bold=True) if screen.color() else "error: "
        for text in (f"{sign}{message}", *getattr(error, "__notes__", ())):
            click.echo(text, err=True)
    return code


def _described(error: BaseException) -> tuple[str, int]:
    if isinstance(error, TunesmithError):
        return str(error), error.exit_code
    if isinstance(error, click.ClickException):
        return _usage(error), error.exit_code
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return "interrupted", INTERRUPTED
    if isinstance(error, OSError):
        # A note has the remedy already.
        noted = getattr(error, "__notes__", ())
        return io_reason(error) if noted else io_problem(error), IO_ERROR
    return (
        f"{type(error).__name__}: {error}\nthis is a bug; run again with --debug and report it",
        BUG,
    )


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    message = error.format_message()
    return f"{message}\nsee: {context.command_path} --help" if context else message


def _silence_stdout() -> None:
    # The interpreter flushes stdout once more at exit, which would print another error.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
