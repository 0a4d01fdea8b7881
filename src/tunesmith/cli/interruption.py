"""Says how to go on with a run that was stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tunesmith.cli.failures import InterruptedWorkError
from tunesmith.cli.progress import RunProgress
from tunesmith.cli.screen import relative
from tunesmith.errors import TunesmithError


@contextmanager
def resumable(progress: RunProgress) -> Iterator[None]:
    """Name the resume command when the run that ``progress`` knows does not end well."""
    try:
        yield
    except KeyboardInterrupt:
        if progress.directory is None:
            raise
        raise InterruptedWorkError(f"interrupted\ngo on with: {_command(progress)}") from None
    except (TunesmithError, OSError) as error:
        if progress.directory is not None:
            error.add_note(f"when that is mended, go on with: {_command(progress)}")
        raise


def _command(progress: RunProgress) -> str:
    assert progress.directory is not None  # noqa: S101  # the callers looked
    return f"tunesmith resume {relative(progress.directory)}"
