"""Progress on stderr: live bars on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tunesmith.cli.failures import InterruptedWorkError
from tunesmith.cli.paste import line
from tunesmith.cli.screen import color, current
from tunesmith.errors import TunesmithError, remedy_of
from tunesmith.progress.bars import LiveProgress, new_bars
from tunesmith.progress.lines import PlainProgress, RunProgress


@contextmanager
def progress() -> Iterator[RunProgress]:
    """Yield the progress that fits stderr and the settings of the command."""
    chosen = current()
    if chosen.quiet:
        yield RunProgress()
    elif color() and os.environ.get("TERM") != "dumb":
        with new_bars() as bars:
            live = LiveProgress(bars)
            yield live
            live.complete()
    else:
        yield PlainProgress(verbose=chosen.verbose)


@contextmanager
def interruptible(remedy: str) -> Iterator[None]:
    """Add ``remedy``, the way to continue, to an interrupt or an error of the disk."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedWorkError(f"interrupted\n{remedy}") from None
    except OSError as error:
        error.add_note(_fixed(error, remedy))
        raise


@contextmanager
def resumable(progress: RunProgress, *options: str) -> Iterator[None]:
    """Add the resume command to an error or an interrupt of the run of ``progress``.

    ``options`` are arguments of the command that the run does not record.
    """
    try:
        yield
    except (KeyboardInterrupt, TunesmithError, OSError) as error:
        if progress.directory is None:
            raise
        remedy = f"resume with: {line('resume', progress.directory, *options)}"
        if isinstance(error, KeyboardInterrupt):
            raise InterruptedWorkError(f"interrupted\n{remedy}") from None
        error.add_note(_fixed(error, remedy))
        raise


def _fixed(error: Exception, remedy: str) -> str:
    fix = remedy_of(error).fix if isinstance(error, OSError) else "fix this"
    return f"{fix[0].upper()}{fix[1:]}, then {remedy}"
